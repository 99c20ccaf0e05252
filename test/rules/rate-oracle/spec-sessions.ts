import type { Dimension, Session } from "./shapes.ts";

type Part = { minutes: number; dimensions: Dimension[] };

const hours = (minutes: number) => Number((minutes / 60).toFixed(4));
export const charge = (minutes: number, kwh: number, ...more: Dimension[]): Part => ({
  minutes,
  dimensions: [{ type: "ENERGY", volume: kwh }, { type: "TIME", volume: hours(minutes) }, ...more],
});
export const park = (minutes: number): Part => ({
  minutes,
  dimensions: [{ type: "PARKING_TIME", volume: hours(minutes) }],
});
export const reserve = (minutes: number): Part => ({
  minutes,
  dimensions: [{ type: "RESERVATION_TIME", volume: hours(minutes) }],
});
export const kW = (volume: number): Dimension => ({ type: "POWER", volume });
export const amperes = (type: string, volume: number): Dimension => ({ type, volume });

/** A session in Berlin in winter (UTC+1) whose parts follow one another from `local` on. */
export function session(local: string, parts: Part[], kind: Session["kind"] = "normal"): Session {
  let instant = Date.parse(`${local}:00+01:00`);
  const stamp = () => new Date(instant).toISOString().replace(".000Z", "Z");
  const start_date_time = stamp();
  const charging_periods = parts.map(({ minutes, dimensions }) => {
    const period = { start_date_time: stamp(), dimensions };
    instant += minutes * 60_000;
    return period;
  });
  return { time_zone: "Europe/Berlin", start_date_time, end_date_time: stamp(), kind, charging_periods };
}

export const MONDAY = "2026-01-05";
export const SATURDAY = "2026-01-10";
export const twenty = session(`${MONDAY}T10:00`, [charge(120, 20)]);
export const ofKwh = (kwh: number) => session(`${MONDAY}T10:00`, [charge(120, kwh)]);
export const reservedFirst = (minutes: number) =>
  session(`${MONDAY}T10:00`, [reserve(minutes), charge(120, 20)]);
export const expiredAfter = (minutes: number) =>
  session(`${MONDAY}T10:00`, [reserve(minutes)], "reservation_expired");
