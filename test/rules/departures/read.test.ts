import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Vehicle } from "../../../src/model/vehicle.ts";
import { type DepotWords, readDepartures } from "../../../src/rules/departures/read.ts";

const bus: Vehicle = {
  id: "bus-14",
  class: "line",
  batteryKwh: 300,
  acPhases: 3,
  acMaxA: 32,
  dcMaxKw: 150,
};
const words: DepotWords = {
  zone: "Europe/Stockholm",
  nowMs: Date.parse("2026-11-25T15:00:00Z"),
  evses: new Set(["cp-01/1", "cp-01/2"]),
  vehicles: new Map([["bus-14", bus]]),
  classes: new Map([["line", { id: "line", weight: 10 }]]),
};
const read = (...rows: Record<string, unknown>[]) =>
  readDepartures(
    rows.map((fields, i) => ({ at: `d.csv:${i + 2}`, fields })),
    words,
  );
const faultOf = (row: Record<string, unknown>) => {
  const [fault] = read(row).faults;
  return fault && `${fault.at} ${fault.message} | ${fault.fix}`;
};

describe("departures as they are written", () => {
  it("are of a vehicle or an EVSE, with exact energy, at an instant", () => {
    const found = read(
      { vehicle: "bus-14", depart: "2026-11-26T06:30:00+01:00", energy_kwh: "120.5", class: "line" },
      { vehicle: "van-2", depart: "2026-11-26 06:30", energy_wh: 45_000 },
      { evse: "cp-01/2", depart: "06:30", id: "guest-7" },
      { vehicle: "van-3", depart: "17:00", energy_kwh: "7,25" },
    );
    expect(found.faults).toEqual([]);
    const at = "2026-11-26T05:30:00.000Z";
    expect(found.departures).toEqual([
      { id: "bus-14:2026-11-26", vehicle: "bus-14", depart: at, energy_wh: 120_500, class: "line" },
      { id: "van-2:2026-11-26", vehicle: "van-2", depart: at, energy_wh: 45_000 },
      { id: "guest-7", evse: "cp-01/2", depart: at },
      { id: "van-3:2026-11-25", vehicle: "van-3", depart: "2026-11-25T16:00:00.000Z", energy_wh: 7_250 },
    ]);
  });

  it("with days are lines of the timetable", () => {
    const found = read(
      { vehicle: "bus-14", days: "mo-fr", depart: "6:30", energy_kwh: 120 },
      { vehicle: "bus-14", days: "Sat,sunday", depart: "08.15", soc_pct: "80" },
      { vehicle: "van-2", days: "fr-mo", depart: "07:00" },
      { vehicle: "van-3", days: ["mo", "th"], depart: "07:00", id: "tour" },
    );
    expect(found.lines).toEqual([
      {
        id: "bus-14:mo-tu-we-th-fr:0630",
        vehicle: "bus-14",
        days: ["mo", "tu", "we", "th", "fr"],
        depart: "06:30",
        energy_wh: 120_000,
      },
      { id: "bus-14:sa-su:0815", vehicle: "bus-14", days: ["sa", "su"], depart: "08:15", soc_pct: 80 },
      { id: "van-2:mo-fr-sa-su:0700", vehicle: "van-2", days: ["mo", "fr", "sa", "su"], depart: "07:00" },
      { id: "tour", vehicle: "van-3", days: ["mo", "th"], depart: "07:00" },
    ]);
  });

  it("that are past are left out and counted", () => {
    const found = read(
      { vehicle: "bus-14", depart: "2026-11-25 06:30" },
      { vehicle: "bus-14", depart: "2026-11-26 06:30" },
    );
    expect(found).toMatchObject({ passed: 1, faults: [], departures: [{ id: "bus-14:2026-11-26" }] });
  });

  it("with more energy than a battery takes are clamped, and say so", () => {
    const found = read({ vehicle: "bus-14", depart: "06:30", energy_kwh: "900" });
    expect(found.departures[0]?.energy_wh).toBe(375_000);
    expect(found).toMatchObject({ clamped: true });
    expect(found.notes).toEqual(["bus-14: 900 kWh is more than its battery of 300 kWh takes: 375 kWh holds"]);
    const soc = read({ vehicle: "van-2", depart: "06:30", soc_pct: 80 });
    expect(soc).toMatchObject({ clamped: false, departures: [{ soc_pct: 80 }] });
    expect(soc.notes[0]).toContain("battery is not known");
  });

  it.each([
    [{ depart: "06:30" }, "d.csv:2 names no vehicle and no evse | Give vehicle"],
    [{ vehicle: "bus-14", evse: "cp-01/1", depart: "06:30" }, "names vehicle bus-14 and evse cp-01/1"],
    [{ vehicle: "Bus 14", depart: "06:30" }, 'vehicle is "Bus 14" | Use its id'],
    [
      { evse: "cp-09/1", depart: "06:30" },
      'evse is "cp-09/1", which the depot has not | Use one such as cp-01/1',
    ],
    [{ vehicle: "bus-14", depart: "25:10" }, 'depart is "25:10" | Write a time such as'],
    [{ vehicle: "bus-14", depart: "2026-02-30 06:30" }, 'depart is "2026-02-30 06:30"'],
    [{ vehicle: "bus-14" }, "depart is missing"],
    [{ vehicle: "bus-14", days: "mo-xx", depart: "06:30" }, 'days is "mo-xx" | Write mo-fr'],
    [{ vehicle: "bus-14", days: "mo", depart: "2026-11-26 06:30" }, "Write a time of day such as 06:30"],
    [{ vehicle: "bus-14", depart: "2027-03-01 06:30" }, "more than 60 days ahead"],
    [
      { vehicle: "bus-14", depart: "06:30", energy_kwh: "1.2345" },
      "energy_kwh is 1.2345 | Write kWh above 0",
    ],
    [{ vehicle: "bus-14", depart: "06:30", energy_kwh: "-5" }, "energy_kwh is -5"],
    [{ vehicle: "bus-14", depart: "06:30", energy_wh: "0" }, "energy_wh is 0 | Write whole Wh"],
    [{ vehicle: "bus-14", depart: "06:30", energy_kwh: 1e-7 }, "energy_kwh is 1e-7"],
    [{ vehicle: "bus-14", depart: "06:30", soc_pct: "101" }, "soc_pct is 101"],
    [{ vehicle: "bus-14", depart: "06:30", soc_pct: 80, energy_wh: 1 }, "gives energy_wh and soc_pct"],
    [
      { vehicle: "bus-14", depart: "06:30", class: "vip" },
      'class is "vip", which the config has not | Use one of line',
    ],
    [{ vehicle: "bus-14", depart: "06:30", id: "a@b" }, 'id is "a@b"'],
  ])("refuses %j", (row, told) => {
    expect(faultOf(row)).toContain(told);
    expect(read(row).departures).toEqual([]);
  });

  it("refuses two departures of one id, naming both places", () => {
    const { faults } = read(
      { vehicle: "bus-14", depart: "2026-11-26 06:30" },
      { vehicle: "bus-14", depart: "2026-11-26 14:00" },
    );
    expect(faults).toEqual([
      {
        at: "d.csv:3",
        message: "has the id bus-14:2026-11-26, like d.csv:2",
        fix: "Give each of them an id of its own in the column id.",
      },
    ]);
  });

  it("are taken or refused with a reason, whatever stands in them, and never thrown at", () => {
    const cell = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.integer(),
      fc.double(),
      fc.constantFrom("06:30", "bus-14", "cp-01/1", "mo-fr", "", "80"),
      fc.constant(undefined),
    );
    const row = fc.record({
      id: cell,
      vehicle: cell,
      evse: cell,
      days: cell,
      depart: cell,
      energy_kwh: cell,
      energy_wh: cell,
      soc_pct: cell,
      class: cell,
    });
    fc.assert(
      fc.property(row, (fields) => {
        const found = read(fields);
        const taken = found.departures.length + found.lines.length + found.passed;
        expect(taken > 0).toBe(found.faults.length === 0);
        for (const { energy_wh = 1 } of [...found.departures, ...found.lines])
          expect(Number.isSafeInteger(energy_wh) && energy_wh > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("make whole Wh of every decimal kWh, digit by digit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 375_000 }), (wh) => {
        const kwh = `${Math.floor(wh / 1000)}.${String(wh % 1000).padStart(3, "0")}`;
        expect(read({ vehicle: "bus-14", depart: "06:30", energy_kwh: kwh }).departures[0]?.energy_wh).toBe(
          wh,
        );
      }),
    );
  });
});
