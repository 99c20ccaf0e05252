/**
 * Speed of rating on one core: OCPI sessions of 32 periods under a tariff of 6 elements, the same as sessions of our own,
 * and one stay of five days with 100,000 readings whose power swings over a limit.
 *
 *     node test/bench/rate.ts [--json] [--sessions N]
 */
import { parseArgs } from "node:util";
import { rateOcpi } from "../../src/rules/rate/ocpi.ts";
import { rateSession } from "../../src/rules/rate.ts";
import { el, ocpi, session, tariffOf } from "../rules/rate-cases.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, sessions: { type: "string", default: "40000" } },
});
const sessions = Number(values.sessions);

const tariff = tariffOf([
  el([{ type: "FLAT", price: "0.50", vat: 20 }]),
  el([{ type: "ENERGY", price: "0.35", vat: 10, step_size: 100 }], {
    start_time: "07:00",
    end_time: "17:00",
  }),
  el([{ type: "ENERGY", price: "0.45", vat: 10, step_size: 100 }], { min_kwh: 30, day_of_week: ["MONDAY"] }),
  el([{ type: "TIME", price: "1.20", vat: 20, step_size: 60 }], { max_duration: 7200 }),
  el([{ type: "PARKING_TIME", price: "2.00", vat: 20, step_size: 300 }], { min_duration: 3600 }),
  el([
    { type: "ENERGY", price: "0.25", vat: 10, step_size: 100 },
    { type: "TIME", price: "0.80", vat: 20, step_size: 60 },
  ]),
]);

/** 32 periods of 7 minutes through a Monday afternoon: 24 of charging, 8 of parking. */
function periodsOf(n: number) {
  const startMs = Date.UTC(2026, 2, 2, 13) + (n % 240) * 60_000;
  const at = (i: number) => new Date(startMs + i * 420_000).toISOString();
  return ocpi(
    at(0),
    at(32),
    Array.from({ length: 32 }, (_, i) => [
      at(i),
      i < 24 ? { ENERGY: 1 + ((n + i) % 500) / 1000, TIME: 0.1167 } : { PARKING_TIME: 0.1167 },
    ]),
  );
}

function recordOf(n: number) {
  const from = new Date(Date.UTC(2026, 2, 2, 13) + (n % 240) * 60_000).toISOString();
  const record = session(
    36_000 + (n % 500),
    [
      ["charging", 24 * 420],
      ["suspended_ev", 8 * 420],
    ],
    { from },
  );
  record.readings = Array.from({ length: 25 }, (_, i) => ({
    at_ms: record.started_ms + i * 420_000,
    energy_wh: Math.floor((record.energy_wh * i) / 24),
  }));
  return record;
}

function perSecond(work: (n: number) => unknown): number {
  for (let n = 0; n < sessions / 4; n++) work(n);
  const before = process.cpuUsage();
  for (let n = 0; n < sessions; n++) work(n);
  const { user, system } = process.cpuUsage(before);
  return Math.round(sessions / ((user + system) / 1e6));
}

function longStay() {
  const limited = tariffOf([
    el([{ type: "ENERGY", price: "0.20", vat: 25 }], { max_power: 16 }),
    el([{ type: "ENERGY", price: "0.50", vat: 25 }]),
  ]);
  const count = 100_000;
  const record = session(0, [["charging", 432_000]]);
  let wh = 0;
  record.readings = Array.from({ length: count + 1 }, (_, i) => {
    // Hundred readings below 16 kW, hundred above.
    if (i > 0) wh += Math.floor(i / 100) % 2 === 0 ? 10 : 30;
    return { at_ms: record.started_ms + i * 4320, energy_wh: wh };
  });
  record.energy_wh = wh;
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const before = performance.now();
  const rated = rateSession(record, limited);
  return {
    readings: count,
    ms: Math.round(performance.now() - before),
    heap_mb: Math.round((process.memoryUsage().heapUsed - heap) / 1e6),
    periods: rated.charging_periods.length,
    lines: rated.lines.length,
    total: rated.total_cost.excl_vat,
  };
}

const ocpiSessions = Array.from({ length: 500 }, (_, n) => periodsOf(n));
const records = Array.from({ length: 500 }, (_, n) => recordOf(n));
const result = {
  sessions,
  ocpi_per_s: perSecond((n) => rateOcpi(ocpiSessions[n % 500] as (typeof ocpiSessions)[0], tariff)),
  records_per_s: perSecond((n) => rateSession(records[n % 500] as (typeof records)[0], tariff)),
  long_stay: longStay(),
};
if (values.json) console.log(JSON.stringify(result));
else {
  console.log(`${result.ocpi_per_s} OCPI sessions a second of CPU (32 periods, 6 elements)`);
  console.log(`${result.records_per_s} sessions of our own a second (32 periods' worth of readings)`);
  const { readings, ms, heap_mb, periods, lines, total } = result.long_stay;
  console.log(
    `five days, ${readings} readings: ${ms} ms, ${heap_mb} MB, ${periods} periods, ${lines} lines, ${total}`,
  );
}
