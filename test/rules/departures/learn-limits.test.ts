import { describe, expect, it } from "vitest";
import type { LearnedLimits } from "../../../src/model/vehicle.ts";
import {
  type Draw,
  type LevelStretch,
  raised,
  watchDraw,
} from "../../../src/rules/departures/learn-limits.ts";

const AC: Draw = {
  atMs: 0,
  kind: "ac",
  wired: 3,
  amps: [16, 16, 16],
  powerW: 11_000,
  offeredA: 32,
  offeredKw: 22,
};

/** Sees the same for so many minutes, a look every ten seconds, and says what was learned in the end. */
function learned(minutes: number, drawAt: (second: number) => Partial<Draw>): LearnedLimits {
  let stretch: LevelStretch | null = null;
  let known: LearnedLimits = {};
  for (let second = 0; second <= minutes * 60; second += 10) {
    const seen = watchDraw(stretch, { ...AC, ...drawAt(second), atMs: second * 1000 });
    stretch = seen.stretch;
    known = raised(known, seen.seen) ?? known;
  }
  return known;
}

describe("limits of a vehicle", () => {
  it("are learned from ten minutes at one level with more on offer, phases from one", () => {
    expect(learned(2, () => ({}))).toEqual({ ac_phases: 3 });
    expect(learned(11, (s) => ({ amps: [15.7 + (s % 20) / 100, 15.8, 15.6] }))).toEqual({
      ac_phases: 3,
      ac_max_a: 16,
    });
    expect(learned(11, () => ({ amps: [31.8, 0, 0], offeredA: 63 }))).toEqual({ ac_phases: 1, ac_max_a: 32 });
  });

  it("are not those of the station, nor of a limit of ours", () => {
    expect(learned(30, () => ({ offeredA: 16 }))).toEqual({ ac_phases: 3 });
    expect(learned(30, () => ({ amps: [16, 0, 0], wired: 1 }))).toEqual({ ac_max_a: 16 });
  });

  it("are not those of a tail at a full battery, nor of a car that hardly draws", () => {
    expect(learned(60, (s) => ({ amps: Array(3).fill(16 - s / 240) }))).toEqual({ ac_phases: 3 });
    expect(learned(60, () => ({ amps: [2, 2, 2] }))).toEqual({});
  });

  it("in kW for DC, and never of phases", () => {
    const dc = { kind: "dc" as const, powerW: 74_600, offeredKw: 150 };
    expect(learned(11, () => dc)).toEqual({ dc_max_kw: 75 });
    expect(learned(11, () => ({ ...dc, offeredKw: 76 }))).toEqual({});
  });

  it("only rise", () => {
    expect(raised({ ac_max_a: 16, ac_phases: 3 }, { ac_max_a: 10 })).toBeUndefined();
    expect(raised({ ac_max_a: 16 }, { ac_max_a: 20, ac_phases: 1 })).toEqual({ ac_max_a: 20, ac_phases: 1 });
    expect(raised(undefined, {})).toBeUndefined();
  });
});
