/** One turn of the control loop without its timing: look at what is new, put the question, carry out the answer. */
import type { Alerts } from "../model/alert-board.ts";
import type { Circuit, EvseSpec, PerLine } from "../model/circuit.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import { evseId } from "../model/ids.ts";
import type { Limit } from "../model/messages.ts";
import type { Target, TargetSource, Targets } from "../model/targets.ts";
import { type Allocation, RANK, reasonOf } from "../rules/allocate.ts";
import {
  boundCircuit,
  boundName,
  buildTree,
  lineName,
  TreeError,
  treeFaults,
} from "../rules/allocate-tree.ts";
import { linesIn } from "../rules/currents.ts";
import { createEnvelopes } from "./envelopes.ts";
import { createEvses, type LiveEvse } from "./evses.ts";
import { createFallbackWatch } from "./fallback-watch.ts";
import { createGate, type Proposal } from "./gate.ts";
import { createHeldTargets } from "./held-targets.ts";
import { createIntents, type Intent, type IntentAnswer } from "./intents.ts";
import type { Look } from "./look.ts";
import { createMeters } from "./meters.ts";
import type { EvseClaim } from "./other-loads.ts";
import { createPhaseModes } from "./phase-modes.ts";
import { createPowerLimits, type PowerReason } from "./power-limits.ts";
import { createQuestion } from "./question.ts";
import { createReport } from "./report.ts";
import { createRooms } from "./rooms.ts";
import type { ControlSettings, ControlTimes } from "./settings.ts";
import { createSnapshot, type Heard, type Message } from "./snapshot.ts";
import { createStarts } from "./starts.ts";
import { createWatch } from "./watch.ts";

export interface CycleOptions {
  clock: DepotClock;
  circuits: readonly Circuit[];
  evses: readonly EvseSpec[];
  settings: ControlSettings;
  times: ControlTimes;
  alerts: Alerts;
  firstRev: number;
  send(station: string, evse: number, limit: Limit): void;
  record(event: NewEvent): void;
  isConnected(station: string): boolean;
}

/** Throws a `TreeError` when circuits or EVSEs do not fit together. */
export function createCycle(options: CycleOptions) {
  const { clock, settings, times, alerts } = options;
  const faults = treeFaults(options.circuits, options.evses);
  if (faults.length > 0) throw new TreeError(faults);
  const specs = options.evses;
  const tree = buildTree(options.circuits);
  const evses = createEvses(specs, settings.nominalV, times);
  const meters = createMeters(tree, settings.nominalV, times);
  const envelopes = createEnvelopes(specs, times, clock.monoMs());
  const powers = createPowerLimits(tree);
  const targets = createHeldTargets();
  const modes = createPhaseModes(evses, envelopes, times);
  const starts = createStarts(evses, times, clock.monoMs());
  const rooms = createRooms(tree, specs, evses, meters, powers, settings, times);
  const watch = createWatch({
    tree,
    evses,
    meters,
    envelopes,
    rooms,
    powers,
    classWeight: (e) => targets.of(e.id, clock.monoMs())?.classWeight ?? 1,
    times,
    alerts,
    minOffMs: times.demand.minOffMs,
    startMs: clock.monoMs(),
  });
  const intents = createIntents(specs, tree.circuits);
  const fallbacks = createFallbackWatch({
    tree,
    specs,
    alerts,
    nominalV: settings.nominalV,
    limitW: (c) => powers.of(c)?.limitW ?? null,
  });
  const startMs = clock.monoMs();
  const question = createQuestion({
    tree,
    specs,
    evses,
    envelopes,
    rooms,
    powers,
    intents,
    targets,
    modes,
    watch,
    times,
    startMs,
  });
  const gate = createGate({
    tree,
    circuitOf: rooms.circuitOf,
    envelopes,
    settings,
    times,
    firstRev: options.firstRev,
    send: options.send,
    changed: (spec, limit) => {
      const of = targets.of(evseId(spec.station, spec.evse), clock.monoMs());
      const plan = targets.source(clock.monoMs());
      options.record(setpointSent(spec, limit, of, plan, clock.nowMs()));
    },
  });
  const snapshot = createSnapshot({
    sources: [
      ...specs.map(({ station, evse }) => ({ station, evse })),
      ...tree.circuits.flatMap((c) => (c.meter === null ? [] : [{ station: c.meter, evse: 0 }])),
    ],
    monoMs: () => clock.monoMs(),
    nowMs: () => clock.nowMs(),
    lateAfterMs: times.meterSafeMs,
  });
  const report = createReport({ tree, evses, meters, envelopes, gate, rooms, powers, targets, modes });
  const boots = new Map<string, string>();
  let latest: { look: Look; proposals: Proposal[] } | null = null;

  const hear = (heard: Heard): void => {
    meters.hear(heard);
    evses.hear(heard);
    if (heard.kind === "hello" && heard.body.boot !== undefined) {
      const before = boots.get(heard.station);
      boots.set(heard.station, heard.body.boot);
      if (before === undefined || before === heard.body.boot) return;
      for (const e of evses.ofStation(heard.station)) {
        envelopes.rebooted(e.index);
        evses.rebooted(e);
        modes.rebooted(e);
      }
    } else if (heard.kind === "limit") {
      const e = evses.get(evseId(heard.station, heard.evse));
      if (e === undefined) return;
      const { rev, limit_a, phases } = heard.body;
      const last = envelopes.last(e.index);
      if (!envelopes.confirmed(e.index, rev, limit_a, heard.atMs) || last?.rev !== rev) return;
      evses.confirmed(e, last.limitA, limit_a, heard.atMs);
      if (gate.sent(e.index)?.phases === 1) modes.confirmed(e, phases);
    }
  };

  const claimOf = (e: LiveEvse, nowMs: number): EvseClaim => {
    const reachable = options.isConnected(e.spec.station);
    if (!reachable) e.lostAtMs = nowMs;
    // What is out of reach may have restarted: then it is at its fallback, whatever it was told.
    const leastA = reachable ? 0 : e.spec.fallbackA;
    return {
      mostA: Math.max(envelopes.mostA(e.index, nowMs), leastA),
      mayDrawA: Math.max(envelopes.mayDrawA(e.index, nowMs), leastA),
      followedSinceMs: envelopes.followedSinceMs(e.index, nowMs),
      reachable,
      overdrawnA: watch.overdrawnA(e.index),
    };
  };

  const proposalOf = (e: LiveEvse, look: Look, answer: Allocation): Proposal => {
    const i = e.index;
    const key = watch.stoppedFor(i) ?? (answer.boundBy[i] as number);
    const reason = reasonOf(answer.reason[i] as number);
    const reading = evses.fresh(e, look.nowMs);
    const reachable = options.isConnected(e.spec.station);
    return {
      index: i,
      spec: e.spec,
      targetA: Math.min(answer.limitA[i] as number, look.input.capA[i] as number),
      reason: key >= 0 && look.rooms.stale[boundCircuit(key)] ? "meter_stale" : reason,
      boundBy: boundName(tree, key),
      mask: rooms.maskOf(e, reachable),
      reachable,
      drawnA: reading && Math.max(...reading),
      voltageV: e.voltageV,
      efficiency: evses.efficiency(e, look.nowMs),
      phases: modes.told(e),
      waits: starts.waits(i, look.nowMs),
    };
  };

  const power = () => {
    const sum = { demandW: 0, offeredW: 0, curtailedW: 0 };
    for (const e of evses.all) {
      const wattsOf = (amps: number) => Math.round(amps * linesIn(e.lines.mask) * settings.nominalV);
      const demandW = wattsOf(latest?.look.input.capA[e.index] ?? 0);
      const offeredW = wattsOf(gate.sent(e.index)?.limitA ?? 0);
      sum.demandW += demandW;
      sum.offeredW += offeredW;
      sum.curtailedW += Math.max(0, demandW - offeredW);
    }
    return sum;
  };

  return {
    note: (message: Message): void => snapshot.note(message),
    resend: (station: string): void => gate.resend(station),
    intent: (intent: Intent): IntentAnswer => intents.propose(intent, clock.nowMs(), clock.monoMs()),

    /** Takes effect with the next tick, as a drop or rise of room does. Throws a RangeError on a bad value. */
    setLimit(circuit: string, limitA: PerLine): void {
      const c = tree.indexOf.get(circuit);
      if (c === undefined) throw new RangeError(`no circuit "${circuit}"`);
      limitA.forEach((a, p) => {
        if (!(Number.isFinite(a) && a >= 0))
          throw new RangeError(`${circuit} ${lineName(p)}: ${a} is no limit; give amperes of 0 or more`);
      });
      tree.limitA.set(limitA, c * 3);
      fallbacks.prove();
    },

    setPower(circuit: string, limitW: number | null, why: PowerReason): void {
      powers.set(circuit, limitW, why);
      fallbacks.prove();
    },

    setTargets: (wanted: Targets | null): void => targets.set(wanted, clock.nowMs(), clock.monoMs()),

    /** Payloads that wait to be heard. */
    get waiting(): number {
      return snapshot.waiting;
    },

    /** Hears the oldest `most` of what waits. */
    hearSome(most: number): void {
      for (const heard of snapshot.drain(most)) hear(heard);
    },

    /** Hears what is new and puts the question of this instant. */
    look(): Look {
      for (const heard of snapshot.drain()) hear(heard);
      // What a limit of an earlier run made true may be open still.
      if (latest === null) fallbacks.prove();
      const nowMs = clock.monoMs();
      watch.look(nowMs);
      const claims = evses.all.map((e) => claimOf(e, nowMs));
      starts.look(claims.filter((c) => c.reachable).length, nowMs);
      const now = rooms.at(claims, nowMs);
      return { nowMs, rooms: now, ...question(now, claims, nowMs) };
    },

    /** Passes an answer to `look`'s question through the gate. */
    carryOut(look: Look, answer: Allocation): void {
      const proposals = evses.all.map((e) => proposalOf(e, look, answer));
      const { rank, classWeight, order } = look.input;
      const rankOf = (p: Proposal) => rank[p.index] ?? RANK.standby;
      const turnOf = (p: Proposal) => order?.[p.index] ?? 0;
      const classOf = (p: Proposal) => classWeight?.[p.index] ?? 1;
      const ordered = proposals.toSorted(
        (a, b) =>
          rankOf(a) - rankOf(b) || classOf(b) - classOf(a) || turnOf(a) - turnOf(b) || a.index - b.index,
      );
      latest = { look, proposals };
      gate.apply(ordered, look.rooms, look.nowMs, clock.nowMs());
    },

    confirmedLimitA(station: string, evse: number): number | null {
      const e = evses.get(evseId(station, evse));
      return e === undefined ? null : envelopes.confirmedA(e.index, clock.monoMs());
    },

    state: () => ({
      ...report(latest?.proposals ?? [], latest?.look ?? null, clock.monoMs(), clock.nowMs()),
      power: power(),
    }),
  };
}

function setpointSent(
  spec: EvseSpec,
  limit: Limit,
  target: Target | null,
  plan: TargetSource | null,
  atMs: number,
): NewEvent {
  return {
    type: "setpoint.sent",
    atMs,
    station: spec.station,
    key: null,
    body: {
      evse: spec.evse,
      rev: limit.rev,
      limit_a: limit.limit_a,
      phases: limit.phases,
      valid_for_s: limit.valid_for_s,
      fallback_a: limit.fallback_a,
      reason: limit.reason,
      ...(limit.bound_by === undefined ? {} : { bound_by: limit.bound_by }),
      ...(target === null || target.class === null ? {} : { class: target.class }),
      ...(target === null || plan === null ? {} : { target_a: target.targetA, plan }),
    },
  };
}
