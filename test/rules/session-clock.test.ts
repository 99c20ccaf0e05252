import { describe, expect, it } from "vitest";
import { instantMs } from "../../src/rules/instant.ts";
import { DepotLog, of, onlySession, run, START_MS } from "./depot-events.ts";

const YEARS = 56 * 365.25 * 86_400;

describe("station clocks", () => {
  it("a clock at 1970 gives way to the time of arrival", () => {
    const log = DepotLog.started()
      .start({ at: 0, ts: -YEARS, wh: 0, state: "charging" })
      .sample({ at: 60, ts: 60 - YEARS, wh: 200, ref: "t1" })
      .stop({ at: 120, ts: 120 - YEARS, wh: 400 });
    expect(onlySession(log)).toMatchObject({
      clock: "gateway",
      started_ms: START_MS,
      ended_ms: START_MS + 120_000,
      energy_wh: 400,
      flags: ["CLOCK_UNSET"],
      durations_s: { charging: 120 },
      held: [],
    });
  });
  it("a clock that is lost in a reboot mid-session moves the session to arrival times", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0, state: "charging" })
      .sample({ at: 60, wh: 200, ref: "t1" })
      .sample({ at: 120, ts: -YEARS, wh: 400, ref: "t1" })
      .stop({ at: 180, ts: 60 - YEARS, wh: 600 });
    expect(onlySession(log)).toMatchObject({
      clock: "gateway",
      energy_wh: 600,
      durations_s: { charging: 180 },
      flags: ["CLOCK_UNSET"],
    });
  });
  it("a clock an hour ahead keeps its own time, flagged with its offset", () => {
    const log = DepotLog.started()
      .start({ at: 0, ts: 3600, wh: 0, state: "charging" })
      .sample({ at: 60, ts: 3660, wh: 200, ref: "t1" })
      .stop({ at: 120, ts: 3720, wh: 400 });
    expect(onlySession(log)).toMatchObject({
      clock: "station",
      clock_offset_ms: 3_600_000,
      flags: ["CLOCK_SKEW"],
      durations_s: { charging: 120 },
    });
  });
  it("two seconds are tolerated", () => {
    const log = DepotLog.started().start({ at: 0, ts: 2, wh: 0 }).stop({ at: 60, ts: 62, wh: 9 });
    expect(onlySession(log).flags).toEqual([]);
  });
  for (const [name, stepS] of [
    ["forward", 3600],
    ["back", -3600],
  ] as const) {
    it(`a clock that steps ${name} an hour: no period negative, none an hour long`, () => {
      const log = DepotLog.started()
        .start({ at: 0, wh: 0, state: "charging" })
        .sample({ at: 60, wh: 200, ref: "t1" })
        .sample({ at: 120, ts: 120 + stepS, wh: 400, ref: "t1" })
        .status("occupied", { at: 180, ts: 180 + stepS, state: "suspended_ev" })
        .stop({ at: 240, ts: 240 + stepS, wh: 400, reason: "ev_disconnected" });
      const session = onlySession(log);
      expect(session).toMatchObject({
        clock: "gateway",
        energy_wh: 400,
        durations_s: { charging: 180, suspended_ev: 60, gap: 0 },
        flags: ["CLOCK_SKEW"],
      });
      for (const i of session.intervals) expect(i.to_ms).toBeGreaterThan(i.from_ms);
    });
  }
  it("the gateway's own clock stepping back is not taken for the station's", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0, state: "charging" })
      .sample({ at: 60, wh: 200, ref: "t1" })
      .sample({ at: 120 - 3600, ts: 120, wh: 400, ref: "t1" })
      .stop({ at: 180 - 3600, ts: 180, wh: 600 });
    expect(onlySession(log)).toMatchObject({
      clock: "station",
      durations_s: { charging: 180 },
      energy_wh: 600,
    });
  });
  it("late delivery is not skew: the least delayed message tells", () => {
    const log = DepotLog.started()
      .hello({ at: 0 })
      .start({ at: 600, ts: 10, wh: 0, state: "charging" })
      .sample({ at: 600, ts: 60, wh: 200, ref: "t1" })
      .stop({ at: 601, ts: 120, wh: 400 });
    expect(onlySession(log)).toMatchObject({ flags: [], durations_s: { charging: 110 }, clock: "station" });
  });
  it("a stamp that is no time counts as unset and nothing throws", () => {
    const log = DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 60, wh: 10 });
    for (const event of log.events) if ("ts" in event.body) event.body.ts = "yesterday";
    expect(onlySession(log)).toMatchObject({ clock: "gateway", flags: ["CLOCK_UNSET"], energy_wh: 10 });
  });
  it("alerts while a clock is off, cleared when it is right again", () => {
    const log = DepotLog.started().hello({ at: 0, ts: 30 }).tick(60).tick(120);
    for (let at = 300; at <= 1500; at += 300) log.hello({ at }).tick(at + 60);
    const emitted = run(log.events);
    expect(of("alert.raised", emitted)).toMatchObject([
      { kind: "clock_skew", subject: "cp-01", since_ms: START_MS + 60_000 },
    ]);
    expect(of("alert.cleared", emitted)).toMatchObject([{ id: "clock_skew:cp-01", duration_s: 1200 }]);
  });
});

describe("reading times", () => {
  it.each([
    "2026-03-02T18:00:00Z",
    "2026-03-02T18:00:00.5Z",
    "2026-02-28T23:59:59.999Z",
    "2024-02-29T12:34:56.789Z",
    "2000-02-29T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "2026-03-02T20:00:00+02:00",
    "2026-12-31T23:30:00.123-01:00",
    "2026-03-02T18:00Z",
  ])("%s as the language does", (text) => {
    expect(instantMs(text)).toBe(Date.parse(text));
  });
  it("cuts what is finer than a millisecond", () => {
    expect(instantMs("2026-03-02T18:00:00.123456Z")).toBe(START_MS + 123);
  });
  it.each(["", "now", "2026-03-02T18:0x:00Z", "2026-03-02T18:00:00,5Z"])("%j is not a time", (text) => {
    expect(instantMs(text)).toBeNaN();
  });
});
