/**
 * The control loop: every tick it reads the newest values, lets the allocation share the room, and sends what the gate
 * lets through. Never waits for log or disk, never replays.
 *
 * The allocation may run in a pool. When its answer is late, wrong or outdated by newer readings, the same function
 * runs here on the newest snapshot and the late answer is dropped.
 */
import type { Alerts } from "../model/alert-board.ts";
import type { Circuit, EvseSpec, PerLine } from "../model/circuit.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import type { Limit } from "../model/messages.ts";
import type { Targets } from "../model/targets.ts";
import { type Allocation, type AllocationInput, allocate as allocateHere } from "../rules/allocate.ts";
import { createCycle } from "./cycle.ts";
import type { Intent, IntentAnswer } from "./intents.ts";
import type { PowerReason } from "./power-limits.ts";
import { CONTROL_DEFAULTS, type ControlSettings, controlTimes } from "./settings.ts";
import type { Message } from "./snapshot.ts";
import type { ControlState } from "./state.ts";

export interface ControlOptions {
  clock: DepotClock;
  circuits: readonly Circuit[];
  evses: readonly EvseSpec[];
  settings?: Partial<ControlSettings>;
  /** Runs `allocate` of the rules elsewhere; absent: always here. */
  allocate?(input: AllocationInput): Promise<Allocation>;
  send(station: string, evse: number, limit: Limit): void;
  alerts: Alerts;
  /** `setpoint.sent`, when a limit changes. */
  record(event: NewEvent): void;
  isConnected(station: string): boolean;
  /** A tick or the pool failed; the next tick comes all the same, and leases run out if none succeeds. */
  failed(error: unknown): void;
  /** Wire ms between ticks; default: 1 s of depot time, at least 50 ms. */
  tickWireMs?: number;
  /** Every revision is larger; default: depot time at creation, ms. */
  firstRev?: number;
}

export interface Control {
  start(): void;
  stop(): void;
  /** Keeps the newest payload; does not parse. */
  note(message: Message): void;
  /** The station subscribed: what it holds is sent anew. */
  subscribed(station: string): void;
  /** A wish from a flow; the answer says what holds and why. */
  intent(intent: Intent): IntentAnswer;
  /** A circuit's new limit per line, A, from the next tick on. Throws a RangeError on a bad value. */
  setCircuitLimit(circuit: string, limitA: PerLine): void;
  /**
   * A circuit's limit in W from the next tick on, charging and other load together as its meter sees them, so own
   * production comes on top; but 0 stops all charging below. Null takes it back. The lowest of the reasons and of the config holds. Throws a RangeError
   * on a bad value or an unknown circuit.
   */
  setCircuitPower(circuit: string, limitW: number | null, why: PowerReason): void;
  /**
   * What the plan wants, from the next tick on until `untilMs` of depot time; null: nothing. EVSEs that it does not name
   * share as if there were no plan. A weight counts times the EVSE's own. A car that has just started, or does not
   * restart by itself, keeps its minimum under any cap. Limits hold whatever a plan says.
   */
  setTargets(targets: Targets | null): void;
  /** The limit the station confirmed and may still hold, A; null when none. */
  confirmedLimitA(station: string, evse: number): number | null;
  state(): ControlState;
  /** One tick now; `start` calls it at its period. Ticks do not overlap: one that is under way is awaited. */
  tick(): Promise<void>;
}

const LEAST_TICK_WIRE_MS = 50;
/** Readings parsed without a pause: about a millisecond's worth. */
const HEAR_AT_ONCE = 64;

export function createControl(options: ControlOptions): Control {
  const { clock } = options;
  const settings: ControlSettings = { ...CONTROL_DEFAULTS, ...options.settings };
  const tickWireMs = options.tickWireMs ?? Math.max(LEAST_TICK_WIRE_MS, clock.realDelayMs(1000));
  const tickMs = (tickWireMs / Math.max(clock.realDelayMs(1000), Number.MIN_VALUE)) * 1000;
  const times = controlTimes(settings, tickMs, tickWireMs);
  const cycle = createCycle({
    ...options,
    settings,
    times,
    firstRev: options.firstRev ?? Math.floor(clock.nowMs()),
  });

  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  /** The pool still owes an answer: it is not asked again before that. */
  let owed = false;
  let stopped = false;
  const counts = { ticks: 0, pooled: 0, inline: 0, late: 0, cycle_ms: 0 };

  /** The pool's answer, or null when it is late, failed or busy. */
  const ask = (input: AllocationInput): Promise<Allocation | null> => {
    const pool = options.allocate;
    if (pool === undefined || owed) return Promise.resolve(null);
    owed = true;
    return new Promise((resolve) => {
      let over = false;
      const deadline = setTimeout(() => {
        over = true;
        counts.late++;
        resolve(null);
      }, tickWireMs / 2);
      const done = (answer: Allocation | null) => {
        owed = false;
        clearTimeout(deadline);
        if (!over) resolve(answer);
      };
      pool(input).then(done, (error: unknown) => {
        // Who is late is not waited for: how that ends (the pool ends a task that hangs) is no news.
        if (!over && !stopped) options.failed(error);
        done(null);
      });
    });
  };

  /** Parses a backlog of readings in slices, so that a tick of a large depot does not keep the sockets waiting. */
  const hearInSlices = async (): Promise<void> => {
    // What comes in between is heard by the look.
    for (let left = cycle.waiting; left > HEAR_AT_ONCE; left -= HEAR_AT_ONCE) {
      cycle.hearSome(HEAR_AT_ONCE);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const tickOnce = async (): Promise<void> => {
    counts.ticks++;
    const startedMs = performance.now();
    await hearInSlices();
    const before = cycle.look();
    let answer = await ask(before.input);
    if (stopped) return;
    // While the pool worked, messages came in: the gate decides on what holds now.
    const now = answer === null && options.allocate === undefined ? before : cycle.look();
    if (answer !== null && (!fits(answer, now.input) || outdated(before.input, now.input))) answer = null;
    if (answer === null) {
      counts.inline++;
      answer = allocateHere(now.input);
    } else counts.pooled++;
    cycle.carryOut(now, answer);
    counts.cycle_ms = Math.round((performance.now() - startedMs) * 10) / 10;
  };

  const tick = (): Promise<void> => {
    running ??= tickOnce()
      .catch((error: unknown) => options.failed(error))
      .finally(() => {
        running = null;
      });
    return running;
  };

  return {
    start() {
      if (timer !== undefined) return;
      stopped = false;
      timer = setInterval(() => void tick(), tickWireMs);
    },
    stop() {
      stopped = true;
      clearInterval(timer);
      timer = undefined;
    },
    note: (message) => cycle.note(message),
    subscribed: (station) => cycle.resend(station),
    intent: (intent) => cycle.intent(intent),
    setCircuitLimit: (circuit, limitA) => cycle.setLimit(circuit, limitA),
    setCircuitPower: (circuit, limitW, why) => cycle.setPower(circuit, limitW, why),
    setTargets: (targets) => cycle.setTargets(targets),
    confirmedLimitA: (station, evse) => cycle.confirmedLimitA(station, evse),
    state: () => ({ ...cycle.state(), ticks: { ...counts, period_ms: tickWireMs } }),
    tick,
  };
}

/** An answer of the right shape; anything else comes from a broken thread. */
function fits(answer: Allocation, input: AllocationInput): boolean {
  const n = input.circuit.length;
  return (
    answer.limitA instanceof Float64Array &&
    answer.limitA.length === n &&
    answer.reason.length === n &&
    answer.boundBy.length === n
  );
}

/** Whether what was asked allowed more than what holds now. */
function outdated(asked: AllocationInput, now: AllocationInput): boolean {
  for (let k = 0; k < now.roomA.length; k++)
    if ((now.roomA[k] as number) < (asked.roomA[k] as number) - 0.05) return true;
  for (let i = 0; i < now.capA.length; i++)
    if ((now.capA[i] as number) < (asked.capA[i] as number) || now.lines[i] !== asked.lines[i]) return true;
  return false;
}
