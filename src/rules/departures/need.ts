/** What is wanted at an EVSE: the departure that applies to who stands there, its energy, class and limits. */
import type { EvseNeed } from "../../model/departure.ts";
import type { EvseId } from "../../model/ids.ts";
import type { Fleet, LearnedLimits } from "../../model/vehicle.ts";
import type { Ahead, Coming } from "./ahead.ts";
import type { Stay } from "./stay.ts";

/** A vehicle that is still there after its departure is a flexible guest for so long; then it waits for the next one. */
const LATE_MS = 2 * 3_600_000;

/** The departure that applies, and whether it has passed; undefined when none does. */
export function departureFor(
  evse: EvseId,
  stay: Pick<Stay, "vehicle" | "pluggedMs" | "wish">,
  { ofVehicle, ofEvse }: Pick<Ahead, "ofVehicle" | "ofEvse">,
  nowMs: number,
): { departure: Coming; passed: boolean } | undefined {
  const own = stay.vehicle === null ? [] : (ofVehicle.get(stay.vehicle) ?? []);
  const here = ofEvse.get(evse) ?? [];
  const possible = [...own, ...here, ...wished(evse, stay)]
    .filter(({ departMs }) => departMs > stay.pluggedMs)
    .sort((a, b) => a.departMs - b.departMs);
  const missed = possible.findLast(({ departMs }) => departMs <= nowMs && departMs > nowMs - LATE_MS);
  if (missed) return { departure: missed, passed: true };
  const next = possible.find(({ departMs }) => departMs > nowMs);
  return next && { departure: next, passed: false };
}

/** What the vehicle itself said, as a departure of its EVSE. */
function wished(evse: EvseId, { wish }: Pick<Stay, "wish">): Coming[] {
  if (wish === null || wish.departMs === null) return [];
  const { departMs, energyWh } = wish;
  const unsaid = { vehicle: null, socPct: null, class: null, line: null };
  return [{ ...unsaid, id: `station:${evse}`, evse, departMs, energyWh, source: "station" }];
}

/** Wh wanted in the whole stay, or why they are not known; null for both when nobody asked for any. */
export function energyOf(
  { energyWh, socPct }: Pick<Coming, "energyWh" | "socPct">,
  stay: Pick<Stay, "socPct" | "deliveredWh"> | null,
  batteryKwh: number | null,
): { wh: number | null; note: string | null } {
  if (energyWh !== null || socPct === null) return { wh: energyWh, note: null };
  if (batteryKwh === null) return { wh: null, note: "battery_kwh of the vehicle is not known" };
  if (stay === null) return { wh: null, note: "not plugged in yet" };
  if (stay.socPct === null) return { wh: null, note: "the station tells no state of charge" };
  const missing = Math.max(0, Math.round(batteryKwh * 10 * (socPct - stay.socPct)));
  return { wh: Math.round(stay.deliveredWh) + missing, note: null };
}

export function needOf(
  evse: EvseId,
  stay: Stay,
  known: Pick<Ahead, "ofVehicle" | "ofEvse">,
  { vehicles, classes }: Fleet,
  learned: LearnedLimits | undefined,
  nowMs: number,
): EvseNeed {
  const vehicle = stay.vehicle === null ? undefined : vehicles.get(stay.vehicle);
  const applies = departureFor(evse, stay, known, nowMs);
  const departure = applies?.departure;
  const saidWh = departure ? energyOf(departure, stay, vehicle?.batteryKwh ?? null).wh : null;
  const kind = classes.get(departure?.class ?? vehicle?.class ?? "");
  return {
    evse,
    vehicle: stay.vehicle,
    group: stay.group,
    class: kind?.id ?? null,
    weight: kind?.weight ?? 1,
    pluggedMs: stay.pluggedMs,
    deliveredWh: stay.deliveredWh,
    departMs: applies && !applies.passed ? applies.departure.departMs : null,
    energyWh: saidWh ?? stay.wish?.energyWh ?? null,
    source: departure?.source ?? (stay.wish ? "station" : null),
    acPhases: vehicle?.acPhases ?? learned?.ac_phases ?? null,
    acMaxA: vehicle?.acMaxA ?? learned?.ac_max_a ?? null,
    dcMaxKw: vehicle?.dcMaxKw ?? learned?.dc_max_kw ?? null,
  };
}
