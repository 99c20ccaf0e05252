/**
 * What a vehicle can take, from what it was seen to take. A current says so only where it stays level for ten minutes
 * with more on offer: a ramp, a tail at a full battery or a limit of ours would say too little. Learned limits only rise.
 */
import type { LearnedLimits } from "../../model/vehicle.ts";

/** What an EVSE shows of a car at one moment. */
export interface Draw {
  atMs: number;
  kind: "ac" | "dc";
  /** Lines the EVSE is wired to: with one it says nothing of the car's phases. */
  wired: 1 | 3;
  /** A per grid line. */
  amps: readonly number[];
  powerW: number | null;
  /** The limit that holds, A per line on the AC side. */
  offeredA: number;
  /** What that limit is on the DC side, kW. */
  offeredKw: number;
}

/** A level stretch: between what values it stayed since when, and on how many lines. */
export interface LevelStretch {
  sinceMs: number;
  lowest: number;
  highest: number;
  lines: number;
  /** More was on offer throughout. */
  free: boolean;
}

const LEVEL_MS = 600_000;
const PHASES_MS = 60_000;
const USED_A = 1;
/** Below this a car may be waking, heating or full. */
const LEAST_A = 5;
const LEAST_KW = 5;

export function watchDraw(
  before: LevelStretch | null,
  draw: Draw,
): { stretch: LevelStretch | null; seen: LearnedLimits } {
  const dc = draw.kind === "dc";
  const value = dc ? (draw.powerW ?? 0) / 1000 : Math.max(0, ...draw.amps);
  if (value < (dc ? LEAST_KW : LEAST_A)) return { stretch: null, seen: {} };
  const lines = draw.amps.filter((a) => a >= USED_A).length;
  const free = dc ? draw.offeredKw > value * 1.1 : draw.offeredA > value + 2;
  const width = dc ? 0.02 * value : 0.5;
  const lowest = Math.min(before?.lowest ?? value, value);
  const highest = Math.max(before?.highest ?? value, value);
  const goesOn =
    before !== null && before.lines === lines && before.free === free && highest - lowest <= width;
  const stretch = goesOn
    ? { ...before, lowest, highest }
    : { sinceMs: draw.atMs, lowest: value, highest: value, lines, free };
  const lasted = draw.atMs - stretch.sinceMs;
  const level = free && lasted >= LEVEL_MS ? Math.ceil(stretch.highest) : undefined;
  if (dc) return { stretch, seen: level === undefined ? {} : { dc_max_kw: level } };
  const phases = draw.wired === 3 && lasted >= PHASES_MS && (lines === 1 || lines === 2 || lines === 3);
  return {
    stretch,
    seen: {
      ...(phases ? { ac_phases: lines as 1 | 2 | 3 } : {}),
      ...(level === undefined ? {} : { ac_max_a: level }),
    },
  };
}

/** Both together; undefined when `seen` adds nothing. */
export function raised(known: LearnedLimits | undefined, seen: LearnedLimits): LearnedLimits | undefined {
  const more = Object.entries(seen).filter(
    ([name, value]) => value > (known?.[name as keyof LearnedLimits] ?? 0),
  );
  return more.length === 0 ? undefined : { ...known, ...Object.fromEntries(more) };
}
