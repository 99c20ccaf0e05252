/** The grid's side as the API shows it. */
import type { LoadProfile } from "../rules/grid/forecast.ts";
import type { GridSource } from "../web/grid.ts";
import type { Parts } from "./parts.ts";

const HOUR_MS = 3_600_000;
const SHOWN_MS = 24 * HOUR_MS;

export function gridSource(parts: Parts): GridSource {
  const { config, clock, gridDoor } = parts;
  const root = config.circuits.find(({ parent }) => parent === null)?.id;
  return {
    orders: () => gridDoor.list(),
    order: (request) => gridDoor.order(request, "api"),
    end: (id) => gridDoor.end(id),
    forecast(named) {
      const circuit = config.circuits.find(({ id }) => id === (named ?? root))?.id;
      if (circuit === undefined) return undefined;
      const nowMs = clock.nowMs();
      const profile = parts.loadProfile(circuit);
      const steps = parts.forecast(circuit, nowMs, nowMs + SHOWN_MS);
      const peak = circuit === root ? parts.peak() : null;
      return {
        circuit,
        at: iso(nowMs),
        history_days: profile?.days ?? 0,
        error: profile?.errors ? errorOf(profile.errors, config.grid.voltageV) : null,
        steps: steps.map(({ fromMs, lineA, highA, kw }) => ({
          from: iso(fromMs),
          other_a: lineA.map(tenth),
          high_a: highA.map(tenth),
          other_kw: Math.round(kw * 100) / 100,
        })),
        demand: peak && {
          per_kw: peak.perKw,
          billed_kw: Math.round(peak.billedKw * 100) / 100,
          used_kwh: Math.round(peak.usedKwh * 1_000) / 1_000,
          window_from: iso(peak.windowFromMs),
          window_s: peak.windowMs / 1_000,
        },
        prices:
          circuit === root
            ? parts.purchasePrices(nowMs, nowMs + SHOWN_MS).map(({ fromMs, perKwh, isEstimate }) => ({
                from: iso(fromMs),
                per_kwh: perKwh,
                estimate: isEstimate,
              }))
            : [],
      };
    },
  };
}

/** Mean absolute errors of the last week, A a line and kW. */
function errorOf(errors: NonNullable<LoadProfile["errors"]>, voltageV: number) {
  const { hourAhead, dayAhead, hourAheadIfUnchanged } = errors;
  const of = ({ lineA, sumA }: typeof hourAhead) => ({
    mae_a: lineA.map(tenth),
    mae_kw: Math.round((sumA * voltageV) / 10) / 100,
  });
  return {
    quarter_hours: dayAhead.slots,
    hour_ahead: of(hourAhead),
    day_ahead: of(dayAhead),
    hour_ahead_if_unchanged: of(hourAheadIfUnchanged),
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
const tenth = (a: number) => Math.round(a * 10) / 10;
