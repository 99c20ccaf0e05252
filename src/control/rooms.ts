/**
 * The room for charging on every circuit line, now: limit less other load, less what stations out of reach may draw.
 * All arrays have three entries a circuit.
 */
import type { EvseSpec } from "../model/circuit.ts";
import { type CircuitTree, fallbackSums, lineMask } from "../rules/allocate-tree.ts";
import type { Amps3 } from "../rules/currents.ts";
import { otherLoad } from "../rules/other-load.ts";
import type { Evses, LiveEvse } from "./evses.ts";
import type { Meters } from "./meters.ts";
import type { ControlSettings, ControlTimes } from "./settings.ts";

export interface Rooms {
  /** A that the allocation may share out among EVSEs within reach. */
  shareA: Float64Array;
  /** A that all envelopes together may reach by raises. */
  raiseA: Float64Array;
  /** A of envelopes, measured draw included. */
  committedA: Float64Array;
  /** A of other load, as cuts see it. */
  otherA: Float64Array;
  /** 1 per circuit where its own meter or one above it stops raises. */
  holds: Uint8Array;
  /** 1 per circuit whose meter has been silent too long. */
  stale: Uint8Array;
}

/** What the rooms need to know of an EVSE besides its readings. */
export interface EvseClaim {
  /** Envelope by its leases, A. */
  mostA: number;
  /** False: its station cannot be told anything, so its envelope is set aside. */
  reachable: boolean;
  /** A drawn beyond the limit although that was confirmed long enough ago, else 0. */
  overdrawnA: number;
}

interface Moment {
  atMs: number;
  nowA: Amps3;
  /** Other load if stations that prove nothing drew nothing. */
  unprovenA: Amps3;
}

export function createRooms(
  tree: CircuitTree,
  specs: readonly EvseSpec[],
  evses: Evses,
  meters: Meters,
  settings: ControlSettings,
  times: ControlTimes,
) {
  const size = tree.parent.length * 3;
  const circuitOf = Int32Array.from(specs, (s) => tree.indexOf.get(s.circuit) ?? -1);
  const budgetA = fallbackSums(tree, specs);
  const longestMs = Math.max(times.raiseDelayMs, times.readingMaxAgeMs);
  const recent: Moment[][] = tree.circuits.map(() => []);

  /** Lines an EVSE can load: those its car uses, and all it is wired to while nobody can tell whose car is there. */
  const maskOf = (e: LiveEvse, reachable: boolean) =>
    reachable ? e.lines.mask : e.lines.mask | lineMask(e.spec.phaseOrder, e.spec.phases);

  const addAll = (to: Float64Array, evse: number, mask: number, amps: (line: number) => number) => {
    for (let c = circuitOf[evse] as number; c >= 0; c = tree.parent[c] as number)
      for (let p = 0; p < 3; p++) if (mask & (1 << p)) to[c * 3 + p] = (to[c * 3 + p] as number) + amps(p);
  };

  const otherLoads = (claims: readonly EvseClaim[], nowMs: number, stale: Uint8Array) => {
    const cuts = new Float64Array(size);
    const raises = new Float64Array(size);
    const charging = new Float64Array(size);
    const proven = new Float64Array(size);
    const ramp = new Float64Array(size);
    const oldestMs = new Float64Array(tree.parent.length).fill(times.raiseDelayMs);
    for (const e of evses.all) {
      const mask = e.lines.mask;
      const { mostA, reachable } = claims[e.index] as EvseClaim;
      for (let c = circuitOf[e.index] as number; c >= 0; c = tree.parent[c] as number) {
        const m = meters.all[c];
        if (!m || stale[c]) continue;
        const was = evses.at(e, m.atMs);
        const proves = reachable && was !== null && was.atMs > e.lostAtMs;
        for (let p = 0; p < 3; p++) {
          const k = c * 3 + p;
          const read = was?.gridA[p] ?? 0;
          // A station out of reach has fallen to what its lease leaves it, whatever it said last.
          const drawn = reachable ? read : Math.min(read, mostA);
          charging[k] = (charging[k] as number) + drawn;
          if (proves) proven[k] = (proven[k] as number) + drawn;
          if (mask & (1 << p)) ramp[k] = (ramp[k] as number) + Math.max(0, mostA - drawn);
          if (proves && drawn > 0) oldestMs[c] = Math.max(oldestMs[c] as number, nowMs - was.atMs);
        }
      }
    }
    for (let c = tree.parent.length - 1; c >= 0; c--) {
      const m = meters.all[c];
      const worst = tree.circuits[c]?.worstOtherA;
      const moments = recent[c] as Moment[];
      if (stale[c]) moments.length = 0;
      const current = m?.currentA ?? null;
      const now: Amps3 = [0, 0, 0];
      const sure: Amps3 = [0, 0, 0];
      for (let p = 0; p < 3; p++) {
        const k = c * 3 + p;
        const limitA = tree.limitA[k] as number;
        if (stale[c]) {
          cuts[k] = worst?.[p] ?? Math.max(0, limitA - (budgetA[k] as number));
          raises[k] = cuts[k] as number;
        } else if (m && current) {
          const nowA = (current[p] as number) - (charging[k] as number);
          const unproven = (current[p] as number) - (proven[k] as number);
          now[p] = nowA;
          sure[p] = unproven;
          let least = nowA;
          let most = unproven;
          // A car that stopped after its last reading hides as much of the other load: so look back beyond that.
          for (const moment of moments) {
            const ageMs = nowMs - moment.atMs;
            if (ageMs <= times.watchJumpMs) least = Math.min(least, moment.nowA[p] as number);
            if (ageMs <= (oldestMs[c] as number)) most = Math.max(most, moment.unprovenA[p] as number);
          }
          const load = otherLoad({
            meterA: current[p] as number,
            chargingA: charging[k] as number,
            unseenRampA: ramp[k] as number,
            limitA,
            recentLeastA: least,
            recentMostA: most,
            exportIsRoom: settings.exportIsRoom,
          });
          cuts[k] = load.forCutsA;
          raises[k] = load.forRaisesA;
        } else if (!m && worst) {
          // Nobody sees it, so the worst that is stated is always set aside.
          cuts[k] = Math.max(cuts[k] as number, worst[p] as number);
          raises[k] = Math.max(raises[k] as number, worst[p] as number);
        }
        // A circuit without a meter carries what its children's meters see.
        const up = (tree.parent[c] as number) * 3 + p;
        if (up >= 0 && !meters.all[tree.parent[c] as number]) {
          cuts[up] = (cuts[up] as number) + (cuts[k] as number);
          raises[up] = (raises[up] as number) + (raises[k] as number);
        }
      }
      if (m && current && !stale[c]) {
        // A reading that is looked at again may have gained in meaning: cars' own readings have come in since.
        if (moments.at(-1)?.atMs === m.atMs) moments.pop();
        moments.push({ atMs: m.atMs, nowA: now, unprovenA: sure });
        while (nowMs - (moments[0]?.atMs ?? nowMs) > longestMs) moments.shift();
      }
    }
    return { cuts, raises };
  };

  return {
    circuitOf,
    maskOf,

    /** `claims` by EVSE index. */
    at(claims: readonly EvseClaim[], nowMs: number): Rooms {
      const holds = new Uint8Array(tree.parent.length);
      const stale = new Uint8Array(tree.parent.length);
      for (let c = 0; c < tree.parent.length; c++) {
        const up = tree.parent[c] as number;
        stale[c] = meters.state(c, nowMs) === "stale" ? 1 : 0;
        holds[c] = meters.holdsRaises(c, nowMs) || (up >= 0 && holds[up]) ? 1 : 0;
      }
      const { cuts, raises } = otherLoads(claims, nowMs, stale);
      const shareA = tree.limitA.map((limit, k) => limit - (cuts[k] as number));
      const raiseA = tree.limitA.map((limit, k) => limit - (raises[k] as number));
      const committedA = new Float64Array(size);
      for (const e of evses.all) {
        const claim = claims[e.index] as EvseClaim;
        const drawn = claim.reachable ? evses.fresh(e, nowMs) : null;
        const mask = maskOf(e, claim.reachable);
        const claimed = (p: number) => (mask & (1 << p) ? claim.mostA : 0);
        addAll(committedA, e.index, 7, (p) => Math.max(claimed(p), drawn?.[p] ?? 0));
        if (!claim.reachable) addAll(shareA, e.index, mask, () => -claim.mostA);
        else if (claim.overdrawnA > 0) addAll(shareA, e.index, mask, () => -claim.overdrawnA);
      }
      return { shareA, raiseA, committedA, otherA: cuts, holds, stale };
    },
  };
}

export type RoomBook = ReturnType<typeof createRooms>;
