import { describe, expect, it } from "vitest";
import { DEPOT, DepotLog, of, onlySession, run, START_MS, spec } from "./depot-events.ts";

const proven = (session: { segments: { from_wh: number; to_wh: number }[] }): [number, number][] =>
  session.segments.map((s) => [s.from_wh, s.to_wh]);
const codes = (session: { held: { code: string }[] }): string[] => session.held.map((h) => h.code);

describe("registers that fall", () => {
  it("wraps at the configured modulus, with the right difference", () => {
    const options = { ...DEPOT, registerModulusWh: new Map([["cp-01/1", 1_000_000] as const]) };
    const log = DepotLog.started()
      .start({ at: 0, wh: 999_900 })
      .sample({ at: 60, wh: 999_990, ref: "t1" })
      .sample({ at: 120, wh: 150, ref: "t1" })
      .stop({ at: 180, wh: 300 });
    const session = onlySession(log, options);
    expect(session).toMatchObject({ energy_wh: 400, flags: ["METER_ROLLOVER"], held: [] });
    expect(proven(session)).toEqual([
      [999_900, 1_000_000],
      [0, 300],
    ]);
  });
  it("is no rollover when the connector could not have delivered the difference", () => {
    const options = { ...DEPOT, registerModulusWh: new Map([["cp-01/1", 1_000_000] as const]) };
    const log = DepotLog.started()
      .start({ at: 0, wh: 900_000 })
      .sample({ at: 60, wh: 900_100, ref: "t1" })
      .sample({ at: 120, wh: 150, ref: "t1" })
      .stop({ at: 180, wh: 300 });
    expect(onlySession(log, options)).toMatchObject({ energy_wh: 250, flags: ["METER_RESET"] });
  });
  it("drops to zero: proven segments only, nothing for what was not read", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 5000 })
      .sample({ at: 60, wh: 5200, ref: "t1" })
      .sample({ at: 120, wh: 5400, ref: "t1" })
      .sample({ at: 180, wh: 100, ref: "t1" })
      .sample({ at: 240, wh: 300, ref: "t1" })
      .stop({ at: 300, wh: 500 });
    const session = onlySession(log);
    expect(session).toMatchObject({ energy_wh: 800, flags: ["METER_RESET"], held: [] });
    expect(proven(session)).toEqual([
      [5000, 5400],
      [100, 500],
    ]);
  });
  it("drops to zero at the stop: what the samples proved stays proven", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .samples({ from: 60, to: 1200, every: 60, wh: 300, stepWh: 300, ref: "t1" })
      .stop({ at: 1260, wh: 20 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 6000, flags: ["METER_RESET"] });
  });
  it("samples that lag behind the start register bill nothing from before the session", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1_000_500 })
      .sample({ at: 60, wh: 1_000_300, ref: "t1" })
      .samples({ from: 120, to: 600, every: 60, wh: 1_000_600, stepWh: 300, ref: "t1" })
      .stop({ at: 660, wh: 1_003_300 });
    const session = onlySession(log);
    expect(session).toMatchObject({ energy_wh: 2800, flags: [], held: [] });
    expect(proven(session)).toEqual([[1_000_500, 1_003_300]]);
  });
  it("a stop register shortly below the start proves nothing and is flagged", () => {
    const log = DepotLog.started().start({ at: 0, wh: 1_000_500 }).stop({ at: 660, wh: 1_000_300 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 0, flags: ["METER_RESET"] });
  });
  it("a register that steps back by rounding is no reset", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .sample({ at: 60, wh: 120, ref: "t1" })
      .sample({ at: 61, wh: 117, ref: "t1" })
      .sample({ at: 120, wh: 240, ref: "t1" })
      .stop({ at: 121, wh: 236 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 236, residue_wh: 4, flags: ["REGISTER_AFTER_STOP"] });
  });
  it("nor when the register is still near zero", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .sample({ at: 10, wh: 12, ref: "t1" })
      .sample({ at: 11, wh: 9, ref: "t1" })
      .sample({ at: 20, wh: 40, ref: "t1" })
      .stop({ at: 30, wh: 60 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 60, flags: [] });
  });
  it("a value inside the proven range does not count the same energy twice", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0, seq: null, boot: null })
      .samples({ from: 60, to: 1200, every: 60, wh: 300, stepWh: 300, ref: "t1" })
      .sample({ at: 1201, wh: 3000, ref: "t1" })
      .sample({ at: 1260, wh: 6300, ref: "t1" })
      .stop({ at: 1320, wh: 6600 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 6600, flags: [], held: [] });
  });
  it("a meter that keeps restarting is held, and its segments stay bounded", () => {
    const log = DepotLog.started().start({ at: 0, wh: 500 });
    for (let i = 1; i <= 500; i++) log.sample({ at: i * 10, wh: i % 2 ? 60 : 5, ref: "t1" });
    const session = onlySession(log.stop({ at: 5010, wh: 60 }));
    expect(session.segments.length).toBeLessThanOrEqual(101);
    expect(codes(session)).toContain("IMPLAUSIBLE_ENERGY");
  });
});

describe("meters and bases", () => {
  it("another meter under the same identity: a segment for each serial", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 1000, serial: "M1" })
      .sample({ at: 60, wh: 1200, ref: "t1", serial: "M1" })
      .sample({ at: 120, wh: 77_000, ref: "t1", serial: "M2" })
      .stop({ at: 180, wh: 77_150, serial: "M2" });
    const session = onlySession(log);
    expect(session).toMatchObject({ energy_wh: 350, flags: ["METER_REPLACED"], held: [] });
    expect(session.segments.map((s) => s.meter_serial)).toEqual(["M1", "M2"]);
  });
  it("the serial of the hello stands for messages that name none", () => {
    const log = DepotLog.started()
      .hello({ at: -10, serial: "M1" })
      .start({ at: 0, wh: 1000 })
      .sample({ at: 60, wh: 1200, ref: "t1" })
      .hello({ at: 90, serial: "M2" })
      .sample({ at: 120, wh: 50, ref: "t1" })
      .stop({ at: 180, wh: 250 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 400, flags: ["METER_REPLACED"] });
  });
  it("session-relative samples beside a lifetime start and stop: detected, never mixed", () => {
    const visit = (log: DepotLog, at: number, wh: number, ref: string) =>
      log
        .start({ at, wh, ref })
        .samples({ from: at + 60, to: at + 600, every: 60, wh: 200, stepWh: 200, ref })
        .stop({ at: at + 660, wh: wh + 2100, ref });
    const ended = of(
      "session.ended",
      run(visit(visit(DepotLog.started(), 0, 800_000, "a"), 3600, 802_100, "b").events),
    );
    expect(ended.map((s) => [s.energy_wh, s.flags, s.held])).toEqual([
      [2100, ["REGISTER_SESSION_RELATIVE"], []],
      [2100, ["REGISTER_SESSION_RELATIVE"], []],
    ]);
    expect(ended[0]?.readings.at(-1)?.energy_wh).toBe(2100);
  });
  it("without a stop register the samples prove their own difference, whichever basis they had", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 800_000 })
      .samples({ from: 60, to: 600, every: 60, wh: 200, stepWh: 200, ref: "t1" })
      .stop({ at: 660 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 1800, flags: ["METER_RESET"] });
  });
  it("samples that prove more than start and stop are held", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 800_000 })
      .samples({ from: 60, to: 600, every: 60, wh: 200, stepWh: 200, ref: "t1" })
      .stop({ at: 660, wh: 800_500 });
    expect(codes(onlySession(log))).toEqual(["REGISTER_MODE_UNCLEAR"]);
  });
  it("a register that starts at zero each session never touches another session's", () => {
    const log = DepotLog.started();
    for (let i = 0; i < 3; i++) {
      const at = i * 3600;
      log.start({ at, wh: 0, ref: `r${i}` }).sample({ at: at + 60, wh: 200, ref: `r${i}` });
      log.stop({ at: at + 120, wh: 400, ref: `r${i}` });
    }
    expect(of("session.ended", run(log.events)).map((s) => s.energy_wh)).toEqual([400, 400, 400]);
  });
});

describe("late and out of order", () => {
  it("samples out of order prove the same energy in one segment", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0, seq: 0 })
      .sample({ at: 62, ts: 60, wh: 200, ref: "t1", seq: 3 })
      .sample({ at: 63, ts: 20, wh: 60, ref: "t1", seq: 1 })
      .sample({ at: 64, ts: 40, wh: 130, ref: "t1", seq: 2 })
      .stop({ at: 80, wh: 250, seq: 4 });
    const session = onlySession(log);
    expect(session).toMatchObject({ energy_wh: 250, flags: [], held: [] });
    expect(proven(session)).toEqual([[0, 250]]);
  });
  it("equal stamps count in the order of arrival", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .sample({ at: 10, ts: 10, wh: 20, ref: "t1" })
      .sample({ at: 11, ts: 10, wh: 25, ref: "t1" })
      .stop({ at: 20, wh: 50 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 50, flags: [] });
  });
  it("a register that grows after the stop is reported and not billed", () => {
    const log = DepotLog.started()
      .status("occupied", { at: 0 })
      .start({ at: 0, wh: 0 })
      .sample({ at: 30, wh: 50, ref: "t1" })
      .stop({ at: 40, wh: 66 })
      .sample({ at: 45, wh: 80, ref: "t1" })
      .status("available", { at: 60 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 66, residue_wh: 14, flags: ["REGISTER_AFTER_STOP"] });
  });
  it("after the session is closed the same is a correction, once", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .stop({ at: 40, wh: 66 })
      .sample({ at: 45, wh: 80, ref: "t1" })
      .sample({ at: 55, wh: 90, ref: "t1" });
    expect(of("session.corrected", run(log.events))).toMatchObject([
      { session_id: "s3-3", what: "register_after_stop" },
    ]);
    expect(of("session.started", run(log.events))).toHaveLength(1);
  });
  it("a stop without a register takes the sample that says it is the end", () => {
    const log = DepotLog.started()
      .status("occupied", { at: 0 })
      .start({ at: 0, wh: 0 })
      .sample({ at: 30, wh: 50, ref: "t1" })
      .stop({ at: 40 })
      .sample({ at: 41, ts: 40, wh: 66, ref: "t1", end: true })
      .status("available", { at: 60 });
    expect(onlySession(log)).toMatchObject({ energy_wh: 66, flags: [] });
  });
});

describe("what a person must look at first", () => {
  it("a spike of a gigawatt-hour", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 100 })
      .sample({ at: 60, wh: 1_000_000_000, ref: "t1" })
      .sample({ at: 120, wh: 300, ref: "t1" })
      .stop({ at: 180, wh: 400 });
    const session = onlySession(log);
    expect(codes(session)).toEqual(["IMPLAUSIBLE_ENERGY"]);
    expect(session.held[0]?.detail).toContain("from 100 to 1000000000 Wh");
  });
  it("a small spike that the total time would hide", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .samples({ from: 3600, to: 36_000, every: 3600, wh: 100, stepWh: 100, ref: "t1" })
      .sample({ at: 36_010, wh: 60_000, ref: "t1" })
      .stop({ at: 40_000, wh: 60_100 });
    expect(codes(onlySession(log))).toEqual(["IMPLAUSIBLE_ENERGY"]);
  });
  it("a register that counts in 0.1 kWh is plausible", () => {
    const log = DepotLog.started().start({ at: 0, wh: 0 });
    for (let at = 10; at <= 600; at += 10)
      log.sample({ at, wh: Math.floor((at * 22_000) / 360_000) * 100, ref: "t1" });
    expect(onlySession(log.stop({ at: 605, wh: 3700 })).held).toEqual([]);
  });
  it("a start at zero before a lifetime register (910 kWh for a few Wh)", () => {
    const log = DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 300, wh: 910_083 });
    expect(codes(onlySession(log))).toEqual(["IMPLAUSIBLE_ENERGY"]);
  });
  it("full power for an hour at the highest supply voltage is plausible", () => {
    const wh = Math.floor(32 * 3 * 253);
    expect(onlySession(DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 3600, wh }))).toMatchObject({
      energy_wh: wh,
      held: [],
    });
    const dc = { ...spec(), kind: "dc" as const, maxA: 250 };
    const options = { ...DEPOT, evses: new Map([["cp-01/1", dc] as const]) };
    const log = DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 1800, wh: 80_000 });
    expect(onlySession(log, options).held).toEqual([]);
    expect(codes(onlySession(log))).toEqual(["IMPLAUSIBLE_ENERGY"]);
  });
  it("edge case 15: power, current and voltage of each phase without a total register prove no energy", () => {
    const log = DepotLog.started().start({ at: 0 });
    for (let at = 60; at < 600; at += 60)
      log.add("meter.sampled", at, {
        evse: 1,
        ts: new Date(START_MS + at * 1000).toISOString(),
        boot: "b1",
        seq: 1000 + at,
        context: "sample.periodic",
        tx_ref: "t1",
        power_w: 11_040,
        current_a: [16, 16, 16],
        voltage_v: [230, 230, 230],
      });
    const session = onlySession(log.stop({ at: 600, seq: 2000 }));
    expect(session).toMatchObject({ energy_wh: 0, segments: [] });
    expect(codes(session)).toContain("NO_REGISTER");
  });
  it("no register, or a single one", () => {
    expect(codes(onlySession(DepotLog.started().start({ at: 0 }).stop({ at: 60 })))).toEqual(["NO_REGISTER"]);
    expect(codes(onlySession(DepotLog.started().start({ at: 0, wh: 5 }).stop({ at: 60 })))).toEqual([
      "NO_REGISTER",
    ]);
  });
  it("start and stop in the same instant at the same register prove zero", () => {
    expect(onlySession(DepotLog.started().start({ at: 0, wh: 5 }).stop({ at: 0, wh: 5 }))).toMatchObject({
      energy_wh: 0,
      held: [],
    });
  });
  it("a car that gave energy back", () => {
    const log = DepotLog.started()
      .start({ at: 0, wh: 0 })
      .sample({ at: 60, wh: 100, export_wh: 0, ref: "t1" })
      .sample({ at: 120, wh: 100, export_wh: 150, ref: "t1" })
      .stop({ at: 180, wh: 100 });
    expect(codes(onlySession(log))).toEqual(["NEGATIVE_ENERGY"]);
  });
  it("a session from before the first tariff; a site without tariffs bills nothing and holds nothing", () => {
    const log = DepotLog.started(null).start({ at: 0, wh: 0 });
    const free = [...log.events];
    const later = DepotLog.started();
    const adopted = later.events[1];
    if (adopted) log.events.push({ ...adopted, offset: 3 });
    expect(codes(onlySession(log.stop({ at: 60, wh: 100 })))).toEqual(["NO_TARIFF"]);
    log.events.splice(0, log.events.length, ...free);
    expect(onlySession(log.stop({ at: 60, wh: 100 }))).toMatchObject({ held: [], tariff: null });
  });
});

describe("five days", () => {
  it("of parking with 100 000 samples stay small", () => {
    const log = DepotLog.started().start({ at: 0, wh: 0, state: "charging" });
    log.samples({ from: 4, to: 432_000, every: 4.32, wh: 4, stepWh: 4, ref: "t1" });
    const session = onlySession(log.stop({ at: 432_010, wh: 400_000 }));
    expect(log.events.length).toBeGreaterThan(100_000);
    expect(session.energy_wh).toBe(400_000);
    expect(session.readings.length).toBeLessThan(1100);
    expect(JSON.stringify(session).length).toBeLessThan(100_000);
    for (const quarter of [0, 1, 100, 479]) {
      const edge = START_MS + quarter * 900_000;
      const near = session.readings.filter((r) => Math.abs(r.at_ms - edge) < 5000);
      expect(near.length).toBeGreaterThan(0);
    }
  });
  it("of a car that pauses every minute keep the time in each state", () => {
    const log = DepotLog.started().start({ at: 0, wh: 0, state: "charging" });
    for (let at = 60; at < 432_000; at += 60) {
      log.status("occupied", { at, state: at % 120 === 0 ? "charging" : "suspended_ev" });
    }
    const session = onlySession(log.stop({ at: 432_000, wh: 400_000, reason: "ev_disconnected" }));
    expect(session.durations_s).toMatchObject({ charging: 216_000, suspended_ev: 216_000 });
    expect(session.intervals.length).toBeLessThan(3000);
  });
});

it("the energy curve never falls, also where samples begin to count from zero within the session", () => {
  const log = DepotLog.started()
    .start({ at: 0, wh: 11 })
    .start({ at: 0, wh: 12 })
    .sample({ at: 700, wh: 0, ref: "t1" })
    .start({ at: 710 })
    .tick(98_000);
  const curve = onlySession(log).readings.map((reading) => reading.energy_wh);
  expect(curve).toEqual(curve.toSorted((a, b) => a - b));
});
