import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDepot, type Depot } from "../../src/simulator/depot.ts";
import { createDepotRun, type DepotReport, type DepotRun } from "../../src/simulator/depot-run.ts";
import { mildMischief } from "../../src/simulator/mischief.ts";
import type { DepotPlan, Visit } from "../../src/simulator/plan.ts";
import { createSiteRecord } from "../../src/simulator/site-record.ts";
import { drawEvening } from "../../src/simulator/visits.ts";
import { type OpenBroker, openBroker, SITE } from "./open-broker.ts";

const START = Date.UTC(2026, 10, 21, 13);
const SPEED = 10_000;
const HOUR_MS = 3_600_000;

let broker: OpenBroker;
let depot: Depot | DepotRun | undefined;

beforeEach(async () => {
  broker = await openBroker();
});

afterEach(async () => {
  await depot?.stop();
  depot = undefined;
  await broker.close();
});

/** Four stations with cars from `fromHour` to `toHour` of depot time, ten depot hours in 3.6 real seconds. */
function plan(fromHour: number, toHour: number, changes: Partial<DepotPlan> = {}): DepotPlan {
  const evening = drawEvening({ stations: 4, seed: 3, midnightMs: START, timeZone: "UTC", voltageV: 230 });
  const nights = evening.visits.filter((v) => v.id.endsWith("-2"));
  return {
    site: SITE,
    mqttUrl: broker.url,
    clock: { realMs: Date.now(), depotMs: START, speed: SPEED },
    voltageV: 230,
    stations: evening.stations.map((s) => ({ ...s, username: s.id, password: "x", fallbackMa: 6000 })),
    visits: nights.map(
      (v): Visit => ({ ...v, arrivalMs: START + fromHour * HOUR_MS, departureMs: START + toHour * HOUR_MS }),
    ),
    gridMeter: { id: "grid-1", username: "grid-1", password: "x" },
    building: null,
    siteLimitA: [100, 100, 100],
    mischief: null,
    samplesPerSecond: 200,
    ...changes,
  };
}

async function until(ready: () => boolean): Promise<void> {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Wh of all transactions as the broker heard of them. */
function told(): number {
  const registers = new Map<unknown, number[]>();
  for (const { body } of broker.of("tx")) {
    registers.set(body.tx_ref, [...(registers.get(body.tx_ref) ?? []), Number(body.energy_import_wh)]);
  }
  return [...registers.values()].reduce((sum, wh) => sum + Math.max(...wh) - Math.min(...wh), 0);
}

function consistent(report: DepotReport): void {
  expect(broker.faults).toEqual([]);
  expect(report.contractFaults).toEqual([]);
  expect(report.meteredWh).toBe(told());
  expect(report.meteredWh).toBe(report.visits.reduce((sum, v) => sum + v.meteredWh, 0));
  expect(report.droppedSamples).toBe(0);
  expect(broker.received.every((m) => !m.dup)).toBe(true);
}

describe("a depot", () => {
  test("on its own thread: what it metered is what its transactions say, and the grid meter sums it", async () => {
    const running = createDepot();
    depot = running;
    await running.load();
    running.start(plan(0.1, 1000));
    await Promise.race([until(() => (running.stats()?.meteredWh ?? 0) > 20_000), running.failure]);
    const report = await running.finish(5000);
    consistent(report);
    expect(report.visits).toHaveLength(4);
    expect(report.visits.every((v) => v.charged)).toBe(true);
    // Without a lease every station holds its fallback: four at 6 A stay far below 100 A.
    expect(report.limitViolations).toBe(0);
    expect(Math.max(...report.peakA)).toBeLessThanOrEqual(24);
    const grid = broker.received.filter((m) => m.station === "grid-1" && m.kind === "meter");
    expect(Math.max(...grid.map((m) => Number(m.body.power_w)))).toBe(
      (report.peakA[0] + report.peakA[1] + report.peakA[2]) * 230,
    );
  }, 60_000);

  test("with mischief nothing is lost: the same sums", async () => {
    const mischief = {
      ...mildMischief(9),
      drop: 1,
      reboot: 1,
      restart: 1,
      fault: 1,
      duplicateStop: 1,
      resend: 1,
    };
    const first = plan(0.1, 5, { mischief });
    const second = first.visits.map((v) => ({
      ...v,
      id: `${v.id}-again`,
      arrivalMs: START + 6 * HOUR_MS,
      departureMs: START + 12 * HOUR_MS,
    }));
    const run = createDepotRun({ ...first, visits: [...first.visits, ...second] });
    depot = run;
    run.start();
    await until(() => run.stats().visitsDone === 8);
    const report = await run.finish(5000);
    consistent(report);
    expect(report.visits).toHaveLength(8);
    expect(report.meteredWh).toBeGreaterThan(0);
  }, 60_000);

  test("a limit that is broken is counted, with how far", async () => {
    const run = createDepotRun(
      plan(1, 2, { building: { baseA: 30, swingA: 0 }, siteLimitA: [100, 100, 20] }),
    );
    depot = run;
    run.start();
    await until(() => run.stats().limitViolations > 3);
    expect(run.stats().worstOverA).toBe(10);
  });

  test("a visit at an unknown station is refused by name", () => {
    const depotPlan = plan(0, 1);
    const visits = depotPlan.visits.map((v, i) => (i === 1 ? { ...v, station: "cp-999" } : v));
    expect(() => createDepotRun({ ...depotPlan, visits })).toThrow("cp-999");
  });
});

test("the site record tolerates rounding and nothing more", () => {
  const record = createSiteRecord([10, 10, 10]);
  record.note([10_100, 0, 0]);
  expect(record.violations).toBe(0);
  record.note([0, 10_101, 12_500]);
  record.note([1000, 1000, 1000]);
  expect([record.violations, record.worstOverA]).toEqual([1, 2.5]);
  expect(record.peakA).toEqual([10.1, 10.101, 12.5]);
  expect(record.nowA).toEqual([1, 1, 1]);
});
