/** The energy of a session over time: straight between readings, whole Wh, ending at the energy that is billed. */
import type { SessionRecord } from "../../model/session.ts";
import { mulDivFloor } from "./exact.ts";

export interface CurvePoint {
  atMs: number;
  wh: number;
}

/**
 * At least two points, from the start to the end of the session, rising. Without readings the segments of the
 * registers say when the energy flowed; without those it is spread evenly.
 */
export function curveOf(session: SessionRecord): CurvePoint[] {
  const { started_ms: startMs, ended_ms: endMs, energy_wh: total } = session;
  const points: CurvePoint[] = [{ atMs: startMs, wh: 0 }];
  const put = (atMs: number, wh: number): void => {
    const last = points.at(-1) as CurvePoint;
    const point = {
      atMs: Math.min(Math.max(atMs, last.atMs), endMs),
      wh: Math.min(Math.max(wh, last.wh), total),
    };
    if (point.atMs === last.atMs && points.length > 1) last.wh = point.wh;
    else if (point.atMs > last.atMs || point.wh > last.wh) points.push(point);
  };
  if (session.readings.length > 0) for (const { at_ms, energy_wh } of session.readings) put(at_ms, energy_wh);
  else {
    let wh = 0;
    for (const { from_ms, to_ms, from_wh, to_wh } of session.segments) {
      put(from_ms, wh);
      wh += to_wh - from_wh;
      put(to_ms, wh);
    }
  }
  const last = points.at(-1) as CurvePoint;
  if (points.length === 1) points.push({ atMs: endMs, wh: total });
  else {
    // Signed values outrank the registers that the curve was drawn from.
    last.wh = total;
    if (last.atMs < endMs) points.push({ atMs: endMs, wh: total });
  }
  return points;
}

/** Energy at an instant between two points: whole Wh, as a register would show. */
export function energyAt(from: CurvePoint, to: CurvePoint, atMs: number): number {
  if (atMs >= to.atMs) return to.wh;
  return from.wh + mulDivFloor(to.wh - from.wh, atMs - from.atMs, to.atMs - from.atMs);
}

/** The first millisecond at which `units` thousandths of a Wh are reached, which lie above `from` and not above `to`. */
export function reachedAt(from: CurvePoint, to: CurvePoint, units: number): number {
  const grown = (to.wh - from.wh) * 1000;
  const lengthMs = to.atMs - from.atMs;
  const wanted = units - from.wh * 1000;
  const below = mulDivFloor(wanted, lengthMs, grown);
  const exact = BigInt(below) * BigInt(grown) === BigInt(wanted) * BigInt(lengthMs);
  return from.atMs + below + (exact ? 0 : 1);
}
