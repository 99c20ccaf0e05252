import { describe, expect, it } from "vitest";
import type { Event } from "../../../src/model/event.ts";
import { pastStays } from "../../../src/rules/plan/past-stays.ts";

const H = 3_600_000;
/** 2026-03-02T17:00:00Z, a Monday. */
const START = Date.UTC(2026, 2, 2, 17);

let offset = 0;
const fact = (type: string, atMs: number, body: object): Event =>
  ({ offset: ++offset, type, atMs, station: null, key: null, body }) as unknown as Event;

const session = (part: object = {}) => ({
  session_id: "s",
  station: "cp-1",
  evse: 1,
  vehicle: "bus-1",
  token_group: "line 3",
  started_ms: START,
  ended_ms: START + 12 * H,
  energy_wh: 60_000,
  intervals: [
    { state: "charging", from_ms: START, to_ms: START + 4 * H },
    { state: "suspended_ev", from_ms: START + 4 * H, to_ms: START + 12 * H },
    { state: "finishing", from_ms: START + 12 * H, to_ms: START + 12 * H },
  ],
  held: [],
  ...part,
});

const taught = (...facts: Event[]) => {
  const read = pastStays("Europe/Stockholm", () => 18);
  return facts.map(read).filter((stay) => stay !== null);
};

describe("what ended sessions teach", () => {
  it("a dated departure of the vehicle, its energy, and that it was full", () => {
    const depart = new Date(START + 11 * H).toISOString();
    const departures = [{ id: "d1", vehicle: "bus-1", depart, energy_wh: 80_000 }];
    const [stay] = taught(
      fact("departures.set", START - H, { departures, source: "api" }),
      fact("session.ended", START + 12 * H, session()),
    );
    expect(stay).toEqual({
      id: "cp-1/1",
      vehicle: "bus-1",
      group: "line 3",
      source: "api",
      fromMs: START,
      hour: 18,
      departMs: START + 11 * H,
      energyKwh: 80,
      leftMs: START + 12 * H,
      gotKwh: 60,
      full: true,
    });
  });

  it("a line of the timetable on the clocks of the site", () => {
    const lines = [{ id: "l1", vehicle: "bus-1", days: ["tu"], depart: "06:30" }];
    const [stay] = taught(
      fact("timetable.set", START - H, { lines, source: "file" }),
      fact("session.ended", START + 12 * H, session()),
    );
    expect(stay).toMatchObject({ source: "file", departMs: Date.UTC(2026, 2, 3, 5, 30), energyKwh: null });
  });

  it("what was said of an EVSE counts for the stay it was said for, and not for the next one", () => {
    const depart = new Date(START + 20 * H).toISOString();
    const removed = { ids: ["d1"], source: "unplugged" };
    const stays = taught(
      fact("departures.set", START + H, {
        departures: [{ id: "d1", evse: "cp-1/1", depart }],
        source: "flow",
      }),
      fact("departures.removed", START + 12 * H, removed),
      fact("session.ended", START + 12 * H, session()),
      fact(
        "session.ended",
        START + 15 * H,
        session({ started_ms: START + 13 * H, ended_ms: START + 15 * H }),
      ),
    );
    expect(stays.map(({ source, departMs }) => [source, departMs])).toEqual([
      ["flow", START + 20 * H],
      [null, null],
    ]);
  });

  it("who was still charging when it left was not full; held and emptied records teach nothing", () => {
    const intervals = [{ state: "charging", from_ms: START, to_ms: START + 2 * H }];
    const stays = taught(
      fact("session.ended", START, session({ intervals })),
      fact("session.ended", START, session({ held: [{ code: "NO_REGISTER", detail: "" }] })),
      fact("session.ended", START, {}),
    );
    expect(stays.map(({ full }) => full)).toEqual([false]);
  });
});
