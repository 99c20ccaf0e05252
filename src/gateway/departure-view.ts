/** Departures and vehicles as people are shown them. */
import type { DepartureShown, VehicleShown } from "../model/departure.ts";
import type { Vehicle } from "../model/vehicle.ts";
import type { Coming } from "../rules/departures/ahead.ts";
import { energyOf } from "../rules/departures/need.ts";
import { localText } from "../rules/departures/timetable.ts";
import type { DepartureDoor } from "./departure-door.ts";
import type { Applied, DepotNeeds } from "./depot-needs.ts";

/** What is to come, and what has passed while its vehicle is still there. */
export function shownDepartures(
  door: DepartureDoor,
  needs: DepotNeeds,
  nowMs: number,
  zone: string,
): DepartureShown[] {
  const seats = needs.applied(nowMs);
  const told = [...seats.values()].map(({ departure }) => departure).filter((d) => d.source === "station");
  const all = [...told, ...door.ahead(nowMs).all, ...door.later(nowMs)];
  return all
    .filter(({ id, departMs }) => departMs > nowMs || seats.has(id))
    .map((one) => shown(one, seats.get(one.id), door, zone));
}

function shown(one: Coming, seat: Applied | undefined, door: DepartureDoor, zone: string): DepartureShown {
  const name = one.vehicle ?? seat?.stay.vehicle ?? "";
  const battery = door.fleet.vehicles.get(name)?.batteryKwh ?? null;
  const { wh, note } = energyOf(one, seat?.stay ?? null, battery);
  return {
    id: one.id,
    vehicle: one.vehicle,
    evse: one.evse,
    depart: localText(one.departMs, zone),
    energy_wh: wh,
    soc_pct: one.socPct,
    class: one.class ?? door.fleet.vehicles.get(name)?.class ?? null,
    source: one.source,
    line: one.line,
    at: seat?.evse ?? null,
    delivered_wh: seat ? Math.round(seat.stay.deliveredWh) : null,
    note,
  };
}

/** Those of the config, those that departures name, and those that were seen charging; by id. */
export function shownVehicles(
  door: DepartureDoor,
  needs: DepotNeeds,
  nowMs: number,
  zone: string,
): VehicleShown[] {
  const present = new Map(
    needs.at(nowMs).flatMap(({ vehicle, evse }) => (vehicle === null ? [] : [[vehicle, evse]])),
  );
  const { vehicles } = door.fleet;
  const { ofVehicle } = door.ahead(nowMs);
  const ids = new Set([...vehicles.keys(), ...ofVehicle.keys(), ...door.learnedVehicles, ...present.keys()]);
  return [...ids].sort().map((id) => {
    const next = ofVehicle.get(id)?.find(({ departMs }) => departMs > nowMs);
    return {
      ...figures(id, vehicles.get(id), door),
      next_depart: next ? localText(next.departMs, zone) : null,
      at: present.get(id) ?? null,
    };
  });
}

function figures(id: string, known: Vehicle | undefined, door: DepartureDoor) {
  const learned = door.learned(id);
  const given = {
    ac_phases: known?.acPhases ?? null,
    ac_max_a: known?.acMaxA ?? null,
    dc_max_kw: known?.dcMaxKw ?? null,
  };
  const names = Object.keys(given) as (keyof typeof given)[];
  return {
    id,
    class: known?.class ?? null,
    battery_kwh: known?.batteryKwh ?? null,
    ac_phases: given.ac_phases ?? learned?.ac_phases ?? null,
    ac_max_a: given.ac_max_a ?? learned?.ac_max_a ?? null,
    dc_max_kw: given.dc_max_kw ?? learned?.dc_max_kw ?? null,
    learned: names.filter((name) => given[name] === null && learned?.[name] !== undefined),
  };
}
