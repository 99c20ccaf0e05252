/** One turn of the control loop without its timing: look at what is new, put the question, carry out the answer. */
import type { Alerts } from "../model/alert-board.ts";
import type { Circuit, EvseSpec, PerLine } from "../model/circuit.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import { evseId } from "../model/ids.ts";
import type { Limit, LimitReason } from "../model/messages.ts";
import { type Allocation, type AllocationInput, RANK, reasonCode, reasonOf } from "../rules/allocate.ts";
import {
  boundCircuit,
  boundName,
  buildTree,
  lineName,
  TreeError,
  treeFaults,
} from "../rules/allocate-tree.ts";
import { type DemandMemory, demand, noDemand } from "../rules/demand.ts";
import { createEnvelopes } from "./envelopes.ts";
import { createEvses, type LiveEvse } from "./evses.ts";
import { createGate, type Proposal } from "./gate.ts";
import { createIntents, type Intent, type IntentAnswer } from "./intents.ts";
import { createMeters } from "./meters.ts";
import { createReport } from "./report.ts";
import { createRooms, type EvseClaim, type Rooms } from "./rooms.ts";
import type { ControlSettings, ControlTimes } from "./settings.ts";
import { createSnapshot, type Heard, type Message } from "./snapshot.ts";
import { createWatch } from "./watch.ts";

const linesIn = (mask: number) => (mask & 1) + ((mask >> 1) & 1) + ((mask >> 2) & 1);

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

/** The depot as one look saw it, and the question it puts. */
export interface Look {
  nowMs: number;
  rooms: Rooms;
  input: AllocationInput;
}

/** Throws a `TreeError` when circuits or EVSEs do not fit together. */
export function createCycle(options: CycleOptions) {
  const { clock, settings, times, alerts } = options;
  const faults = treeFaults(options.circuits, options.evses);
  if (faults.length > 0) throw new TreeError(faults);
  const specs = options.evses;
  const tree = buildTree(options.circuits);
  const evses = createEvses(specs, settings.nominalV, times);
  const meters = createMeters(tree, times);
  const envelopes = createEnvelopes(specs, times, clock.monoMs());
  const rooms = createRooms(tree, specs, evses, meters, settings, times);
  const watch = createWatch({
    tree,
    evses,
    meters,
    envelopes,
    rooms,
    times,
    alerts,
    minOffMs: times.demand.minOffMs,
    startMs: clock.monoMs(),
  });
  const intents = createIntents(specs, tree.circuits);
  const gate = createGate({
    tree,
    circuitOf: rooms.circuitOf,
    envelopes,
    settings,
    times,
    firstRev: options.firstRev,
    send: options.send,
    changed: (spec, limit) => options.record(setpointSent(spec, limit, clock.nowMs())),
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
  const report = createReport({ tree, evses, meters, envelopes, gate, rooms });
  const boots = new Map<string, string>();
  let appetites: DemandMemory[] = specs.map(() => noDemand(clock.monoMs()));
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
      }
    } else if (heard.kind === "limit") {
      const e = evses.get(evseId(heard.station, heard.evse));
      if (e === undefined) return;
      const { rev, limit_a } = heard.body;
      const last = envelopes.last(e.index);
      if (envelopes.confirmed(e.index, rev, limit_a, heard.atMs) && last?.rev === rev)
        evses.confirmed(e, last.limitA, limit_a, heard.atMs);
    }
  };

  const claimOf = (e: LiveEvse, nowMs: number): EvseClaim => {
    const reachable = options.isConnected(e.spec.station);
    if (!reachable) e.lostAtMs = nowMs;
    return {
      mostA: envelopes.mostA(e.index, nowMs),
      reachable,
      overdrawnA: watch.overdrawnA(e.index),
    };
  };

  const question = (look: Rooms, claims: readonly EvseClaim[], nowMs: number): AllocationInput => {
    const n = specs.length;
    const input: AllocationInput = {
      parent: tree.parent,
      roomA: look.shareA,
      circuit: rooms.circuitOf,
      lines: new Uint8Array(n),
      minA: new Float64Array(n),
      capA: new Float64Array(n),
      capReason: new Uint8Array(n),
      weight: new Float64Array(n),
      rank: new Uint8Array(n),
      stepA: new Float64Array(n),
    };
    tree.circuits.forEach((circuit, c) => {
      const wished = intents.limitA(circuit.id, nowMs);
      for (let k = c * 3; wished !== null && k < c * 3 + 3; k++)
        look.shareA[k] = Math.min(look.shareA[k] as number, wished);
    });
    const next: DemandMemory[] = [];
    for (const e of evses.all) {
      const i = e.index;
      const { spec } = e;
      const reading = evses.fresh(e, nowMs);
      const { memory, wish } = demand(
        appetites[i] as DemandMemory,
        {
          minA: spec.minA,
          maxA: evses.maxA(e, nowMs),
          plugged: evses.plugged(e),
          faulted: evses.faulted(e),
          charging: e.charging === null ? null : e.charging === "charging",
          carHolds: e.charging === "suspended_ev",
          drawnA: reading && Math.max(...reading),
          offeredA: envelopes.last(i)?.limitA ?? 0,
          intentA: intents.limitA(e.id, nowMs),
        },
        times.demand,
        nowMs,
      );
      next.push(memory);
      const reachable = claims[i]?.reachable ?? false;
      const stopped = watch.stoppedFor(i) !== null;
      const reason: LimitReason = !reachable ? "station_offline" : stopped ? "circuit_limit" : wish.capReason;
      input.lines[i] = e.lines.mask;
      input.minA[i] = spec.minA;
      input.capA[i] = reachable && !stopped ? wish.capA : 0;
      input.capReason[i] = reasonCode(reason);
      input.weight[i] = spec.weight;
      input.rank[i] = wish.rank;
      input.stepA[i] = spec.stepA ?? 0.1;
    }
    appetites = next;
    return input;
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
    },

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
      const nowMs = clock.monoMs();
      watch.look(nowMs);
      const claims = evses.all.map((e) => claimOf(e, nowMs));
      const now = rooms.at(claims, nowMs);
      return { nowMs, rooms: now, input: question(now, claims, nowMs) };
    },

    /** Passes an answer to `look`'s question through the gate. */
    carryOut(look: Look, answer: Allocation): void {
      const proposals = evses.all.map((e) => proposalOf(e, look, answer));
      const rankOf = (p: Proposal) => look.input.rank[p.index] ?? RANK.standby;
      const ordered = proposals.toSorted((a, b) => rankOf(a) - rankOf(b) || a.index - b.index);
      latest = { look, proposals };
      gate.apply(ordered, look.rooms, look.nowMs, clock.nowMs());
    },

    confirmedLimitA(station: string, evse: number): number | null {
      const e = evses.get(evseId(station, evse));
      return e === undefined ? null : envelopes.confirmedA(e.index, clock.monoMs());
    },

    state: () => ({
      ...report(latest?.proposals ?? [], latest?.look.rooms ?? null, clock.monoMs(), clock.nowMs()),
      power: power(),
    }),
  };
}

function setpointSent(spec: EvseSpec, limit: Limit, atMs: number): NewEvent {
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
    },
  };
}
