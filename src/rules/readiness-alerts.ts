/**
 * Which vehicles somebody should hear of. A plan changes every few minutes, so a bad forecast is news once it has lasted
 * or when there is no time to wait: the latest start is near. Only departures that somebody said are worth an alert.
 */
import type { EvseId } from "../model/ids.ts";
import type { Readiness, ReadinessCause } from "../model/readiness.ts";

export interface ReadinessAlert {
  kind: "departure_at_risk" | "departure_impossible" | "offered_not_drawn";
  evse: EvseId;
  cause: string;
}

/** Since when each EVSE's vehicle is late or takes nothing, ms. */
export interface ReadinessMemory {
  late: ReadonlyMap<EvseId, number>;
  idle: ReadonlyMap<EvseId, number>;
}

export const NO_READINESS: ReadinessMemory = { late: new Map(), idle: new Map() };

const LASTS_MS = 5 * 60_000;
const NEAR_MS = 15 * 60_000;

/** `told`: the alerts that hold at `nowMs`, at most one an EVSE. */
export function readinessAlerts(
  before: ReadinessMemory,
  all: readonly Readiness[],
  nowMs: number,
): { memory: ReadinessMemory; told: ReadinessAlert[] } {
  const late = new Map<EvseId, number>();
  const idle = new Map<EvseId, number>();
  const told: ReadinessAlert[] = [];
  for (const r of all) {
    const { evse } = r;
    const isLate = r.state === "at_risk" || r.state === "impossible";
    const isIdle = isLate && r.causes.some(({ code }) => code === "not_drawing");
    // Who never drew may be full: without a word of its need that is no late departure.
    if (isLate && r.isSaid && (r.needIsSaid || !isIdle)) late.set(evse, before.late.get(evse) ?? nowMs);
    if (isIdle) idle.set(evse, before.idle.get(evse) ?? nowMs);
    const near = r.latestStartMs !== null && r.latestStartMs - nowMs <= NEAR_MS;
    const lasted = (since: number | undefined) => since !== undefined && nowMs - since >= LASTS_MS;
    if (late.has(evse) && (near || lasted(late.get(evse))))
      told.push({
        kind: r.state === "impossible" ? "departure_impossible" : "departure_at_risk",
        evse,
        cause: sentence(r),
      });
    else if (lasted(idle.get(evse))) told.push({ kind: "offered_not_drawn", evse, cause: NOT_DRAWING });
  }
  return { memory: { late, idle }, told };
}

const NOT_DRAWING = "it is offered current and takes none: look at its cable, timer or charge limit";

function sentence({ missingKwh, impossibleKwh, departMs, causes }: Readiness): string {
  const kwh = Math.max(missingKwh, impossibleKwh);
  const at = departMs === null ? "" : ` at ${new Date(departMs).toISOString().slice(0, 16)}Z`;
  const lacks = kwh > 0 ? `will lack ${kwh.toFixed(1)} kWh${at}` : `may not be ready${at}`;
  return `${lacks}: ${causes.map(causeInWords).join("; ")}`;
}

/** For alerts, tables and logs, in English. */
export function causeInWords({ code, detail }: ReadinessCause): string {
  switch (code) {
    case "offline":
      return "its station is out of reach";
    case "faulted":
      return "its station has a fault";
    case "not_drawing":
      return NOT_DRAWING;
    case "too_short":
      return "there is too little time at full rate";
    case "limit":
      return detail?.endsWith(" kW")
        ? `the power that ${detail.slice(0, -3)} may draw is used up`
        : `${detail} is full`;
    case "higher_class":
      return "vehicles of a higher class go first";
    case "may_leave_early":
      return "stays like it have ended before it would be charged";
    case "no_plan":
      return "there is no plan, vehicles share alike";
  }
}
