/**
 * The only way to send a limit. Every allocation, pooled or inline, passes it against the rooms and envelopes of this
 * instant: cuts go out at once; a raise goes out only into room that is free on every line above the EVSE, with every
 * envelope at its largest (promise 4). Renewals of a lease that may have ended count as raises.
 */
import type { EvseSpec } from "../model/circuit.ts";
import type { Limit, LimitReason } from "../model/messages.ts";
import type { CircuitTree } from "../rules/allocate-tree.ts";
import { limitWatts, linesIn, NO_CURRENT_A } from "../rules/currents.ts";
import type { Envelopes } from "./envelopes.ts";
import type { Rooms } from "./rooms.ts";
import type { ControlSettings, ControlTimes } from "./settings.ts";

/** What an EVSE should get, with everything the gate must know of it. */
export interface Proposal {
  index: number;
  spec: EvseSpec;
  targetA: number;
  reason: LimitReason;
  boundBy: string | null;
  /** Grid lines it loads, as bits. */
  mask: number;
  reachable: boolean;
  /** Highest line of a fresh reading, A; null without one. */
  drawnA: number | null;
  voltageV: number;
  /** DC: watts to the car per watt taken. 1 for AC. */
  efficiency: number;
  /** It is to charge on so many; null: it is told nothing, since what it holds of an earlier run is not known yet. */
  phases: 1 | 3 | null;
  /** It may not be raised yet, because the depot has just started. */
  waits: boolean;
}

export interface GateOptions {
  tree: CircuitTree;
  /** Per EVSE: index of its circuit. */
  circuitOf: Int32Array;
  envelopes: Envelopes;
  settings: ControlSettings;
  times: ControlTimes;
  /** Every revision is larger than this; use depot time in ms, so that revisions rise over restarts. */
  firstRev: number;
  send(station: string, evse: number, limit: Limit): void;
  /** Called after `send` for a limit that differs from the one before. */
  changed(spec: EvseSpec, limit: Limit): void;
}

type Tellable = Proposal & { phases: 1 | 3 };

/** What an EVSE was last sent and why. */
export interface Sent {
  limitA: number;
  reason: LimitReason;
  boundBy: string | null;
  phases: 1 | 3;
}

/** Smaller differences are the same limit: stations know tenths of an ampere. */
const SAME_A = 0.05;
/** Binary dust of sums. */
const DUST_A = 1e-6;

const isTellable = (p: Proposal): p is Tellable => p.phases !== null;

export function createGate(options: GateOptions) {
  const { tree, circuitOf, envelopes, settings, times } = options;
  const sent: (Sent | null)[] = [];
  const changedAtMs: number[] = [];
  const resend = new Set<string>();
  let rev = options.firstRev;

  const dispatch = (p: Tellable, limitA: number, reason: LimitReason, nowMs: number, depotMs: number) => {
    rev = Math.max(rev + 1, Math.floor(depotMs));
    const validMs = envelopes.validMs(p.index, limitA);
    const before = sent[p.index];
    const limit: Limit = {
      ts: new Date(depotMs).toISOString(),
      rev,
      limit_a: limitA,
      limit_w: limitWatts(p.spec, limitA, p.voltageV, linesIn(p.mask), p.efficiency),
      phases: p.phases,
      valid_for_s: validMs / 1000,
      fallback_a: p.spec.fallbackA,
      reason,
      ...(p.boundBy === null ? {} : { bound_by: p.boundBy }),
    };
    // The envelope grows before the limit leaves.
    envelopes.sent(p.index, rev, limitA, validMs, nowMs);
    sent[p.index] = { limitA, reason, boundBy: p.boundBy, phases: p.phases };
    const same = before && Math.abs(before.limitA - limitA) < SAME_A;
    if (!same) changedAtMs[p.index] = nowMs;
    options.send(p.spec.station, p.spec.evse, limit);
    if (!same || before.phases !== p.phases) options.changed(p.spec, limit);
  };

  /** A that a raise may add to some lines, when the others carry no more than what flows there now. */
  const freeOfUnbalance = (p: Proposal, rooms: Rooms): number => {
    let least = Number.POSITIVE_INFINITY;
    if (linesIn(p.mask) === 3) return least;
    for (let c = circuitOf[p.index] as number; c >= 0; c = tree.parent[c] as number) {
      const most = tree.circuits[c]?.unbalanceA;
      if (most === undefined) continue;
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let k = c * 3; k < c * 3 + 3; k++)
        if (p.mask & (1 << (k % 3)))
          high = Math.max(high, (rooms.otherA[k] as number) + (rooms.committedA[k] as number));
        else low = Math.min(low, rooms.flowA[k] as number);
      least = Math.min(least, most - (high - low));
    }
    return least;
  };

  /** A free on the tightest line or power limit over the EVSE; below 0 where envelopes exceed the room already. */
  const free = (p: Proposal, rooms: Rooms): number => {
    let least = Number.POSITIVE_INFINITY;
    for (let c = circuitOf[p.index] as number; c >= 0; c = tree.parent[c] as number)
      for (let line = 0; line < 3; line++) {
        const k = c * 3 + line;
        if (p.mask & (1 << line))
          least = Math.min(least, (rooms.raiseA[k] as number) - (rooms.committedA[k] as number));
      }
    least = Math.min(least, freeOfUnbalance(p, rooms));
    const perAmpere = Math.max(1, linesIn(p.mask)) * rooms.voltageV;
    for (let c = circuitOf[p.index] as number; c >= 0; c = tree.parent[c] as number)
      least = Math.min(least, ((rooms.raiseW[c] as number) - (rooms.committedW[c] as number)) / perAmpere);
    return least;
  };
  const commit = (p: Proposal, amps: number, rooms: Rooms, ramp: Float64Array) => {
    for (let c = circuitOf[p.index] as number; c >= 0; c = tree.parent[c] as number) {
      rooms.committedW[c] = (rooms.committedW[c] as number) + amps * linesIn(p.mask) * rooms.voltageV;
      for (let line = 0; line < 3; line++)
        if (p.mask & (1 << line)) {
          const k = c * 3 + line;
          rooms.committedA[k] = (rooms.committedA[k] as number) + amps;
          if ((tree.parent[c] as number) < 0) ramp[k] = (ramp[k] as number) - amps;
        }
    }
  };
  const rampLeft = (p: Proposal, ramp: Float64Array): number => {
    let c = circuitOf[p.index] as number;
    while ((tree.parent[c] as number) >= 0) c = tree.parent[c] as number;
    let least = Number.POSITIVE_INFINITY;
    for (let line = 0; line < 3; line++)
      if (p.mask & (1 << line)) least = Math.min(least, ramp[c * 3 + line] as number);
    return least;
  };

  const stepDown = (a: number, stepA: number) => Math.floor(Math.round((a / stepA) * 1e6) / 1e6) * stepA;
  /** On the station's steps, 0 or at least its minimum, never above its maximum, never NaN. */
  const lawful = (spec: EvseSpec, a: number): number => {
    if (!Number.isFinite(a)) return 0;
    const down = stepDown(Math.min(a, spec.maxA), spec.stepA ?? 0.1);
    return down > 0 && down >= spec.minA - 1e-9 ? Math.round(down * 1000) / 1000 : 0;
  };

  /** A that is no raise whatever the station holds now. */
  const surelyNoRaise = (p: Proposal, nowMs: number): number => {
    if (!envelopes.isUnknown(p.index, nowMs)) return envelopes.leastA(p.index, nowMs);
    // Whatever it holds since before this run lets it draw what it draws, and that is never below its minimum.
    const drawn = p.drawnA ?? 0;
    return drawn < NO_CURRENT_A ? 0 : Math.max(lawful(p.spec, drawn), p.spec.minA);
  };

  return {
    /** What an EVSE was last sent; null before the first limit of this run. */
    sent: (evse: number): Readonly<Sent> | null => sent[evse] ?? null,

    /** The station subscribed (again): what it holds is sent anew with the next allocation. */
    resend(station: string): void {
      resend.add(station);
    },

    /** Proposals in the order in which raises are served. `depotMs` stamps the messages, `nowMs` is monotonic. */
    apply(proposals: readonly Proposal[], rooms: Rooms, nowMs: number, depotMs: number): void {
      const rampA = settings.siteRampA * Math.max(1, times.tickMs / 1000);
      const ramp = new Float64Array(rooms.committedA.length).fill(rampA);
      const later: Tellable[] = [];
      for (const p of proposals) {
        if (!p.reachable || !isTellable(p)) continue;
        const target = lawful(p.spec, p.targetA);
        const last = envelopes.last(p.index);
        if (last === null || target >= last.limitA - SAME_A) {
          later.push(p);
          continue;
        }
        // A cut that a lost or outlived raise turns into a raise goes no higher than what is certain or free.
        const sure = surelyNoRaise(p, nowMs);
        const mostA = envelopes.mostA(p.index, nowMs);
        const room = free(p, rooms);
        const allowed = room < -DUST_A ? sure : Math.max(sure, mostA + room);
        const to = target <= sure + SAME_A ? target : lawful(p.spec, Math.min(target, allowed));
        commit(p, Math.max(0, to - mostA), rooms, ramp);
        dispatch(p, to, p.reason, nowMs, depotMs);
      }
      for (const p of later) {
        const target = lawful(p.spec, p.targetA);
        if (!tryRaise(p, target, rooms, ramp, nowMs, depotMs)) renew(p, target, rooms, ramp, nowMs, depotMs);
      }
      resend.clear();
    },
  };

  function tryRaise(
    p: Tellable,
    target: number,
    rooms: Rooms,
    ramp: Float64Array,
    nowMs: number,
    depotMs: number,
  ): boolean {
    const fromA = envelopes.last(p.index)?.limitA ?? 0;
    if (target <= fromA + SAME_A || p.waits || rooms.holds[circuitOf[p.index] as number]) return false;
    const sinceMs = nowMs - (changedAtMs[p.index] ?? Number.NEGATIVE_INFINITY);
    if (fromA > 0 && sinceMs < times.raiseDelayMs) return false;
    const room = free(p, rooms);
    if (room < -DUST_A) return false;
    const mostA = envelopes.mostA(p.index, nowMs);
    const allowed = Math.min(fromA + Math.max(0, rampLeft(p, ramp)), Math.max(fromA, mostA) + room);
    const to = lawful(p.spec, Math.min(target, allowed));
    const worth = fromA === 0 || to - fromA >= settings.raiseStepA - DUST_A || to >= p.spec.maxA - SAME_A;
    if (to <= fromA || !worth) return false;
    commit(p, Math.max(0, to - Math.max(mostA, p.drawnA ?? 0)), rooms, ramp);
    dispatch(p, to, to < target - SAME_A ? "awaiting_confirmation" : p.reason, nowMs, depotMs);
    return true;
  }

  /** Sends the limit again when it is unconfirmed, at half of its lease, or when the station came back. */
  function renew(
    p: Tellable,
    target: number,
    rooms: Rooms,
    ramp: Float64Array,
    nowMs: number,
    depotMs: number,
  ): void {
    const last = envelopes.last(p.index);
    const sure = surelyNoRaise(p, nowMs);
    if (last === null) {
      // First word of this run. Without a reading nothing is surely no raise but waiting for the old leases to end.
      if (envelopes.isUnknown(p.index, nowMs) && p.drawnA === null && target > 0) return;
      const to = lawful(p.spec, Math.min(target, sure));
      dispatch(
        p,
        to,
        to < target - SAME_A ? (p.waits ? "start_delay" : "safe_start") : p.reason,
        nowMs,
        depotMs,
      );
      return;
    }
    const ageMs = nowMs - last.atMs;
    // A cut that may be lost is not waited for where its room is taken.
    const isNeeded = envelopes.mostA(p.index, nowMs) > last.limitA + SAME_A && free(p, rooms) < -DUST_A;
    const due =
      resend.has(p.spec.station) ||
      (sent[p.index]?.phases ?? p.phases) !== p.phases ||
      ageMs >= last.validMs / 2 ||
      (!envelopes.isConfirmed(p.index) && ageMs >= (isNeeded ? times.cutRetryMs : times.retryMs));
    if (!due) return;
    const reason = sent[p.index]?.reason ?? p.reason;
    if (last.limitA <= sure + SAME_A) {
      dispatch(p, last.limitA, reason, nowMs, depotMs);
      return;
    }
    // The lease may have ended or never begun, so this may raise: only into free room.
    const mostA = envelopes.mostA(p.index, nowMs);
    const room = p.waits || rooms.holds[circuitOf[p.index] as number] ? -1 : free(p, rooms);
    const lower = p.waits ? "start_delay" : "awaiting_confirmation";
    const to = lawful(p.spec, room < -DUST_A ? sure : Math.min(last.limitA, mostA + room));
    commit(p, Math.max(0, to - mostA), rooms, ramp);
    dispatch(p, to, to < last.limitA - SAME_A ? lower : reason, nowMs, depotMs);
  }
}

export type Gate = ReturnType<typeof createGate>;
