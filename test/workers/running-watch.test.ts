import { beforeEach, describe, expect, it } from "vitest";
import type { RunningCost } from "../../src/model/running-cost.ts";
import { type SessionsPart, sessionsFold } from "../../src/rules/fold-sessions.ts";
import { runningCosts } from "../../src/rules/running-cost.ts";
import { RunningWatch } from "../../src/workers/running-watch.ts";
import { DEPOT, DepotLog, START_MS } from "../rules/depot-events.ts";

const NOW = START_MS + 60_000;
let parts: Map<string, SessionsPart>;

function fold(log: DepotLog): void {
  const sessions = sessionsFold(DEPOT);
  for (const event of log.events.splice(0))
    sessions.apply(parts, event, { emit: () => undefined, touched: () => undefined });
}

const idsOf = (costs: readonly RunningCost[] = []) =>
  costs.map(({ station, evse }) => `${station}/${evse}`).sort();

beforeEach(() => {
  parts = new Map();
});

describe("what open sessions cost", () => {
  it("is told at once, again after ten seconds, and not any more when the session is over", () => {
    const log = DepotLog.started();
    fold(
      log
        .start({ at: 0, wh: 0 })
        .start({ at: 0, wh: 0, evse: 2, ref: "t2" })
        .sample({ at: 9, wh: 20, ref: "t1" }),
    );
    const watch = new RunningWatch(parts, runningCosts(DEPOT, parts));
    expect(idsOf(watch.turn(NOW, () => 0)?.costs)).toEqual(["cp-01/1", "cp-01/2"]);
    expect(watch.turn(NOW, () => 9_999)).toBeUndefined();
    const again = watch.turn(NOW, () => 10_000);
    expect(again?.costs.find(({ evse }) => evse === 1)).toMatchObject({
      energy_wh: 20,
      total_excl_vat: "0.0500",
    });
    fold(
      log
        .stop({ at: 20, wh: 40, ref: "t1" })
        .start({ at: 30, wh: 40, ref: "t3" })
        .stop({ at: 31, evse: 2, ref: "t2" }),
    );
    const after = watch.turn(NOW, () => 10_250);
    expect(after?.ended).toEqual(["cp-01/2"]);
    // Another session at the same EVSE does not wait for its turn.
    expect(after?.costs).toMatchObject([{ station: "cp-01", evse: 1, energy_wh: 0 }]);
    expect(watch.turn(NOW, () => 10_500)).toBeUndefined();
  });

  it("takes a few milliseconds a turn, and goes on where it stopped", () => {
    const log = DepotLog.started();
    fold(log.start({ at: 0, wh: 0 }).start({ at: 0, wh: 0, evse: 2, ref: "t2" }));
    log.station = "cp-02";
    fold(log.start({ at: 0, wh: 0, ref: "t3" }));
    const watch = new RunningWatch(parts, runningCosts(DEPOT, parts));
    let wire = 0;
    const slow = () => (wire += 3);
    const turns = Array.from({ length: 4 }, () => watch.turn(NOW, slow)?.costs ?? []);
    expect(turns.map((costs) => costs.length)).toEqual([1, 1, 1, 0]);
    expect(idsOf(turns.flat())).toEqual(["cp-01/1", "cp-01/2", "cp-02/1"]);
  });

  it("names a session that it cannot rate once, and tells of the others", () => {
    const log = DepotLog.started();
    fold(log.start({ at: 0, wh: 0 }).start({ at: 0, wh: 0, evse: 2, ref: "t2" }));
    const costOf = runningCosts(DEPOT, parts);
    const watch = new RunningWatch(parts, (station, evse, atMs) => {
      if (evse === 1) throw new TypeError("no such number");
      return costOf(station, evse, atMs);
    });
    const news = watch.turn(NOW, () => 0);
    expect(news?.faults).toEqual([expect.stringContaining("no such number")]);
    expect(idsOf(news?.costs)).toEqual(["cp-01/2"]);
    expect(watch.turn(NOW, () => 20_000)?.faults).toEqual([]);
  });
});
