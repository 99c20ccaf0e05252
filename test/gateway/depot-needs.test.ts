import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config.ts";
import type { EvseState } from "../../src/control/state.ts";
import { DepartureDoor, type DepartureGround } from "../../src/gateway/departure-door.ts";
import { DepotNeeds } from "../../src/gateway/depot-needs.ts";
import type { Event, NewEvent } from "../../src/model/event.ts";
import type { EvseId } from "../../src/model/ids.ts";
import type { Occupant, RunningCost } from "../../src/model/running-cost.ts";
import { book, emptyBook } from "../../src/rules/departures/book.ts";

const START = Date.parse("2026-11-25T17:00:00Z");
const station = (id: string) => ({
  ...{ id, evses: 1, circuit: "main", kind: "ac", maxA: 32, minA: 6, phases: 3, phaseOrder: "L1L2L3" },
  ...{ fallbackA: 6, weight: 1, efficiency: 1, auth: "any" },
});
const CONFIG = {
  site: { timezone: "Europe/Stockholm" },
  grid: { voltageV: 230 },
  identity: { purposes: [] },
  stations: [station("cp-01"), station("cp-02")],
  classes: [],
  vehicles: [],
} as unknown as Config;

const free: EvseState = {
  ...{ station: "cp-01", evse: 1, state: "available", limit_a: 32, confirmed_a: 32, envelope_a: 32 },
  ...{ measured_a: null, connector_state: "available", charging_state: null, power_w: null },
  ...{ energy_import_wh: null, soc_pct: 55, lines: [1, 2, 3], reason: "demand_met", bound_by: null },
  ...{ phases: 3, min_a: 6, max_a: 32, target_a: null, plan: null, class: null },
} as const;

/** A depot whose log is a list, and whose connectors are what a test says. */
function rig(log: Event[] = []) {
  const clock = { nowMs: () => rigged.nowMs, realDelayMs: (ms: number) => ms };
  const append = (event: NewEvent) => void log.push({ ...event, offset: log.length + 1 } as Event);
  const ground: DepartureGround = {
    config: CONFIG,
    clock,
    append,
    appendFact: async (event) => {
      append(event);
      return { offset: log.length, duplicate: false };
    },
    outbox: {
      ask: async () => {
        const known = emptyBook();
        for (const event of log) book(known, event);
        return known as never;
      },
    },
    audit: async () => undefined,
  };
  const departures = new DepartureDoor(ground);
  const occupants = new Map<EvseId, Occupant>();
  const running = new Map<EvseId, RunningCost>();
  const rigged = { nowMs: START, evses: [free, { ...free, station: "cp-02" }] as EvseState[] };
  const control = { state: () => ({ evses: rigged.evses }) as never };
  const needs = new DepotNeeds({ config: CONFIG, clock, departures, occupants, running }, control);
  return { log, rigged, departures, needs, occupants };
}

const bus = { session_id: "s1", station: "cp-01", evse: 1, vehicle: "bus-14", group: "line" };

describe("the needs of a depot", () => {
  it("are of whoever is plugged in, in the order of the config, session or not", () => {
    const { needs, rigged, occupants } = rig();
    expect(needs.at(START)).toEqual([]);
    rigged.evses = [free, { ...free, station: "cp-02", connector_state: "occupied" }];
    expect(needs.at(START).map(({ evse }) => evse)).toEqual(["cp-02/1"]);
    occupants.set("cp-01/1", bus);
    rigged.evses = rigged.evses.map((e) => ({ ...e, connector_state: "occupied" }));
    expect(needs.at(START + 1_000)).toMatchObject([
      { evse: "cp-01/1", vehicle: "bus-14", group: "line", pluggedMs: START + 1_000 },
      { evse: "cp-02/1", vehicle: null, pluggedMs: START },
    ]);
  });

  it("use no state of charge without a purpose for it", async () => {
    const { needs, rigged, departures } = rig();
    rigged.evses = [{ ...free, connector_state: "occupied" }];
    const depart = "2026-11-26T05:30:00Z";
    await departures.set(
      { departures: [{ evse: "cp-01/1", depart, soc_pct: 80 }] },
      { source: "api", actor: "a" },
    );
    expect(needs.at(START)).toMatchObject([{ departMs: Date.parse(depart), energyWh: null }]);
  });

  it("learn what a vehicle takes, once, and know it after a restart", async () => {
    const first = rig();
    first.occupants.set("cp-01/1", bus);
    for (let second = 0; second <= 1_200; second += 5) {
      first.rigged.nowMs = START + second * 1_000;
      const charging = { connector_state: "occupied", charging_state: "charging" } as const;
      first.rigged.evses = [{ ...free, ...charging, measured_a: [15.8, 15.9, 15.7] }];
      first.needs.at(first.rigged.nowMs);
    }
    expect(first.needs.at(first.rigged.nowMs)).toMatchObject([{ acPhases: 3, acMaxA: 16 }]);
    expect(first.log.map(({ type, body }) => ({ type, body }))).toEqual([
      { type: "vehicle.learned", body: { vehicle: "bus-14", ac_phases: 3 } },
      { type: "vehicle.learned", body: { vehicle: "bus-14", ac_phases: 3, ac_max_a: 16 } },
    ]);
    expect(new Set(first.log.map(({ key }) => key)).size).toBe(2);
    const second = rig(first.log);
    await second.departures.load();
    second.occupants.set("cp-01/1", bus);
    second.rigged.evses = [{ ...free, connector_state: "occupied" }];
    expect(second.needs.at(START)).toMatchObject([{ vehicle: "bus-14", acPhases: 3, acMaxA: 16 }]);
  });

  it("forget what was said of an EVSE when it is unplugged", async () => {
    const { departures, log } = rig();
    const by = { source: "api" as const, actor: "a" };
    await departures.set({ departures: [{ id: "g", evse: "cp-01/1", depart: "2026-11-26T05:30:00Z" }] }, by);
    departures.unplugged("cp-01/1");
    await expect.poll(() => log.at(-1)?.type).toBe("departures.removed");
    expect(departures.ahead(START).all).toEqual([]);
  });
});
