import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forecastSteps, type LoadSlot, loadProfile } from "../../../src/rules/grid/forecast.ts";
import { WINDOW_MS } from "../../../src/rules/grid/load-windows.ts";
import { wallClock } from "../../../src/rules/report-calendar.ts";

const DAY = 86_400_000;
const ZONE = "Europe/Stockholm";
const STEPS = 192;

/** A building by its local clock: more by day, half at weekends, and a kitchen at noon. */
function building(ms: number): [number, number, number] {
  const wall = wallClock(ms, ZONE);
  const hour = Number(wall.slice(11, 13)) + Number(wall.slice(14, 16)) / 60;
  const day = new Date(`${wall.slice(0, 10)}T00:00:00Z`).getUTCDay();
  const share = day === 0 || day === 6 ? 0.5 : 1;
  const base = 20 + 60 * Math.max(0, Math.sin((Math.PI * (hour - 6)) / 14));
  return [base * share, base * share + (hour === 12 ? 30 : 0), 10 * day + 5];
}

function history(fromMs: number, toMs: number, of = building): LoadSlot[] {
  const slots: LoadSlot[] = [];
  for (let ms = fromMs; ms < toMs; ms += WINDOW_MS) slots.push({ fromMs: ms, lineA: of(ms) });
  return slots;
}

/** Largest difference on any line. */
function worst(steps: { fromMs: number; lineA: [number, number, number] }[]): number {
  return Math.max(
    ...steps.flatMap(({ fromMs, lineA }) => building(fromMs).map((a, p) => Math.abs(a - (lineA[p] ?? 0)))),
  );
}

describe("the forecast of other load", () => {
  it("knows a week that repeats", () => {
    const now = Date.UTC(2026, 1, 11, 9);
    const profile = loadProfile(history(now - 28 * DAY, now), now, ZONE, STEPS);
    const steps = forecastSteps(profile, building(now), now, now, now + DAY);
    expect(steps).toHaveLength(96);
    expect(worst(steps)).toBeLessThan(1e-9);
    expect(profile.days).toBe(29);
    expect(profile.errors?.dayAhead.sumA).toBeCloseTo(0, 9);
    expect(profile.errors?.hourAheadIfUnchanged.sumA).toBeGreaterThan(5);
  });

  it.each([
    ["the day that has 23 hours", "2026-03-29", 92],
    ["the day that has 25 hours", "2026-10-25", 100],
  ])("follows the local clock through %s", (_, date, slots) => {
    const now = Date.parse(`${date}T00:00:00Z`) - DAY / 2;
    const profile = loadProfile(history(now - 28 * DAY, now), now, ZONE, STEPS);
    const steps = forecastSteps(profile, building(now), now, now, now + 2 * DAY);
    const ofDay = steps.filter(({ fromMs }) => wallClock(fromMs, ZONE).startsWith(date));
    expect(ofDay).toHaveLength(slots);
    expect(worst(steps)).toBeLessThan(1e-9);
  });

  it("is right the week after the clocks changed", () => {
    for (const date of ["2026-04-05", "2026-11-01"]) {
      const now = Date.parse(`${date}T00:00:00Z`);
      const profile = loadProfile(history(now - 28 * DAY, now), now, ZONE, STEPS);
      expect(worst(forecastSteps(profile, building(now), now, now, now + DAY))).toBeLessThan(1e-9);
    }
  });

  it("takes days of the same kind where no such weekday is known", () => {
    // Monday to Wednesday known; Thursday is a working day as they are, apart from its own line.
    const now = Date.UTC(2026, 1, 12, 0);
    const profile = loadProfile(history(now - 3 * DAY, now), now, ZONE, STEPS);
    const [noon] = forecastSteps(profile, null, now, now + DAY / 2, now + DAY / 2 + 1);
    expect(noon?.lineA[0]).toBeCloseTo(building(now + DAY / 2)[0], 9);
  });

  it("stays as it is at present when there is no history", () => {
    const now = Date.UTC(2026, 1, 11, 9);
    for (const profile of [null, loadProfile([], now, ZONE, STEPS)])
      for (const { lineA, highA } of forecastSteps(profile, [10, 20, -5], now, now, now + DAY)) {
        expect(lineA).toEqual([10, 20, -5]);
        expect(highA).toEqual([10, 20, -5]);
      }
  });

  it("says nothing when it knows nothing", () => {
    expect(forecastSteps(null, null, 0, 0, DAY)).toEqual([]);
  });

  it("gives up an unusual present within hours", () => {
    const now = Date.UTC(2026, 1, 11, 9);
    const profile = loadProfile(history(now - 28 * DAY, now), now, ZONE, STEPS);
    const usual = building(now);
    const steps = forecastSteps(profile, [usual[0] + 100, usual[1], usual[2]], now, now, now + DAY);
    const over = steps.map(({ fromMs, lineA }) => lineA[0] - building(fromMs)[0]);
    expect(over[0]).toBeCloseTo(100, 6);
    expect(over[4]).toBeCloseTo(100 / Math.E, 6);
    expect(over[40]).toBeLessThan(0.01);
  });

  it("begins at the time asked for, within a quarter hour, and ends before the end", () => {
    const now = Date.UTC(2026, 1, 11, 9);
    const steps = forecastSteps(null, [1, 1, 1], now, now + 1_000, now + WINDOW_MS + 1);
    expect(steps.map(({ fromMs }) => fromMs)).toEqual([now + 1_000, now + WINDOW_MS]);
  });

  it("judges itself only by what was known before each day", () => {
    // The last day is unlike any other: a forecast that had looked at it would be less wrong.
    const now = Date.UTC(2026, 1, 11, 0);
    const slots = history(now - 21 * DAY, now, (ms) => (ms >= now - DAY ? [100, 0, 0] : [10, 0, 0]));
    const { errors } = loadProfile(slots, now, "UTC", STEPS);
    expect(errors?.dayAhead.lineA[0]).toBeCloseTo(90 / 7, 6);
  });

  it("is not exceeded by a steady noise much more often than its bound says", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
        let state = seed;
        const noise = () => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
          return (state / 0x7fffffff) * 40;
        };
        const now = Date.UTC(2026, 1, 11, 0);
        const slots = history(now - 35 * DAY, now + 2 * DAY, () => [noise(), noise(), noise()]);
        const known = slots.filter(({ fromMs }) => fromMs < now);
        const profile = loadProfile(known, now, ZONE, STEPS);
        const high = forecastSteps(profile, null, now, now + DAY / 2, now + 2 * DAY);
        const truth = new Map(slots.map(({ fromMs, lineA }) => [fromMs, lineA]));
        const over = high.filter(({ fromMs, highA }) => (truth.get(fromMs)?.[0] ?? 0) > highA[0]).length;
        expect(over / high.length).toBeLessThan(0.2);
        for (const { lineA, highA } of high) expect(highA[0]).toBeGreaterThanOrEqual(lineA[0]);
      }),
      { numRuns: 10 },
    );
  });
});
