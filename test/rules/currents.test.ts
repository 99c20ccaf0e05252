import { describe, expect, test } from "vitest";
import type { Meter } from "../../src/model/messages.ts";
import {
  dcLineAmps,
  implausibleDraw,
  limitWatts,
  namesEachLine,
  onGridLines,
  ownCurrents,
} from "../../src/rules/currents.ts";
import { type LearntLines, learnLines, unlearntLines } from "../../src/rules/learn-lines.ts";
import { evseSpec } from "./allocation-cases.ts";

const meter = (of: Partial<Meter>): Meter => ({
  ts: "2026-05-04T00:00:00Z",
  context: "sample.periodic",
  ...of,
});

describe("currents and watts", () => {
  test("50 kW DC on 230 V takes 72.5 A of every line", () => {
    expect(dcLineAmps(50_000, 230, 1)).toBeCloseTo(72.46, 2);
    expect(Math.ceil(dcLineAmps(50_000, 230, 1) * 10) / 10).toBe(72.5);
    expect(dcLineAmps(50_000, 230, 0.94)).toBeCloseTo(77.09, 2);
  });

  test("a limit in watts is amperes times lines times measured voltage, rounded down", () => {
    expect(limitWatts(evseSpec("ac"), 16, 230)).toBe(11_040);
    expect(limitWatts(evseSpec("ac", { phases: 1 }), 16.1, 229.3)).toBe(3691);
    expect(limitWatts(evseSpec("dc", { kind: "dc", efficiency: 0.94 }), 72.5, 230)).toBe(47_023);
    // On the lines that are counted and with what was learnt, where that is known.
    expect(limitWatts(evseSpec("ac"), 16, 230, 1)).toBe(3680);
    expect(limitWatts(evseSpec("dc", { kind: "dc", efficiency: 0.94 }), 72.5, 230, 3, 0.9)).toBe(45_022);
  });

  test("readings of each kind become currents on the EVSE's own lines", () => {
    const three = evseSpec("a");
    const one = evseSpec("b", { phases: 1 });
    const dc = evseSpec("c", { kind: "dc", efficiency: 0.5 });
    expect(ownCurrents(three, meter({ current_a: [1, 2, 3] }), 230)).toEqual([1, 2, 3]);
    expect(ownCurrents(three, meter({ current_a: [5] }), 230)).toEqual([5, 5, 5]);
    expect(ownCurrents(one, meter({ current_a: [5] }), 230)).toEqual([5, 0, 0]);
    expect(ownCurrents(three, meter({ power_w: 6900 }), 230)).toEqual([10, 10, 10]);
    expect(ownCurrents(one, meter({ power_w: 2300 }), 230)).toEqual([10, 0, 0]);
    // The current of a DC cable is not the grid's.
    expect(ownCurrents(dc, meter({ current_a: [125], power_w: 6900 }), 230)).toEqual([20, 20, 20]);
    expect(ownCurrents(three, meter({ energy_import_wh: 5 }), 230)).toBeNull();
  });

  test("wiring puts own lines on the grid's", () => {
    expect(onGridLines(evseSpec("a", { phaseOrder: "L2L3L1" }), [1, 2, 3])).toEqual([3, 1, 2]);
    expect(onGridLines(evseSpec("a", { phaseOrder: "L3L2L1" }), [1, 2, 3])).toEqual([3, 2, 1]);
  });

  test("NaN, negative and absurd currents are not believed", () => {
    const spec = evseSpec("a");
    expect(implausibleDraw(spec, [Number.NaN, 0, 0])).toContain("NaN");
    expect(implausibleDraw(spec, [0, -16, 0])).toContain("negative");
    expect(implausibleDraw(spec, [75, 0, 0])).toContain("maximum is 32 A");
    expect(implausibleDraw(spec, [-0.2, 33, 40])).toBeNull();
  });
});

describe("lines learnt from a car", () => {
  const spec = evseSpec("a", { phaseOrder: "L2L3L1" });
  const read = (from: LearntLines, own: [number, number, number], times: number, startMs: number) => {
    let lines = from;
    for (let i = 0; i < times; i++) lines = learnLines(lines, spec, own, startMs + i * 5000);
    return lines;
  };

  test("a two-phase car frees its third line after three readings over ten seconds, never earlier", () => {
    expect(read(unlearntLines(spec), [16, 16, 0], 2, 0).mask).toBe(7);
    // Own L1 and L2 are wired to L2 and L3.
    expect(read(unlearntLines(spec), [16, 16, 0], 3, 0).mask).toBe(6);
    const burst = [0, 1, 2, 3].reduce(
      (l, i) => learnLines(l, spec, [16, 16, 0], i * 100),
      unlearntLines(spec),
    );
    expect(burst.mask).toBe(7);
  });

  test("any current on a freed line takes it back at once", () => {
    const freed = read(unlearntLines(spec), [16, 0, 0], 3, 0);
    expect(freed.mask).toBe(2);
    expect(learnLines(freed, spec, [16, 1.5, 0], 20_000).mask).toBe(7);
  });

  test("a car that stops or tapers proves nothing", () => {
    expect(read(unlearntLines(spec), [0, 0, 0], 9, 0).mask).toBe(7);
    expect(read(unlearntLines(spec), [3, 0, 0], 9, 0).mask).toBe(7);
    const freed = read(unlearntLines(spec), [16, 0, 0], 3, 0);
    expect(read(freed, [0, 0, 0], 9, 20_000).mask).toBe(2);
  });

  test("current on a line the config does not wire is reported, counted at once, then learnt", () => {
    const single = evseSpec("b", { phases: 1 });
    const once = learnLines(unlearntLines(single), single, [0, 16, 0], 0);
    expect(once).toMatchObject({ mask: 3, unexpected: true });
    const learnt = [5, 10, 15].reduce((l, s) => learnLines(l, single, [0, 16, 0], s * 1000), once);
    expect(learnt).toMatchObject({ mask: 2, unexpected: true });
  });

  test("a reading that does not name each line teaches nothing", () => {
    expect(namesEachLine(evseSpec("a"), meter({ current_a: [16] }))).toBe(false);
    expect(namesEachLine(evseSpec("a"), meter({ current_a: [16, 0, 0] }))).toBe(true);
    expect(namesEachLine(evseSpec("a", { kind: "dc" }), meter({ current_a: [16, 16, 16] }))).toBe(false);
  });
});
