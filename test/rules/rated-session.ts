/** Random sessions that can be rated: any tariff, registers, states and gaps, all consistent with each other. */
import fc from "fast-check";
import type { SessionRecord, StateInterval } from "../../src/model/session.ts";
import { DAYS_OF_WEEK, Tariff } from "../../src/model/tariff.ts";
import { tariffVersion } from "../../src/workers/folds.ts";

const START_MS = Date.UTC(2026, 2, 28, 20, 30);

const price = fc.integer({ min: 0, max: 99_999 }).map((n) => (n / 1000).toFixed(3));

const component = fc.record({
  type: fc.constantFrom("FLAT", "ENERGY", "ENERGY", "TIME", "PARKING_TIME"),
  price,
  vat: fc.constantFrom("25", "12", "6.5", undefined),
  step_size: fc.constantFrom(0, 1, 7, 60, 500),
});

const small = (most: number) => fc.option(fc.nat(most).map(String), { nil: undefined });
const time = fc.option(fc.constantFrom("00:00", "02:30", "06:00", "17:00", "22:15"), { nil: undefined });

const restrictions = fc.record({
  start_time: time,
  end_time: time,
  day_of_week: fc.option(fc.uniqueArray(fc.constantFrom(...DAYS_OF_WEEK), { minLength: 1 }), {
    nil: undefined,
  }),
  min_kwh: small(20),
  max_kwh: small(60),
  max_power: small(30),
  min_duration: fc.option(fc.nat(20_000), { nil: undefined }),
});

const limit = fc.option(
  fc.integer({ min: 0, max: 200 }).map((n) => ({ excl_vat: String(n), incl_vat: `${n + 3}.50` })),
  { nil: undefined },
);

const tariff: fc.Arbitrary<Tariff> = fc
  .record({
    elements: fc.array(
      fc.record({
        price_components: fc.array(component, { minLength: 1, maxLength: 4 }),
        restrictions: fc.option(restrictions, { nil: undefined }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    min_price: limit,
    max_price: limit,
    tax_included: fc.constantFrom(undefined, undefined, "YES" as const, "NO" as const),
  })
  .map((body) => Tariff.parse(JSON.parse(JSON.stringify({ id: "random", currency: "SEK", ...body }))));

const state = fc.constantFrom(
  "charging" as const,
  "charging" as const,
  "suspended_ev" as const,
  "suspended_evse" as const,
  "faulted" as const,
  "gap" as const,
);

const stretch = fc.record({
  state,
  seconds: fc.integer({ min: 1, max: 20_000 }),
  wh: fc.nat(30_000),
  under: fc.option(fc.constantFrom("charging" as const, "suspended_ev" as const), { nil: undefined }),
});

export const ratedSession: fc.Arbitrary<SessionRecord> = fc
  .record({ tariff, stretches: fc.array(stretch, { minLength: 1, maxLength: 8 }), from: fc.nat(1_000_000) })
  .map(({ tariff: body, stretches, from }) => {
    const intervals: StateInterval[] = [];
    const readings = [{ at_ms: START_MS, energy_wh: 0 }];
    let [at, energy] = [START_MS, 0];
    for (const { state: of, seconds, wh, under } of stretches) {
      const to = at + seconds * 1000;
      intervals.push({ state: of, from_ms: at, to_ms: to, ...(of === "gap" && under ? { under } : {}) });
      if (of === "charging" || of === "gap") energy += wh;
      readings.push({ at_ms: to, energy_wh: energy });
      at = to;
    }
    return sessionOf(body, intervals, readings, { from, energy, endMs: at });
  });

function sessionOf(
  body: Tariff,
  intervals: StateInterval[],
  readings: SessionRecord["readings"],
  { from, energy, endMs }: { from: number; energy: number; endMs: number },
): SessionRecord {
  return {
    session_id: "s1-1",
    station: "cp-01",
    evse: 1,
    token_ref: "tok",
    tx_refs: ["t1"],
    time_zone: "Europe/Stockholm",
    started_ms: START_MS,
    ended_ms: endMs,
    clock: "station",
    clock_offset_ms: 0,
    closed_by: "station",
    stop_reason: "local",
    energy_wh: energy,
    segments: [{ meter_serial: "M", from_wh: from, to_wh: from + energy, from_ms: START_MS, to_ms: endMs }],
    readings,
    intervals,
    durations_s: { charging: 0, suspended_ev: 0, suspended_evse: 0, faulted: 0, gap: 0, finishing: 0 },
    interruptions: 0,
    flags: [],
    held: [],
    tariff: tariffVersion(body),
  };
}
