/**
 * The room for charging on every circuit, now: limit less other load, less what stations out of reach may draw. Arrays
 * in A have three entries a circuit, arrays in W one.
 */
import type { EvseSpec } from "../model/circuit.ts";
import { BOUNDS, type CircuitTree, lineMask, POWER } from "../rules/allocate-tree.ts";
import { linesIn } from "../rules/currents.ts";
import type { Evses, LiveEvse } from "./evses.ts";
import type { Meters } from "./meters.ts";
import { createOtherLoads, type EvseClaim } from "./other-loads.ts";
import type { PowerLimits } from "./power-limits.ts";
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
  /** A that flow now, other load included: what balance may count on. */
  flowA: Float64Array;
  /** The same three in W; Infinity where no limit in W holds. */
  shareW: Float64Array;
  raiseW: Float64Array;
  committedW: Float64Array;
  /** W of other load, as cuts see it; negative is own production that exceeds it. */
  otherW: Float64Array;
  /** V, line to neutral, by which amperes are watts here. */
  voltageV: number;
  /** 1 per circuit where its own meter or one above it stops raises. */
  holds: Uint8Array;
  /** 1 per circuit whose meter has been silent too long. */
  stale: Uint8Array;
}

export function createRooms(
  tree: CircuitTree,
  specs: readonly EvseSpec[],
  evses: Evses,
  meters: Meters,
  powers: PowerLimits,
  settings: ControlSettings,
  times: ControlTimes,
) {
  const circuits = tree.parent.length;
  const circuitOf = Int32Array.from(specs, (s) => tree.indexOf.get(s.circuit) ?? -1);
  const others = createOtherLoads(tree, specs, circuitOf, evses, meters, powers, settings, times);

  /** Lines an EVSE can load: those its car uses, and all it is wired to while nobody can tell whose car is there. */
  const maskOf = (e: LiveEvse, reachable: boolean) =>
    reachable ? e.lines.mask : e.lines.mask | lineMask(e.spec.phaseOrder, e.spec.phases);

  const addAll = (to: Float64Array, evse: number, mask: number, amps: (line: number) => number) => {
    for (let c = circuitOf[evse] as number; c >= 0; c = tree.parent[c] as number)
      for (let p = 0; p < 3; p++) if (mask & (1 << p)) to[c * 3 + p] = (to[c * 3 + p] as number) + amps(p);
  };
  const addWatts = (to: Float64Array, evse: number, watts: number) => {
    for (let c = circuitOf[evse] as number; c >= 0; c = tree.parent[c] as number)
      to[c] = (to[c] as number) + watts;
  };

  return {
    circuitOf,
    maskOf,

    /** `claims` by EVSE index. */
    at(claims: readonly EvseClaim[], nowMs: number): Rooms {
      const holds = new Uint8Array(circuits);
      const stale = new Uint8Array(circuits);
      for (let c = 0; c < circuits; c++) {
        const up = tree.parent[c] as number;
        stale[c] = meters.state(c, nowMs) === "stale" ? 1 : 0;
        holds[c] = meters.holdsRaises(c, nowMs) || (up >= 0 && holds[up]) ? 1 : 0;
      }
      const { cuts, raises } = others.at(claims, nowMs, stale);
      const voltageV = meters.voltageV(nowMs);
      const otherA = new Float64Array(circuits * 3);
      const raiseA = new Float64Array(circuits * 3);
      const otherW = new Float64Array(circuits);
      const shareW = new Float64Array(circuits);
      const raiseW = new Float64Array(circuits);
      for (let c = 0; c < circuits; c++) {
        for (let p = 0; p < 3; p++) {
          otherA[c * 3 + p] = cuts[c * BOUNDS + p] as number;
          raiseA[c * 3 + p] = (tree.limitA[c * 3 + p] as number) - (raises[c * BOUNDS + p] as number);
        }
        const limitW = powers.of(c)?.limitW ?? Number.POSITIVE_INFINITY;
        otherW[c] = cuts[c * BOUNDS + POWER] as number;
        // 0 W is an order to stop: own production does not lift it.
        const most = limitW === 0 ? 0 : Number.POSITIVE_INFINITY;
        shareW[c] = Math.min(most, limitW - (otherW[c] as number));
        raiseW[c] = Math.min(most, limitW - (raises[c * BOUNDS + POWER] as number));
      }
      const shareA = tree.limitA.map((limit, k) => limit - (otherA[k] as number));
      const committedA = new Float64Array(circuits * 3);
      const flowA = otherA.slice();
      const committedW = new Float64Array(circuits);
      for (const e of evses.all) {
        const claim = claims[e.index] as EvseClaim;
        const drawn = claim.reachable ? evses.fresh(e, nowMs) : null;
        const mask = maskOf(e, claim.reachable);
        const held = (p: number) => Math.max(mask & (1 << p) ? claim.mayDrawA : 0, drawn?.[p] ?? 0);
        addAll(committedA, e.index, 7, held);
        addAll(flowA, e.index, 7, (p) => drawn?.[p] ?? 0);
        addWatts(committedW, e.index, (held(0) + held(1) + held(2)) * voltageV);
        const gone = claim.reachable ? claim.overdrawnA : claim.mostA;
        if (gone <= 0) continue;
        addAll(shareA, e.index, mask, () => -gone);
        addWatts(shareW, e.index, -gone * linesIn(mask) * voltageV);
      }
      return {
        shareA,
        raiseA,
        committedA,
        otherA,
        flowA,
        shareW,
        raiseW,
        committedW,
        otherW,
        voltageV,
        holds,
        stale,
      };
    },
  };
}

export type RoomBook = ReturnType<typeof createRooms>;
