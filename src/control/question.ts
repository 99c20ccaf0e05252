/** Puts the allocation's question: what every EVSE may ask for now, by its car, its station, flows and the plan. */
import type { EvseSpec } from "../model/circuit.ts";
import type { LimitReason } from "../model/messages.ts";
import { type AllocationInput, reasonCode } from "../rules/allocate.ts";
import type { CircuitTree } from "../rules/allocate-tree.ts";
import { type DemandMemory, demand, noDemand, type Wish } from "../rules/demand.ts";
import { followPlan } from "../rules/follow-plan.ts";
import { noTurn, type TurnFacts, type TurnMemory, takeTurns } from "../rules/rotation.ts";
import type { Envelopes } from "./envelopes.ts";
import type { Evses } from "./evses.ts";
import type { HeldTargets } from "./held-targets.ts";
import type { Intents } from "./intents.ts";
import type { EvseClaim } from "./other-loads.ts";
import type { PhaseModes } from "./phase-modes.ts";
import type { PowerLimits } from "./power-limits.ts";
import type { RoomBook, Rooms } from "./rooms.ts";
import type { ControlTimes } from "./settings.ts";
import type { Watch } from "./watch.ts";

export interface QuestionParts {
  tree: CircuitTree;
  specs: readonly EvseSpec[];
  evses: Evses;
  envelopes: Envelopes;
  rooms: RoomBook;
  powers: PowerLimits;
  intents: Intents;
  targets: HeldTargets;
  modes: PhaseModes;
  watch: Watch;
  times: ControlTimes;
  startMs: number;
}

export interface Question {
  input: AllocationInput;
  /** Per EVSE: A per line it could use by its car, its station and flows, if there were room and whatever the plan says. */
  mayA: Float64Array;
}

export function createQuestion(parts: QuestionParts) {
  const { tree, specs, evses, envelopes, rooms, powers, intents, targets, modes, watch, times } = parts;
  let turns: TurnMemory[] = specs.map(() => noTurn);
  let appetites: DemandMemory[] = specs.map(() => noDemand(parts.startMs));
  const unbalanceA = Float64Array.from(tree.circuits, (c) => c.unbalanceA ?? Number.POSITIVE_INFINITY);
  const watchesBalance = unbalanceA.some(Number.isFinite);

  const roomsOf = (look: Rooms, nowMs: number) => {
    tree.circuits.forEach((circuit, c) => {
      const wished = intents.limitA(circuit.id, nowMs);
      for (let k = c * 3; wished !== null && k < c * 3 + 3; k++)
        look.shareA[k] = Math.min(look.shareA[k] as number, wished);
    });
    return {
      parent: tree.parent,
      roomA: look.shareA,
      roomW: look.shareW,
      voltageV: look.voltageV,
      powerReason: Uint8Array.from(tree.circuits, (_, c) => reasonCode(powers.of(c)?.why ?? "power_limit")),
      ...(watchesBalance ? { unbalanceA, otherA: look.otherA } : {}),
    };
  };

  return (look: Rooms, claims: readonly EvseClaim[], nowMs: number): Question => {
    const n = specs.length;
    const input = {
      ...roomsOf(look, nowMs),
      circuit: rooms.circuitOf,
      lines: new Uint8Array(n),
      minA: new Float64Array(n),
      capA: new Float64Array(n),
      capReason: new Uint8Array(n),
      weight: new Float64Array(n),
      classWeight: new Float64Array(n),
      rank: new Uint8Array(n),
      stepA: new Float64Array(n),
      targetA: new Float64Array(n),
      ...(watchesBalance ? { drawnA: new Float64Array(n) } : {}),
    };
    const mayA = new Float64Array(n);
    /** What would be taken if there were room: what phase switching shares out. */
    const wantedA = new Float64Array(n);
    const next: DemandMemory[] = [];
    const turnFacts: TurnFacts[] = [];
    for (const e of evses.all) {
      const i = e.index;
      const { spec } = e;
      const reading = evses.fresh(e, nowMs);
      const drawnA = reading && Math.max(...reading);
      const offeredA = envelopes.last(i)?.limitA ?? 0;
      modes.meet(e, nowMs);
      const pauses = modes.pauses(e);
      const maxA = evses.maxA(e, nowMs);
      const { memory, wish: own } = demand(
        appetites[i] as DemandMemory,
        {
          minA: spec.minA,
          maxA,
          plugged: evses.plugged(e),
          faulted: evses.faulted(e),
          charging: e.charging === null ? null : e.charging === "charging",
          carHolds: e.charging === "suspended_ev",
          drawnA,
          offeredA,
          switching: pauses,
          intentA: intents.limitA(e.id, nowMs),
        },
        times.demand,
        nowMs,
      );
      next.push(memory);
      const pausing = own.capReason === "min_off_time";
      const waits = pausing || (memory.runningSinceMs === null && own.capA > 0);
      const couldA = Math.min(maxA, intents.limitA(e.id, nowMs) ?? maxA);
      mayA[i] = waits && !memory.standby ? couldA : own.capA;
      const plan = targets.of(e.id, nowMs);
      const planned = plan === null ? own : followPlan(own, plan, spec.minA);
      const wish: Wish =
        pauses && planned.capA > 0 ? { ...planned, capA: 0, capReason: "phase_switch" } : planned;
      const reachable = claims[i]?.reachable ?? false;
      const stopped = watch.stoppedFor(i) !== null;
      if (reachable && !stopped && !memory.standby && planned.capReason !== "plan")
        wantedA[i] = mayA[i] as number;
      const reason: LimitReason = !reachable ? "station_offline" : stopped ? "circuit_limit" : wish.capReason;
      input.lines[i] = e.lines.mask;
      input.minA[i] = spec.minA;
      input.capA[i] = reachable && !stopped ? wish.capA : 0;
      input.capReason[i] = reasonCode(reason);
      input.weight[i] = spec.weight * (plan?.weight ?? 1);
      input.classWeight[i] = plan?.classWeight ?? 1;
      input.targetA[i] = plan?.targetA ?? 0;
      input.rank[i] = wish.rank;
      input.stepA[i] = spec.stepA ?? 0.1;
      if (input.drawnA) input.drawnA[i] = drawnA ?? Number.POSITIVE_INFINITY;
      turnFacts.push({
        rank: wish.rank,
        classWeight: plan?.classWeight ?? 1,
        wants: (input.capA[i] as number) >= spec.minA,
        pausing,
        offered: offeredA > 0,
      });
    }
    appetites = next;
    const { memory, rank, order, resting } = takeTurns(turns, turnFacts, times.turnMs, nowMs);
    turns = memory;
    const turned = { ...input, rank, order, resting };
    modes.look(turned, wantedA, nowMs);
    return { input: turned, mayA };
  };
}
