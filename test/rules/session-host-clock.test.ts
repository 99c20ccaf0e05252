import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../src/model/event.ts";
import type { TariffVersion } from "../../src/model/tariff.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { sessionsFold } from "../../src/rules/fold-sessions.ts";
import { DEPOT, DepotLog, energy, iso, TARIFF } from "./depot-events.ts";
import { logLoop } from "./log-loop.ts";

const version = (elements: object[]): TariffVersion =>
  ({ hash: "c".repeat(64), body: { id: "c", currency: "SEK", elements } }) as TariffVersion;
const PARKING = version([
  { price_components: [energy("2"), { type: "PARKING_TIME", price: "10", step_size: 1 }] },
]);
const NIGHT = version([
  { price_components: [energy("1")], restrictions: { start_time: "22:00", end_time: "06:00" } },
  { price_components: [energy("3")] },
]);

function ticked(log: DepotLog, at: number, synchronised: boolean | null, stepped_ms?: number): DepotLog {
  const step = stepped_ms === undefined ? {} : { stepped_ms };
  return log.add("clock.ticked", at, { at: iso(at), synchronised, ...step }, null);
}

/** A charge from 0 to 600 s, with the clock as it was said to be before its start and before its end. */
function charge(tariff: TariffVersion, before: boolean | null, during: boolean | null, aheadS = 0): DepotLog {
  const log = ticked(DepotLog.started(tariff), -30, before);
  log.start({ at: 0, ts: aheadS, wh: 0, state: "charging" });
  return ticked(log, 300, during).stop({ at: 600, ts: 600 + aheadS, wh: 1000 });
}

function outcome(log: DepotLog) {
  const loop = logLoop(() => [sessionsFold(DEPOT), billingFold({ site: "n", tzdata: "t" })]);
  for (const event of log.events) loop.append(event as NewEvent);
  loop.settle();
  const ended = loop.events.find((e) => e.type === "session.ended");
  const released = loop.events.find((e) => e.type === "hold.released");
  return {
    held: ended?.type === "session.ended" ? ended.body.held.map((h) => h.code) : null,
    detail: ended?.type === "session.ended" ? (ended.body.held[0]?.detail ?? "") : "",
    released: released?.type === "hold.released" ? [released.body.by, released.body.reason] : null,
    bills: loop.events.filter((e) => e.type === "cdr.issued").length,
  };
}

describe("a tariff that is priced by time waits for a synchronised clock", () => {
  it.each<[string, boolean | null, boolean | null, string]>([
    ["unsynchronised at its start and end", false, false, "start and end"],
    ["unknown throughout", null, null, "start and end"],
    ["lost before its end", true, false, "end"],
  ])("%s", (_, before, during, when) => {
    const { held, detail, bills } = outcome(charge(PARKING, before, during));
    expect(held).toEqual(["CLOCK_UNSYNCHRONISED"]);
    expect(detail).toContain(`session's ${when} the host's clock`);
    expect(bills).toBe(0);
  });

  it("is billed when the clock was synchronised throughout", () => {
    expect(outcome(charge(PARKING, true, true))).toMatchObject({ held: [], bills: 1 });
  });

  it("is billed when the clock became synchronised before its end without a step", () => {
    expect(outcome(charge(PARKING, false, true))).toMatchObject({ held: [], bills: 1 });
  });

  it("waits when the clock was stepped while it became synchronised", () => {
    const log = ticked(DepotLog.started(PARKING), -30, false).start({ at: 0, wh: 0 });
    expect(outcome(ticked(log, 300, true, -30_000).stop({ at: 600, wh: 1000 }))).toMatchObject({
      held: ["CLOCK_UNSYNCHRONISED"],
      bills: 0,
    });
  });

  it("energy alone never waits, and neither does a log in which nobody asked", () => {
    expect(outcome(charge(TARIFF, null, false))).toMatchObject({ held: [], bills: 1 });
    const unasked = DepotLog.started(PARKING).start({ at: 0, wh: 0 }).tick(60).stop({ at: 600, wh: 1000 });
    expect(outcome(unasked)).toMatchObject({ held: [], bills: 1 });
  });

  it("a station's clock that stands off holds what goes by the time of day, not what goes by duration", () => {
    expect(outcome(charge(NIGHT, true, true, 90))).toMatchObject({
      held: ["CLOCK_UNSYNCHRONISED"],
      bills: 0,
    });
    expect(outcome(charge(PARKING, true, true, 90))).toMatchObject({ held: [], bills: 1 });
    expect(outcome(ticked(charge(NIGHT, true, true, 90), 660, true)).released).toBeNull();
  });
});

describe("the gateway releases what waited for its clock", () => {
  const waiting = () => charge(PARKING, true, false);

  it("as soon as the clock is synchronised and was not stepped", () => {
    expect(outcome(ticked(waiting(), 660, true))).toMatchObject({
      released: ["gateway", "the clock is synchronised, offset below 2 s"],
      bills: 1,
    });
  });

  it("also after steps that together stay below two seconds", () => {
    const log = ticked(ticked(waiting(), 660, false, 1500), 720, true, 400);
    expect(outcome(log).bills).toBe(1);
  });

  it("not when the clock was stepped by more than two seconds since", () => {
    const log = ticked(ticked(waiting(), 660, false, -1500), 720, true, -600);
    expect(outcome(ticked(log, 780, true))).toMatchObject({ released: null, bills: 0 });
  });

  it("not over a restart, which may hide a step", () => {
    const log = waiting().add("gateway.started", 630, { version: "0", node: "24", epoch: 3 }, null);
    expect(outcome(ticked(log, 660, true))).toMatchObject({ released: null, bills: 0 });
  });

  it("not when a person must look at it for another reason too", () => {
    const log = ticked(DepotLog.started(PARKING), -30, false)
      .start({ at: 0, wh: 0 })
      .stop({ at: 600, wh: 500_000 });
    expect(outcome(ticked(log, 660, true))).toMatchObject({
      held: ["IMPLAUSIBLE_ENERGY", "CLOCK_UNSYNCHRONISED"],
      released: null,
    });
  });
});
