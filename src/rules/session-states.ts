/**
 * The states of a session over time. Reports are kept as changes in the order of their stamps, so a late one takes its
 * place; silence is kept apart as gaps, because a message that arrives later may fill one. `intervalsOf` joins the two.
 */
import type { ChargingState } from "../model/messages.ts";
import type { SessionState, StateInterval } from "../model/session.ts";

export type ReportedState = Exclude<SessionState, "gap">;

export interface StateChange {
  state: ReportedState;
  ms: number;
  /** The last time the same state was reported again. */
  confirmedMs: number;
}

export interface Gap {
  fromMs: number;
  toMs: number;
  /** The link was lost in it, so a shorter silence counts. */
  lost: boolean;
}

const QUARTER_MS = 900_000;
const MAX_CHANGES = 1000;
const MAX_GAPS = 1000;

/**
 * What a station's charging state counts as. `ev_connected` within a transaction is neither charging nor the driver's
 * choice to stay (OCPP 2.0.1 ChargingStateEnumType), so it counts as held back by us.
 */
export function stateOf(charging: ChargingState): ReportedState {
  switch (charging) {
    case "charging":
    case "suspended_ev":
    case "suspended_evse":
      return charging;
    case "ev_connected":
    case "idle":
      return "suspended_evse";
  }
}

/** A silence that counts as unobserved: three sample intervals, or one and a half when the link was lost in it. */
export function isGap(silenceMs: number, intervalMs: number, lost: boolean): boolean {
  return silenceMs > intervalMs * (lost ? 1.5 : 3);
}

/** Takes a reported state at its stamp; with equal stamps the later report wins. */
export function enterState(changes: StateChange[], state: ReportedState, ms: number): void {
  let i = changes.length - 1;
  while (i >= 0 && (changes[i]?.ms ?? 0) > ms) i--;
  const at = changes[i];
  if (!at) return;
  if (at.state === state) {
    if (ms > at.confirmedMs) at.confirmedMs = ms;
    return;
  }
  if (at.confirmedMs > ms) {
    // Out of order: the earlier state was reported again after this one, so it returns at that time.
    changes.splice(i + 1, 0, { state: at.state, ms: at.confirmedMs, confirmedMs: at.confirmedMs });
    at.confirmedMs = at.ms;
  }
  if (at.ms === ms) {
    at.state = state;
    at.confirmedMs = ms;
  } else {
    changes.splice(++i, 0, { state, ms, confirmedMs: ms });
  }
  joinEqual(changes, i);
  if (changes.length > MAX_CHANGES) compact(changes);
}

/** The state in force at `ms`. */
export function stateAt(changes: readonly StateChange[], ms: number): ReportedState {
  for (let i = changes.length - 1; i >= 0; i--) {
    const change = changes[i];
    if (change && change.ms <= ms) return change.state;
  }
  return changes[0]?.state ?? "charging";
}

/** Ends the reports at `ms`: what was reported for later no longer counts, `finishing` follows. */
export function finishStates(changes: StateChange[], ms: number): void {
  while (changes.length > 1 && (changes.at(-1)?.ms ?? 0) > ms) changes.pop();
  const last = changes.at(-1);
  if (last && last.confirmedMs > ms) last.confirmedMs = ms;
  changes.push({ state: "finishing", ms, confirmedMs: ms });
}

/** Keeps a silence that counts. Past a thousand, further ones join the last: bounded, and none goes unmarked. */
export function addGap(gaps: Gap[], gap: Gap): void {
  const last = gaps.at(-1);
  if (gaps.length < MAX_GAPS || !last) gaps.push(gap);
  else last.toMs = gap.toMs;
}

/** A message from within a gap arrived after all: what remains unobserved on either side stays a gap if it counts. */
export function fillGap(gaps: Gap[], ms: number, intervalMs: number): void {
  const i = gaps.findIndex((gap) => gap.fromMs < ms && ms < gap.toMs);
  const gap = gaps[i];
  if (!gap) return;
  const pieces = [
    { ...gap, toMs: ms },
    { ...gap, fromMs: ms },
  ];
  gaps.splice(i, 1, ...pieces.filter((p) => isGap(p.toMs - p.fromMs, intervalMs, p.lost)));
}

/**
 * The intervals from start to end without holes. A gap whose two sides agree carries the state `under` it; one whose
 * sides differ carries none, because nothing proves when the change came.
 */
export function intervalsOf(
  changes: readonly StateChange[],
  gaps: readonly Gap[],
  startMs: number,
  endMs: number,
): StateInterval[] {
  const intervals: StateInterval[] = [];
  let g = 0;
  for (let i = 0; i < changes.length; i++) {
    const change = changes[i];
    if (!change) break;
    const fromMs = i === 0 ? startMs : Math.max(startMs, change.ms);
    const toMs = Math.min(endMs, changes[i + 1]?.ms ?? endMs);
    let atMs = fromMs;
    while (atMs < toMs) {
      while (g < gaps.length && (gaps[g]?.toMs ?? 0) <= atMs) g++;
      const gap = change.state === "finishing" ? undefined : gaps[g];
      if (!gap || gap.fromMs >= toMs) {
        intervals.push({ state: change.state, from_ms: atMs, to_ms: toMs });
        break;
      }
      if (gap.fromMs > atMs) intervals.push({ state: change.state, from_ms: atMs, to_ms: gap.fromMs });
      const gapFromMs = Math.max(atMs, gap.fromMs);
      atMs = Math.min(toMs, gap.toMs);
      const after = stateAt(changes, gap.toMs);
      const agreed = after === change.state || after === "finishing";
      intervals.push({
        state: "gap",
        from_ms: gapFromMs,
        to_ms: atMs,
        ...(agreed ? { under: change.state } : {}),
      });
    }
  }
  return intervals;
}

/** Whole seconds in each state, each rounded half up. */
export function durationsOf(intervals: readonly StateInterval[]): Record<SessionState, number> {
  const ms = { charging: 0, suspended_ev: 0, suspended_evse: 0, faulted: 0, gap: 0, finishing: 0 };
  for (const interval of intervals) ms[interval.state] += interval.to_ms - interval.from_ms;
  for (const state of Object.keys(ms) as SessionState[]) ms[state] = Math.round(ms[state] / 1000);
  return ms;
}

/** How often charging was cut by a fault or by silence. */
export function interruptionsOf(intervals: readonly StateInterval[]): number {
  let count = 0;
  intervals.forEach((interval, i) => {
    if (interval.state !== "faulted" && interval.state !== "gap") return;
    const before = i === 0 ? interval.under : intervals[i - 1]?.state;
    if (before === "charging") count++;
  });
  return count;
}

function joinEqual(changes: StateChange[], around: number): void {
  for (let i = around + 1; i >= around; i--) {
    const [before, after] = [changes[i - 1], changes[i]];
    if (!before || !after || before.state !== after.state) continue;
    before.confirmedMs = Math.max(before.confirmedMs, after.confirmedMs, after.ms);
    changes.splice(i, 1);
  }
}

/**
 * Bounds a session whose car pauses every minute for days: all but the newest changes become one stretch a state within
 * each quarter hour, with the same time in each state, which is as fine as any tariff looks.
 */
function compact(changes: StateChange[]): void {
  const keep = changes.splice(changes.length - Math.floor(MAX_CHANGES / 10));
  const endMs = keep[0]?.ms ?? 0;
  const old = changes.splice(0);
  let quarter = new Map<ReportedState, number>();
  let fromMs = old[0]?.ms ?? 0;
  const flush = (): void => {
    let ms = fromMs;
    for (const [state, duration] of quarter) {
      if (changes.at(-1)?.state !== state) changes.push({ state, ms, confirmedMs: ms });
      ms += duration;
    }
    quarter = new Map();
    fromMs = ms;
  };
  old.forEach((change, i) => {
    const toMs = old[i + 1]?.ms ?? endMs;
    for (let ms = change.ms; ms < toMs; ) {
      const edgeMs = Math.min(toMs, (Math.floor(ms / QUARTER_MS) + 1) * QUARTER_MS);
      quarter.set(change.state, (quarter.get(change.state) ?? 0) + edgeMs - ms);
      if (edgeMs % QUARTER_MS === 0) flush();
      ms = edgeMs;
    }
  });
  flush();
  if (changes.at(-1)?.state === keep[0]?.state) keep.shift();
  changes.push(...keep);
}
