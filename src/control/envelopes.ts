/**
 * The most that each EVSE may draw, by what its station may be holding: the largest of the confirmed limit, limits sent
 * and not confirmed, and the fallback once a lease may have run out (promise 4).
 *
 * A limit is a lease on the station's own monotonic clock from receipt, so its end is known only within bounds: at the
 * earliest `sent + valid`, at the latest `receipt + valid`, where receipt is before the confirmation and at most
 * `deliveryMs` after sending; then the car takes up to `reactionMs` to follow.
 *
 * A limit below the fallback would *rise* when its lease ends. Such leases are given three times the usual length, so
 * that in a depot whose gateway died every lease above its fallback ends before the first one below it does: at no
 * instant do high leases and risen fallbacks add up. The fallback is reserved before a low lease may end.
 */
import type { ControlTimes } from "./settings.ts";

export interface LeaseSpec {
  maxA: number;
  fallbackA: number;
}

interface Sent {
  rev: number;
  limitA: number;
  atMs: number;
  validMs: number;
}

/** What an EVSE's station is known to hold. */
interface Known {
  /** Null: nothing confirmed in this run, or not since its reboot. */
  confirmed: (Sent & { confirmedAtMs: number }) | null;
  /** Sent after `confirmed`, while they may be in force. */
  pending: Sent[];
  last: Sent | null;
  /** When the limit of `last` was first sent; renewals do not change it. */
  toldAtMs: number;
  /** What cars may still draw after cuts that were confirmed, and until when. */
  falls: { a: number; untilMs: number }[];
  followedMs: number;
  /** A lease of an earlier run may still hold: anything up to the maximum. */
  unknown: boolean;
}

export interface Envelopes {
  /** How long a lease at `limitA` is to hold. */
  validMs(evse: number, limitA: number): number;
  sent(evse: number, rev: number, limitA: number, validMs: number, nowMs: number): void;
  /**
   * The station says it holds `limitA` since `rev`. False when that tells nothing: older than what is confirmed, or not
   * of this run.
   */
  confirmed(evse: number, rev: number, limitA: number, nowMs: number): boolean;
  /** The station restarted and lost its lease: it is at its fallback or at what was sent since. */
  rebooted(evse: number): void;
  /** A that the EVSE may be allowed now or before the gate could do something about it. */
  mostA(evse: number, nowMs: number): number;
  /** A that the car may still draw now: its envelope, or more while it has had no time to follow a cut. */
  mayDrawA(evse: number, nowMs: number): number;
  /** Since when a car has certainly followed its latest cut that it had time for; -Infinity when there was none. */
  followedSinceMs(evse: number, nowMs: number): number;
  /** A that the EVSE is certainly allowed now: sending no more than this raises nothing. */
  leastA(evse: number, nowMs: number): number;
  last(evse: number): Readonly<Sent> | null;
  /** It confirmed its last limit, or was told it for longer than a delivery takes. True when it was told nothing. */
  wasTold(evse: number, nowMs: number): boolean;
  /** The confirmed limit while its lease may run, else null. */
  confirmedA(evse: number, nowMs: number): number | null;
  isConfirmed(evse: number): boolean;
  isUnknown(evse: number, nowMs: number): boolean;
}

/** How many times the usual length a lease below the fallback lasts. */
const LOW_LEASE = 3;

export function createEnvelopes(
  specs: readonly LeaseSpec[],
  times: Pick<ControlTimes, "leaseMs" | "deliveryMs" | "reactionMs" | "followMs">,
  startMs: number,
): Envelopes {
  const { leaseMs, deliveryMs, reactionMs } = times;
  // The longest a lease above the fallback can still hold, counted from its sending.
  const longestMs = leaseMs + deliveryMs + reactionMs;
  const known: Known[] = specs.map(() => ({
    confirmed: null,
    pending: [],
    last: null,
    toldAtMs: 0,
    falls: [],
    followedMs: Number.NEGATIVE_INFINITY,
    unknown: true,
  }));
  const of = (evse: number) => known[evse] as Known;
  const fallback = (evse: number) => (specs[evse] as LeaseSpec).fallbackA;

  const isUnknown = (evse: number, nowMs: number) => {
    const k = of(evse);
    if (k.unknown && nowMs - startMs >= longestMs) k.unknown = false;
    return k.unknown;
  };
  const confirmedLives = (c: NonNullable<Known["confirmed"]>, nowMs: number) =>
    nowMs < Math.min(c.confirmedAtMs, c.atMs + deliveryMs) + c.validMs + reactionMs;
  const pendingLives = (p: Sent, nowMs: number) => nowMs < p.atMs + deliveryMs + p.validMs + reactionMs;

  return {
    validMs: (evse, limitA) => (limitA < fallback(evse) ? LOW_LEASE * longestMs : leaseMs),
    sent(evse, rev, limitA, validMs, nowMs) {
      const k = of(evse);
      const one = { rev, limitA, atMs: nowMs, validMs };
      if (k.last?.limitA !== limitA) k.toldAtMs = nowMs;
      k.last = one;
      k.pending = k.pending.filter((p) => pendingLives(p, nowMs));
      k.pending.push(one);
    },
    confirmed(evse, rev, limitA, nowMs) {
      const k = of(evse);
      if (k.last === null || rev > k.last.rev || rev < (k.confirmed?.rev ?? 0)) return false;
      const was = k.pending.find((p) => p.rev === rev);
      if (was === undefined) return k.confirmed?.rev === rev;
      const beforeA = this.mostA(evse, nowMs);
      k.confirmed = { ...was, limitA, confirmedAtMs: nowMs };
      k.pending = k.pending.filter((p) => p.rev > rev);
      k.unknown = false;
      k.followedMs = this.followedSinceMs(evse, nowMs);
      k.falls = k.falls.filter((f) => f.untilMs > nowMs);
      if (this.mostA(evse, nowMs) < beforeA) k.falls.push({ a: beforeA, untilMs: nowMs + times.followMs });
      return true;
    },
    rebooted(evse) {
      const k = of(evse);
      k.confirmed = null;
      k.unknown = false;
    },
    mostA(evse, nowMs) {
      const k = of(evse);
      if (isUnknown(evse, nowMs)) return (specs[evse] as LeaseSpec).maxA;
      let most = 0;
      // Without a lease that certainly lasts longer than any other depot lease, the fallback must have its room.
      const c = k.confirmed;
      const sureUntilMs = c ? c.atMs + c.validMs : Number.NEGATIVE_INFINITY;
      if (c && confirmedLives(c, nowMs)) most = c.limitA;
      if (!c || (c.limitA < fallback(evse) ? sureUntilMs - nowMs < longestMs : sureUntilMs <= nowMs))
        most = Math.max(most, fallback(evse));
      for (const p of k.pending) if (pendingLives(p, nowMs)) most = Math.max(most, p.limitA);
      return most;
    },
    followedSinceMs(evse, nowMs) {
      const { falls, followedMs } = of(evse);
      let sinceMs = followedMs;
      for (const f of falls) if (f.untilMs <= nowMs) sinceMs = Math.max(sinceMs, f.untilMs);
      return sinceMs;
    },
    mayDrawA(evse, nowMs) {
      let most = this.mostA(evse, nowMs);
      for (const f of of(evse).falls) if (nowMs < f.untilMs) most = Math.max(most, f.a);
      return most;
    },
    leastA(evse, nowMs) {
      const k = of(evse);
      if (isUnknown(evse, nowMs)) return 0;
      const c = k.confirmed;
      let least =
        c && nowMs < c.atMs + c.validMs ? c.limitA : Math.min(c?.limitA ?? fallback(evse), fallback(evse));
      for (const p of k.pending) least = Math.min(least, p.limitA);
      return least;
    },
    last: (evse) => of(evse).last,
    wasTold(evse, nowMs) {
      const k = of(evse);
      return k.last === null || k.confirmed?.rev === k.last.rev || nowMs - k.toldAtMs >= deliveryMs;
    },
    confirmedA(evse, nowMs) {
      const c = of(evse).confirmed;
      return c && confirmedLives(c, nowMs) ? c.limitA : null;
    },
    isConfirmed(evse) {
      const k = of(evse);
      return k.last !== null && k.confirmed?.rev === k.last.rev;
    },
    isUnknown,
  };
}
