import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { highestMeanKw, importKwh } from "../../../src/rules/grid/demand-peak.ts";
import { type LoadWindow, LoadWindows, WINDOW_MS } from "../../../src/rules/grid/load-windows.ts";

const T0 = Date.UTC(2026, 0, 5, 16);
const amps = (a: number): [number, number, number] => [a, a, a];

/** One reading a second. */
function fed(
  powers: readonly (number | null)[],
  startMs = T0,
): { ended: LoadWindow[]; windows: LoadWindows } {
  const windows = new LoadWindows();
  const ended = powers.flatMap((power, i) =>
    windows.read({
      atMs: startMs + i * 1_000,
      otherA: power === null ? null : amps(power / 690),
      powerW: power ?? 0,
    }),
  );
  return { ended, windows };
}

describe("load windows", () => {
  it("ends a window at the quarter hour, with its mean and its import", () => {
    const { ended } = fed(Array.from({ length: 901 }, () => 69_000));
    expect(ended).toHaveLength(1);
    expect(ended[0]).toMatchObject({ fromMs: T0, coveredMs: WINDOW_MS });
    expect(ended[0]?.otherA[1]).toBeCloseTo(100, 9);
    expect(ended[0]?.importWh).toBeCloseTo(17_250, 6);
  });

  it("counts no import while more is fed in, and lets export take nothing off", () => {
    const { windows } = fed([...Array.from({ length: 60 }, () => -50_000), ...times(61, 60_000)]);
    expect(windows.underWay(T0 + 120_000).importWh).toBeCloseTo(1_000, 6);
  });

  it("does not cover a silence longer than a reading holds", () => {
    const windows = new LoadWindows();
    windows.read({ atMs: T0, otherA: amps(1), powerW: 3_600 });
    windows.read({ atMs: T0 + 60_000, otherA: amps(1), powerW: 3_600 });
    expect(windows.underWay(T0 + 60_000)).toEqual({ importWh: 15, coveredMs: 15_000 });
  });

  it("does not cover what nothing believable is measured in", () => {
    const { windows } = fed([3_600, null, null, 3_600, 3_600]);
    expect(windows.underWay(T0 + 4_000).coveredMs).toBe(2_000);
  });

  it("splits a reading that holds across the quarter hour", () => {
    const windows = new LoadWindows();
    windows.read({ atMs: T0 - 5_000, otherA: amps(1), powerW: 3_600 });
    const [ended] = windows.read({ atMs: T0 + 5_000, otherA: amps(1), powerW: 3_600 });
    expect(ended).toMatchObject({ fromMs: T0 - WINDOW_MS, coveredMs: 5_000, importWh: 5 });
    expect(windows.underWay(T0 + 5_000)).toEqual({ importWh: 5, coveredMs: 5_000 });
  });

  it("keeps the parts apart when the clock is set back", () => {
    const windows = new LoadWindows();
    for (let s = 0; s <= 30; s++) windows.read({ atMs: T0 + s * 1_000, otherA: amps(1), powerW: 3_600 });
    expect(windows.read({ atMs: T0 + 10_000, otherA: amps(1), powerW: 3_600 })).toMatchObject([
      { firstMs: T0, coveredMs: 30_000 },
    ]);
    windows.read({ atMs: T0 + 11_000, otherA: amps(1), powerW: 3_600 });
    expect(windows.end()).toMatchObject([{ firstMs: T0 + 10_000, coveredMs: 1_000 }]);
  });

  it("loses and invents no energy however readings fall", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 14_000 }), fc.integer({ min: 0, max: 90_000 })), {
          minLength: 1,
          maxLength: 300,
        }),
        fc.integer({ min: 0, max: WINDOW_MS }),
        (steps, offset) => {
          const windows = new LoadWindows();
          let atMs = T0 + offset;
          let wattMs = 0;
          const ended: LoadWindow[] = [];
          for (const [ms, powerW] of steps) {
            ended.push(...windows.read({ atMs, otherA: amps(0), powerW }));
            wattMs += powerW * ms;
            atMs += ms;
          }
          ended.push(...windows.read({ atMs, otherA: amps(0), powerW: 0 }), ...windows.end());
          const sum = ended.reduce((wh, w) => wh + w.importWh, 0);
          expect(sum).toBeCloseTo(wattMs / 3_600_000, 5);
          for (const w of ended) expect(w.coveredMs).toBeLessThanOrEqual(WINDOW_MS);
        },
      ),
    );
  });
});

const times = (n: number, power: number) => Array.from({ length: n }, () => power);
const part = (slot: number, importWh: number, coveredMs = WINDOW_MS) => ({
  fromMs: T0 + slot * WINDOW_MS,
  coveredMs,
  importWh,
});

describe("the demand peak", () => {
  it("is the highest mean of a window, not the highest moment", () => {
    expect(highestMeanKw([part(0, 20_000), part(1, 10_000)], WINDOW_MS, T0, T0 + 2 * WINDOW_MS)).toBe(80);
  });

  it("takes quarter hours together where a window is longer", () => {
    const parts = [part(0, 20_000), part(1, 10_000), part(2, 5_000), part(3, 5_000)];
    expect(highestMeanKw(parts, 4 * WINDOW_MS, T0, T0 + 4 * WINDOW_MS)).toBe(40);
  });

  it("puts the parts of a window together that a restart left", () => {
    const parts = [part(0, 5_000, WINDOW_MS / 2), part(0, 15_000, WINDOW_MS / 2)];
    expect(highestMeanKw(parts, WINDOW_MS, T0, T0 + WINDOW_MS)).toBe(80);
    expect(importKwh(parts, WINDOW_MS, T0)).toBe(20);
  });

  it("leaves out windows before the month, the one under way, and those hardly covered", () => {
    const parts = [part(-1, 90_000), part(0, 10_000), part(1, 50_000), part(2, 20_000, WINDOW_MS / 10)];
    expect(highestMeanKw(parts, WINDOW_MS, T0, T0 + WINDOW_MS)).toBe(40);
    expect(highestMeanKw(parts.slice(3), WINDOW_MS, T0, T0 + 3 * WINDOW_MS)).toBe(0);
  });
});
