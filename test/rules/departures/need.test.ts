import { describe, expect, it } from "vitest";
import type { DepartureRecord, TimetableLine } from "../../../src/model/departure.ts";
import type { Event, NewEvent } from "../../../src/model/event.ts";
import type { Fleet, LearnedLimits } from "../../../src/model/vehicle.ts";
import { ahead } from "../../../src/rules/departures/ahead.ts";
import { book, type DepartureBook, emptyBook, isKnown } from "../../../src/rules/departures/book.ts";
import { energyOf, needOf } from "../../../src/rules/departures/need.ts";
import type { Stay } from "../../../src/rules/departures/stay.ts";

const ZONE = "Europe/Stockholm";
const HOUR_MS = 3_600_000;
// Wednesday, 18:00 on the site's clocks.
const NOW = Date.parse("2026-11-25T17:00:00Z");
const MORNING = Date.parse("2026-11-26T05:30:00Z");

const fleet: Fleet = {
  vehicles: new Map([
    ["bus-14", { id: "bus-14", class: "line", batteryKwh: 300, acPhases: null, acMaxA: 32, dcMaxKw: null }],
  ]),
  classes: new Map([
    ["line", { id: "line", weight: 10 }],
    ["vip", { id: "vip", weight: 100 }],
  ]),
};
const stay: Stay = {
  pluggedMs: NOW - HOUR_MS,
  vehicle: "bus-14",
  group: "transport",
  socPct: null,
  earlierWh: 0,
  session: null,
  registerWh: null,
  deliveredWh: 12_000,
  wish: null,
};

function booked(...facts: Pick<NewEvent, "type" | "body">[]): DepartureBook {
  const known = emptyBook();
  for (const [i, fact] of facts.entries())
    book(known, { ...fact, offset: i + 1, atMs: NOW, station: null, key: `k${i}` } as Event);
  return known;
}
const set = (...departures: DepartureRecord[]) =>
  ({ type: "departures.set", body: { departures, source: "api" } }) as const;
const weekly = (...lines: TimetableLine[]) =>
  ({ type: "timetable.set", body: { lines, source: "file" } }) as const;
const removed = (...ids: string[]) => ({ type: "departures.removed", body: { ids, source: "api" } }) as const;
const daily: TimetableLine = {
  id: "line-4",
  vehicle: "bus-14",
  days: ["mo", "tu", "we", "th", "fr", "sa", "su"],
  depart: "06:30",
  energy_wh: 90_000,
};

function need(known: DepartureBook, nowMs = NOW, over: Partial<Stay> = {}, learned?: LearnedLimits) {
  const coming = ahead(known, nowMs - 3 * HOUR_MS, nowMs + 8 * 24 * HOUR_MS, ZONE);
  return needOf("cp-01/1", { ...stay, ...over }, coming, fleet, learned, nowMs);
}

describe("what is wanted at an EVSE", () => {
  it("is known without any departure: who is there since when, its class and limits", () => {
    expect(need(emptyBook(), NOW, {}, { ac_phases: 3, ac_max_a: 16 })).toEqual({
      evse: "cp-01/1",
      vehicle: "bus-14",
      group: "transport",
      class: "line",
      weight: 10,
      pluggedMs: NOW - HOUR_MS,
      deliveredWh: 12_000,
      departMs: null,
      energyWh: null,
      source: null,
      acPhases: 3,
      acMaxA: 32,
      dcMaxKw: null,
    });
    expect(need(emptyBook(), NOW, { vehicle: null })).toMatchObject({ class: null, weight: 1 });
  });

  it("is the vehicle's next departure of the timetable", () => {
    expect(need(booked(weekly(daily)))).toMatchObject({
      departMs: MORNING,
      energyWh: 90_000,
      source: "file",
    });
  });

  it("is what somebody said of that date instead of the timetable, later or sooner, with its class", () => {
    const said = set({
      id: "x",
      vehicle: "bus-14",
      depart: "2026-11-26T09:00:00.000Z",
      energy_wh: 120_000,
      class: "vip",
    });
    const known = booked(weekly(daily), said);
    const eight = Date.parse("2026-11-26T09:00:00Z");
    expect(need(known)).toMatchObject({ departMs: eight, energyWh: 120_000, class: "vip", weight: 100 });
    const coming = ahead(known, NOW, NOW + 2.5 * 24 * HOUR_MS, ZONE);
    expect(coming.all.map(({ id }) => id)).toEqual(["x", "line-4@2026-11-27"]);
  });

  it("skips a day of the timetable that was taken back, and no other", () => {
    const known = booked(weekly(daily), removed("line-4@2026-11-26"));
    expect(need(known).departMs).toBe(MORNING + 24 * HOUR_MS);
  });

  it("is what whoever is plugged in there must have, whichever vehicle", () => {
    const guest = set({ id: "g", evse: "cp-01/1", depart: "2026-11-25T19:00:00.000Z", energy_wh: 20_000 });
    expect(need(booked(guest), NOW, { vehicle: null })).toMatchObject({
      departMs: NOW + 2 * HOUR_MS,
      energyWh: 20_000,
      source: "api",
    });
    expect(need(booked(guest, weekly(daily)))).toMatchObject({ departMs: NOW + 2 * HOUR_MS });
    expect(need(booked(guest, removed("g"), weekly(daily)))).toMatchObject({ departMs: MORNING });
  });

  it("is a flexible guest's for two hours after the departure passed, and then the next departure", () => {
    const known = booked(weekly(daily));
    const late = need(known, MORNING + HOUR_MS);
    expect(late).toMatchObject({ departMs: null, energyWh: 90_000, source: "file" });
    expect(need(known, MORNING + 3 * HOUR_MS).departMs).toBe(MORNING + 24 * HOUR_MS);
  });

  it("is what the vehicle says through its station, and sooner words of others stand before it", () => {
    const wish = { number: 1, departMs: NOW + HOUR_MS, energyWh: 30_000 };
    expect(need(booked(weekly(daily)), NOW, { wish })).toMatchObject({
      departMs: NOW + HOUR_MS,
      energyWh: 30_000,
      source: "station",
      class: "line",
    });
    const later = { ...wish, departMs: MORNING + HOUR_MS };
    expect(need(booked(weekly(daily)), NOW, { wish: later })).toMatchObject({
      departMs: MORNING,
      energyWh: 90_000,
      source: "file",
    });
    const energy = { number: 1, departMs: null, energyWh: 30_000 };
    expect(need(emptyBook(), NOW, { wish: energy })).toMatchObject({
      departMs: null,
      energyWh: 30_000,
      source: "station",
    });
  });

  it("is none that passed before the vehicle was plugged in", () => {
    const known = booked(set({ id: "x", vehicle: "bus-14", depart: "2026-11-25T16:30:00.000Z" }));
    expect(need(known, NOW, { pluggedMs: NOW - 60_000 })).toMatchObject({ departMs: null, source: null });
  });

  it("turns a state of charge into energy where battery and present state are known, else says why not", () => {
    const want = { energyWh: null, socPct: 80 };
    expect(energyOf(want, { socPct: 50, deliveredWh: 12_000 }, 300)).toEqual({ wh: 102_000, note: null });
    expect(energyOf(want, { socPct: 90, deliveredWh: 12_000 }, 300)).toEqual({ wh: 12_000, note: null });
    expect(energyOf(want, { socPct: null, deliveredWh: 0 }, 300).note).toContain("no state of charge");
    expect(energyOf(want, { socPct: 50, deliveredWh: 0 }, null).note).toContain("battery_kwh");
    expect(energyOf(want, null, 300).note).toBe("not plugged in yet");
    const known = booked(set({ id: "x", vehicle: "bus-14", depart: "2026-11-26T05:30:00Z", soc_pct: 80 }));
    expect(need(known, NOW, { socPct: 50 }).energyWh).toBe(102_000);
    expect(need(known).energyWh).toBeNull();
  });
});

describe("the book of departures", () => {
  const one = { id: "x", vehicle: "bus-14", depart: "2026-11-26T05:30:00.000Z" };

  it("has the newest word of an id, and knows what holds already", () => {
    const known = booked(set(one), set({ ...one, energy_wh: 5 }));
    expect(known.dated.size).toBe(1);
    expect(isKnown(known, { ...one, energy_wh: 5 }, "api")).toBe(true);
    expect(isKnown(known, one, "api")).toBe(false);
    expect(isKnown(known, { ...one, energy_wh: 5 }, "flow")).toBe(false);
  });

  it("takes no fact twice, and none that retention emptied for more than nothing", () => {
    const known = booked(set(one), removed("x"));
    const event = { ...set(one), offset: 1, atMs: NOW, station: null, key: "k" } as unknown as Event;
    book(known, event);
    expect(known.dated.size).toBe(0);
    for (const type of ["departures.set", "departures.removed", "timetable.set", "vehicle.learned"])
      book(known, { ...event, type, offset: known.through + 1, body: {} } as Event);
    expect([...known.dated.keys(), ...known.learned.keys(), ...known.timetable.lines]).toEqual([]);
  });

  it("forgets what has been past for a day", () => {
    const old = { id: "old", vehicle: "bus-1", depart: "2026-11-24T05:30:00.000Z" };
    expect([...booked(set(old, one)).dated.keys()]).toEqual(["x"]);
    expect(booked(removed("line-4@2026-11-01", "line-4@2026-11-26"), set(one)).skipped).toEqual(
      new Set(["line-4@2026-11-26"]),
    );
  });
});
