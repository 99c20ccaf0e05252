/**
 * What else draws on every circuit, in A per line and in W: its meter less the charging below it, measured at the same
 * moment, kept over the last moments as `otherLoad` wants it.
 */
import type { EvseSpec, PerLine } from "../model/circuit.ts";
import { BOUNDS, type CircuitTree, fallbackSums, POWER } from "../rules/allocate-tree.ts";
import { type Amps3, linesIn } from "../rules/currents.ts";
import { otherLoad } from "../rules/other-load.ts";
import type { Evses } from "./evses.ts";
import type { Meters } from "./meters.ts";
import type { PowerLimits } from "./power-limits.ts";
import type { ControlSettings, ControlTimes } from "./settings.ts";

/** What rooms and other loads need to know of an EVSE besides its readings. */
export interface EvseClaim {
  /** Envelope by its leases, A. */
  mostA: number;
  /** The same, or more while its car has had no time to follow a cut, A. */
  mayDrawA: number;
  /** Since when its car has followed its latest cut: a reading from before tells of more than flows now. */
  followedSinceMs: number;
  /** False: its station cannot be told anything, so its envelope is set aside. */
  reachable: boolean;
  /** A drawn beyond the limit although that was confirmed long enough ago, else 0. */
  overdrawnA: number;
}

/** By `boundKey`: A for the lines, W for the power. */
export interface OtherLoads {
  /** As cuts see it. */
  cuts: Float64Array;
  /** What raises must leave room for. */
  raises: Float64Array;
}

interface Moment {
  atMs: number;
  now: number[];
  /** Other load if stations that prove nothing drew nothing. */
  unproven: number[];
}

/** Of what a reading shows, the part that may still flow. */
function partOf(drawnA: number, [a, b, c]: Amps3): number {
  const read = a + b + c;
  return read > 0 ? Math.min(1, drawnA / read) : 1;
}

export function createOtherLoads(
  tree: CircuitTree,
  specs: readonly EvseSpec[],
  circuitOf: Int32Array,
  evses: Evses,
  meters: Meters,
  powers: PowerLimits,
  settings: ControlSettings,
  times: ControlTimes,
) {
  const size = tree.parent.length * BOUNDS;
  const budgetA = fallbackSums(tree, specs);
  const longestMs = Math.max(times.raiseDelayMs, times.readingMaxAgeMs) + times.watchJumpMs;
  const recent: Moment[][] = tree.circuits.map(() => []);
  const limitOf = (c: number, bound: number) =>
    bound === POWER
      ? (powers.of(c)?.limitW ?? Number.POSITIVE_INFINITY)
      : (tree.limitA[c * 3 + bound] as number);
  const summed = (of: ArrayLike<number>, from: number) =>
    (of[from] as number) + (of[from + 1] as number) + (of[from + 2] as number);

  /** What must be taken for other load while the meter is silent. */
  const silent = (c: number, bound: number, cuts: Float64Array, worst: PerLine | undefined): number => {
    if (bound < POWER) {
      const k = c * 3 + bound;
      return worst?.[bound] ?? Math.max(0, (tree.limitA[k] as number) - (budgetA[k] as number));
    }
    const lines = summed(cuts, c * BOUNDS) * settings.nominalV;
    if (worst !== undefined) return lines;
    return Math.min(lines, Math.max(0, limitOf(c, POWER) - summed(budgetA, c * 3) * settings.nominalV));
  };

  return {
    /** `claims` by EVSE index; `stale`: 1 per circuit whose meter has been silent too long. */
    at(claims: readonly EvseClaim[], nowMs: number, stale: Uint8Array): OtherLoads {
      const cuts = new Float64Array(size);
      const raises = new Float64Array(size);
      const charging = new Float64Array(size);
      const proven = new Float64Array(size);
      const ramp = new Float64Array(size);
      const oldestMs = new Float64Array(tree.parent.length).fill(times.raiseDelayMs);
      const add = (to: Float64Array, k: number, x: number) => {
        to[k] = (to[k] as number) + x;
      };
      for (const e of evses.all) {
        const mask = e.lines.mask;
        const { mostA, mayDrawA, followedSinceMs, reachable } = claims[e.index] as EvseClaim;
        for (let c = circuitOf[e.index] as number; c >= 0; c = tree.parent[c] as number) {
          const m = meters.all[c];
          if (!m || stale[c]) continue;
          const was = evses.at(e, m.atMs);
          const proves = reachable && was !== null && was.atMs > e.lostAtMs;
          // A reading from before a cut is not what flows now; nor what a station out of reach said last, since its lease
          // has left it less.
          const isPast = reachable && was !== null && was.atMs < followedSinceMs;
          const mostDrawnA = isPast ? mayDrawA : reachable ? Number.POSITIVE_INFINITY : mostA;
          let drawnA = 0;
          for (let p = 0; p < 3; p++) {
            const k = c * BOUNDS + p;
            const read = was?.gridA[p] ?? 0;
            const drawn = Math.min(read, mostDrawnA);
            drawnA += drawn;
            add(charging, k, drawn);
            if (proves) add(proven, k, drawn);
            if (mask & (1 << p)) add(ramp, k, Math.max(0, mostA - drawn));
            // A reading on its way may tell of a moment before: so look back a little beyond it.
            if (proves && drawn > 0)
              oldestMs[c] = Math.max(oldestMs[c] as number, nowMs - was.atMs + times.watchJumpMs);
          }
          // By the same measure as the meter: its power against theirs, its currents against theirs.
          const watts =
            m.knowsWatts && was !== null ? was.watts * partOf(drawnA, was.gridA) : drawnA * m.voltageV;
          const k = c * BOUNDS + POWER;
          add(charging, k, watts);
          if (proves) add(proven, k, watts);
          add(ramp, k, Math.max(0, mostA * linesIn(mask) * m.voltageV - watts));
        }
      }
      for (let c = tree.parent.length - 1; c >= 0; c--) {
        const m = meters.all[c];
        const worst = tree.circuits[c]?.worstOtherA;
        const moments = recent[c] as Moment[];
        if (stale[c]) moments.length = 0;
        const lines = m?.currentA ?? null;
        const now = [0, 0, 0, 0];
        const unproven = [0, 0, 0, 0];
        for (let bound = 0; bound < BOUNDS; bound++) {
          const k = c * BOUNDS + bound;
          if (stale[c]) {
            cuts[k] = silent(c, bound, cuts, worst);
            raises[k] = cuts[k] as number;
          } else if (m && lines) {
            const read = bound === POWER ? m.watts : (lines[bound] as number);
            now[bound] = read - (charging[k] as number);
            unproven[bound] = read - (proven[k] as number);
            let least = now[bound] as number;
            let most = unproven[bound] as number;
            // A car that stopped after its last reading hides as much of the other load: so look back beyond that.
            for (const moment of moments) {
              const ageMs = nowMs - moment.atMs;
              if (ageMs <= times.watchJumpMs) least = Math.min(least, moment.now[bound] as number);
              if (ageMs <= (oldestMs[c] as number)) most = Math.max(most, moment.unproven[bound] as number);
            }
            const load = otherLoad({
              meterA: read,
              chargingA: charging[k] as number,
              unseenRampA: ramp[k] as number,
              limitA: limitOf(c, bound),
              recentLeastA: least,
              recentMostA: most,
              // A limit in W is on what comes from above: own production comes on top.
              exportIsRoom: bound === POWER || settings.exportIsRoom,
            });
            cuts[k] = load.forCutsA;
            raises[k] = load.forRaisesA;
          } else if (!m && worst !== undefined) {
            // Nobody sees it, so the worst that is stated is always set aside.
            const stated =
              bound < POWER ? (worst[bound] as number) : summed(cuts, c * BOUNDS) * settings.nominalV;
            cuts[k] = Math.max(cuts[k] as number, stated);
            raises[k] = Math.max(raises[k] as number, stated);
          }
          // A circuit without a meter carries what its children's meters see.
          const parent = tree.parent[c] as number;
          if (parent >= 0 && !meters.all[parent]) {
            add(cuts, parent * BOUNDS + bound, cuts[k] as number);
            add(raises, parent * BOUNDS + bound, raises[k] as number);
          }
        }
        if (m && lines && !stale[c]) {
          // A reading that is looked at again may have gained in meaning: cars' own readings have come in since.
          if (moments.at(-1)?.atMs === m.atMs) moments.pop();
          moments.push({ atMs: m.atMs, now, unproven });
          while (nowMs - (moments[0]?.atMs ?? nowMs) > longestMs) moments.shift();
        }
      }
      return { cuts, raises };
    },
  };
}
