/** Watches what the gate cannot command: cars that ignore limits, circuits that stay overloaded, meters that lie. */
import { type Alerts, alertWhile } from "../model/alert-board.ts";
import { BOUNDS, boundKey, type CircuitTree, lineName, POWER } from "../rules/allocate-tree.ts";
import type { Envelopes } from "./envelopes.ts";
import type { Evses, LiveEvse } from "./evses.ts";
import type { Meters } from "./meters.ts";
import type { PowerLimits } from "./power-limits.ts";
import type { RoomBook } from "./rooms.ts";
import type { ControlTimes } from "./settings.ts";

export interface WatchOptions {
  tree: CircuitTree;
  evses: Evses;
  meters: Meters;
  envelopes: Envelopes;
  rooms: RoomBook;
  powers: PowerLimits;
  /** Weight of the priority class of its vehicle. */
  classWeight(e: LiveEvse): number;
  times: ControlTimes;
  alerts: Alerts;
  minOffMs: number;
  /** When the loop began: a meter may be silent as long as it takes to become stale before that is news. */
  startMs: number;
}

interface Obedience {
  mostA: number;
  /** When the envelope last fell; a car needs time to follow. */
  fellAtMs: number;
  /** When the first reading above the limit arrived. */
  overSinceMs: number | null;
  /** The limit has been ignored for long enough to say so. */
  ignoring: boolean;
  overdrawnA: number;
}

/** Above these the meter shows an overload and not dust. */
const OVER_A = 0.5;
const OVER_W = 300;

export function createWatch(options: WatchOptions) {
  const { tree, evses, meters, envelopes, rooms, powers, times, alerts } = options;
  const obedience: Obedience[] = evses.all.map(() => ({
    mostA: Number.POSITIVE_INFINITY,
    fellAtMs: Number.NEGATIVE_INFINITY,
    overSinceMs: null,
    ignoring: false,
    overdrawnA: 0,
  }));
  /** By `boundKey`. */
  const overSinceMs: (number | null)[] = tree.circuits.flatMap(() => [null, null, null, null]);
  const unevenSinceMs: (number | null)[] = tree.circuits.map(() => null);
  /** Circuit constraint (see `boundKey`) for which an EVSE is stopped, and until when. */
  const stopped = new Map<number, { key: number; untilMs: number }>();
  let lastStopMs = Number.NEGATIVE_INFINITY;

  const obey = (e: LiveEvse, nowMs: number): void => {
    const o = obedience[e.index] as Obedience;
    const mostA = envelopes.mostA(e.index, nowMs);
    if (mostA < o.mostA - 0.05) o.fellAtMs = nowMs;
    o.mostA = mostA;
    const reading = evses.fresh(e, nowMs);
    const readAtMs = e.reading?.atMs ?? nowMs;
    const drawnA = reading === null ? 0 : Math.max(...reading);
    const over = drawnA > mostA * 1.1 + 0.5;
    if (!over) o.overSinceMs = null;
    else o.overSinceMs ??= readAtMs;
    const forMs = o.overSinceMs === null ? 0 : readAtMs - Math.max(o.overSinceMs, o.fellAtMs);
    // Once known, a car that ignores limits stays known while it does: a lower limit gives it no new time to follow.
    o.ignoring = over && (o.ignoring || forMs >= times.ignoredAfterMs);
    alertWhile(alerts, o.ignoring, {
      kind: "limit_ignored",
      subject: e.id,
      severity: "warning",
      cause: () => `draws ${drawnA.toFixed(1)} A, allowed are ${mostA.toFixed(1)} A`,
    });
    const settled = o.ignoring || readAtMs - o.fellAtMs >= times.reactionMs;
    o.overdrawnA = settled ? Math.max(0, drawnA - mostA) : 0;
    alertWhile(alerts, e.lines.unexpected, {
      kind: "phase_mismatch",
      subject: e.id,
      severity: "warning",
      cause: () =>
        `current on a line that the config does not wire it to: ${reading?.join(", ")} A on L1, L2, L3`,
    });
  };

  const stopOne = (circuit: number, bound: number, nowMs: number): void => {
    const mask = bound === POWER ? 7 : 1 << bound;
    const end = tree.end[circuit] as number;
    const candidates = evses.all.filter((e) => {
      const c = rooms.circuitOf[e.index] as number;
      const limit = envelopes.last(e.index)?.limitA ?? 0;
      return c >= circuit && c < end && e.lines.mask & mask && limit > 0 && !stopped.has(e.index);
    });
    const overdrawn = (e: LiveEvse) => obedience[e.index]?.overdrawnA ?? 0;
    // Whoever obeys is not stopped for those who do not; of these the lowest class is.
    const order = (a: LiveEvse, b: LiveEvse) =>
      Number(overdrawn(b) > OVER_A) - Number(overdrawn(a) > OVER_A) ||
      options.classWeight(a) - options.classWeight(b) ||
      a.spec.weight - b.spec.weight ||
      overdrawn(b) - overdrawn(a) ||
      b.index - a.index;
    const victim = candidates.sort(order)[0];
    if (victim === undefined) return;
    stopped.set(victim.index, { key: boundKey(circuit, bound), untilMs: nowMs + options.minOffMs });
    lastStopMs = nowMs;
  };

  const overload = (c: number, nowMs: number): void => {
    const m = meters.all[c];
    const circuit = tree.circuits[c];
    if (!m || !circuit) return;
    const isFresh = meters.state(c, nowMs) === "fresh";
    // Until a meter had the time to become stale, one that was stale before the start is neither.
    if (isFresh || nowMs - options.startMs > times.meterFreezeMs)
      alertWhile(alerts, !isFresh, {
        kind: "meter_stale",
        subject: m.station,
        severity: "warning",
        cause: () => m.disbelieved ?? "no reading from the meter",
      });
    for (let bound = 0; bound < BOUNDS; bound++) {
      const k = boundKey(c, bound);
      const isPower = bound === POWER;
      const limit = isPower ? powers.of(c)?.limitW : tree.limitA[c * 3 + bound];
      if (limit === undefined && overSinceMs[k] === null) continue;
      const measured = isPower ? m.watts : (m.currentA?.[bound] ?? 0);
      const over = isFresh && limit !== undefined && measured > limit + (isPower ? OVER_W : OVER_A);
      overSinceMs[k] = over ? (overSinceMs[k] ?? nowMs) : null;
      const since = overSinceMs[k] ?? null;
      const lasting = since !== null && nowMs - since >= times.reactionMs;
      const name = isPower ? "power" : lineName(bound);
      alertWhile(alerts, lasting, {
        kind: "circuit_overload",
        subject: `${circuit.id}/${name}`,
        severity: "critical",
        cause: () =>
          isPower
            ? `${Math.round(measured)} W of ${limit} W`
            : `${measured.toFixed(1)} A of ${limit} A on ${name}`,
      });
      if (lasting && nowMs - lastStopMs >= times.reactionMs && everyoneToldUnder(c, nowMs))
        stopOne(c, bound, nowMs);
    }
  };

  /** Lines that stay uneven though all were told: what causes it is not charging, or does not obey. */
  const unbalance = (c: number, nowMs: number): void => {
    const m = meters.all[c];
    const most = tree.circuits[c]?.unbalanceA;
    if (!m || most === undefined) return;
    const lines = m.currentA ?? [0, 0, 0];
    const byA = Math.max(...lines) - Math.min(...lines);
    const uneven = meters.state(c, nowMs) === "fresh" && byA > most + OVER_A;
    unevenSinceMs[c] = uneven ? (unevenSinceMs[c] ?? nowMs) : null;
    const since = unevenSinceMs[c] ?? null;
    alertWhile(alerts, since !== null && nowMs - since >= times.reactionMs && everyoneToldUnder(c, nowMs), {
      kind: "phase_unbalance",
      subject: tree.circuits[c]?.id ?? "",
      severity: "warning",
      cause: () => `${lines.map((a) => a.toFixed(1)).join(", ")} A on L1, L2, L3: ${most} A apart is allowed`,
    });
  };

  const everyoneToldUnder = (circuit: number, nowMs: number): boolean =>
    evses.all.every((e) => {
      const c = rooms.circuitOf[e.index] as number;
      const concerned = c >= circuit && c < (tree.end[circuit] as number);
      return !concerned || envelopes.wasTold(e.index, nowMs);
    });

  return {
    /** Once a tick, after new messages were heard. */
    look(nowMs: number): void {
      for (const e of evses.all) obey(e, nowMs);
      for (let c = 0; c < tree.circuits.length; c++) {
        overload(c, nowMs);
        unbalance(c, nowMs);
      }
      for (const [evse, stop] of stopped) if (nowMs >= stop.untilMs) stopped.delete(evse);
    },
    /** A drawn above the limit although the car had time to follow. */
    overdrawnA: (evse: number): number => obedience[evse]?.overdrawnA ?? 0,
    /** The constraint for which the EVSE is stopped, or null. */
    stoppedFor: (evse: number): number | null => stopped.get(evse)?.key ?? null,
  };
}

export type Watch = ReturnType<typeof createWatch>;
