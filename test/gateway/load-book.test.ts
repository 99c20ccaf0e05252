/** The way of quarter hours into a real log and back as a forecast and the month's peak. */
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { LoadBook } from "../../src/gateway/load-book.ts";
import { SiteLoad } from "../../src/gateway/site-load.ts";
import { openSqliteStore } from "../../src/log/sqlite-store.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { scratchDir } from "../log/sample-events.ts";

const QUARTER = 900_000;
const DAY = 96 * QUARTER;
const ZONE = "Europe/Berlin";

async function log() {
  const store = await openSqliteStore(join(scratchDir(), "log.db"));
  onTestFinished(() => store.close());
  return store;
}

/** By hour of the local day, A on each line. */
const building = (ms: number) => 20 + new Date(ms + 3_600_000).getUTCHours();

function measured(circuit: string, fromMs: number, importWh: number, part = fromMs): NewEvent {
  const a = building(fromMs);
  return {
    type: "load.measured",
    atMs: fromMs + QUARTER,
    station: null,
    key: `load.measured:${circuit}:${fromMs}:${part}`,
    body: {
      circuit,
      from: new Date(fromMs).toISOString(),
      covered_s: 900,
      other_a: [a, a, a],
      import_wh: importWh,
    },
  };
}

/** A gateway's site load over a log, at a clock that a test sets. */
async function site(nowMs: number, events: NewEvent[]) {
  const store = await log();
  await store.commit({ events });
  const book = new LoadBook(store);
  const appended: NewEvent[] = [];
  const clock = { ms: nowMs };
  const load = new SiteLoad({
    clock: { nowMs: () => clock.ms },
    outbox: { ask: async (_what: string, ask: object) => book.answer(ask as never) as never },
    append: (event) => void appended.push(event),
    zone: ZONE,
    voltageV: 230,
    metered: ["main"],
    root: "main",
    demandCharge: { perKw: 8, windowMs: QUARTER },
    failed: (error) => expect.unreachable(String(error)),
  });
  return {
    store,
    load,
    clock,
    appended,
    async look(powerW: number, amps: number) {
      load.look([{ id: "main", power_w: powerW, meter: "fresh" }], new Map([["main", [amps, amps, amps]]]));
      // What was asked of the log comes back in a later turn.
      await expect.poll(() => load.profile("main") !== undefined).toBe(true);
    },
  };
}

it("forecasts a day from the weeks in the log, and says how wrong it is", async () => {
  const now = Date.UTC(2026, 1, 16, 11);
  const events = Array.from({ length: 28 * 96 }, (_, i) =>
    measured("main", now - 28 * DAY + i * QUARTER, 5_000),
  );
  const { load, look } = await site(now, events);
  await look(31 * 690, building(now));
  const steps = load.forecast("main", now, now + DAY);
  expect(steps).toHaveLength(96);
  for (const { fromMs, lineA, kw } of steps) {
    expect(lineA[0]).toBeCloseTo(building(fromMs), 6);
    expect(kw).toBeCloseTo(building(fromMs) * 0.69, 6);
  }
  expect(load.profile("main")).toMatchObject({ days: 29, errors: { dayAhead: { lineA: [0, 0, 0] } } });
  expect(load.forecast("yard", now, now + DAY)).toEqual([]);
});

it("knows the month's peak and the window under way after a restart", async () => {
  // Midnight of 1 February in Berlin is 23:00 UTC of 31 January: the window before belongs to January.
  const month = Date.UTC(2026, 0, 31, 23);
  const now = month + 3 * QUARTER + 300_000;
  const { load, clock, look, appended } = await site(now, [
    measured("main", month - QUARTER, 90_000),
    measured("main", month, 15_000),
    measured("main", month + QUARTER, 20_000),
    measured("main", month + 3 * QUARTER, 4_000, now - 100_000),
    measured("yard", month + QUARTER, 99_000),
  ]);
  expect(load.peak()).toBeNull();
  await look(36_000, 52);
  expect(load.peak()).toEqual({
    perKw: 8,
    billedKw: 80,
    usedKwh: 4,
    windowMs: QUARTER,
    windowFromMs: month + 3 * QUARTER,
  });
  for (let s = 0; s < 600; s += 10) {
    clock.ms += 10_000;
    await look(360_000, 520);
  }
  // The window is over: 4 kWh before, 36 kW for the first 10 s, 360 kW for 590 s.
  const ended = appended.filter(({ type }) => type === "load.measured");
  expect(ended).toMatchObject([{ body: { import_wh: 59_100, covered_s: 600 } }]);
  expect(load.peak()?.billedKw).toBeCloseTo((63_100 * 3.6) / 1_500, 6);
  expect(load.peak()?.usedKwh).toBe(0);
});

it("begins a new month at zero", async () => {
  const month = Date.UTC(2026, 1, 28, 23);
  const { load, look } = await site(month + 60_000, [measured("main", month - QUARTER, 90_000)]);
  await look(0, 0);
  expect(load.peak()?.billedKw).toBe(0);
});

it("tells the log of the window under way when it stops", async () => {
  const now = Date.UTC(2026, 1, 16, 11);
  const { load, clock, look, appended } = await site(now, []);
  for (let s = 0; s < 60; s += 10) {
    await look(6_900, 10);
    clock.ms += 10_000;
  }
  load.close();
  expect(appended).toMatchObject([
    {
      type: "load.measured",
      key: `load.measured:main:${now}:${now}`,
      body: { circuit: "main", covered_s: 50, other_a: [10, 10, 10] },
    },
  ]);
});
