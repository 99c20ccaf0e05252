/** On how many phases each EVSE that can switch is told to charge. */
import { type Allocation, type AllocationInput, allocate } from "../rules/allocate.ts";
import { lineMask } from "../rules/allocate-tree.ts";
import { linesIn, NO_CURRENT_A } from "../rules/currents.ts";
import { neverSwitched, phaseSwitch, type SwitchMemory } from "../rules/phase-switch.ts";
import type { Envelopes } from "./envelopes.ts";
import type { Evses, LiveEvse } from "./evses.ts";
import type { ControlTimes } from "./settings.ts";

export function createPhaseModes(evses: Evses, envelopes: Envelopes, times: ControlTimes) {
  const able = evses.all.filter((e) => e.spec.switchesPhases && e.spec.phases === 3);
  const memories = new Map<number, SwitchMemory>(able.map((e) => [e.index, neverSwitched()]));
  /** Of these it is known on how many they charge. */
  const met = new Set<number>();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  const told = (e: LiveEvse): 1 | 3 | null => {
    const memory = memories.get(e.index);
    if (memory === undefined) return e.spec.phases;
    return met.has(e.index) ? memory.phases : null;
  };

  /**
   * Whether what an earlier run told an EVSE is found out: three phases at the current that it draws on one would be a
   * raise, and a change under current.
   */
  const findOut = (e: LiveEvse, nowMs: number): boolean => {
    const { index, spec, reading } = e;
    if (!envelopes.isUnknown(index, nowMs) || evses.plugged(e) === false) return true;
    const drawn = evses.fresh(e, nowMs);
    if (drawn === null) return false;
    let used = 0;
    drawn.forEach((a, line) => {
      if (a >= NO_CURRENT_A) used |= 1 << line;
    });
    if (used === 0) return true;
    if (reading?.namesLines !== true) return false;
    if (linesIn(used) > 1) return true;
    memories.set(index, { ...neverSwitched(), phases: 1 });
    // Nothing in this run told it otherwise, and what an earlier one sent has arrived or is lost.
    if (used === lineMask(spec.phaseOrder, 1)) evses.onOnePhase(e);
    return true;
  };

  /** What each would get, were there no minima and all that can switch on `phases`. */
  const share = (input: AllocationInput, wantedA: Float64Array, phases: 1 | 3): Allocation => {
    const lines = input.lines.slice();
    for (const e of able) lines[e.index] = lineMask(e.spec.phaseOrder, phases);
    return allocate({
      ...input,
      lines,
      minA: new Float64Array(input.minA.length),
      capA: wantedA,
      stepA: new Float64Array(input.stepA.length).fill(0.1),
      targetA: new Float64Array(input.minA.length),
    });
  };

  return {
    /** Null: not known yet, so it is told nothing. */
    told,

    /** Before an EVSE's lines are counted. */
    meet(e: LiveEvse, nowMs: number): void {
      if (memories.has(e.index) && !met.has(e.index) && findOut(e, nowMs)) met.add(e.index);
    },

    /** It is held at 0 A for the sake of a switch. */
    pauses: (e: LiveEvse): boolean => (memories.get(e.index)?.target ?? null) !== null,

    /**
     * The station confirmed the last limit it was sent, on so many phases by its own word. One phase is counted only
     * once it has said so, while it holds no current.
     */
    confirmed(e: LiveEvse, phases: number | undefined): void {
      const memory = memories.get(e.index);
      if (memory?.phases === 1 && phases === 1) evses.onOnePhase(e);
    },

    rebooted(e: LiveEvse): void {
      const memory = memories.get(e.index);
      if (!memory) return;
      memories.set(e.index, { ...neverSwitched(), switches: memory.switches });
      met.add(e.index);
    },

    /** Once a tick. `wantedA`: what each would take if it could, A per line. */
    look(input: AllocationInput, wantedA: Float64Array, nowMs: number): void {
      // A tick may look twice; nothing here changes within one.
      if (nowMs - lookedAtMs < times.tickMs / 2) return;
      lookedAtMs = nowMs;
      if (!able.some((e) => evses.plugged(e) !== false || told(e) === 1)) return;
      const three = share(input, wantedA, 3);
      const one = share(input, wantedA, 1);
      for (const e of able) {
        const i = e.index;
        const before = memories.get(i) as SwitchMemory;
        const drawn = evses.fresh(e, nowMs);
        const usesOne = linesIn(e.lines.mask) === 1;
        // Nobody who is kept from charging by anything but room is switched for want of it.
        const wants = (wantedA[i] as number) > 0;
        const after = phaseSwitch(
          before,
          {
            plugged: evses.plugged(e),
            usesOne: usesOne && before.phases === 3,
            minA: e.spec.minA,
            threeA: wants ? (three.limitA[i] as number) : e.spec.minA,
            oneA: one.limitA[i] as number,
            atRest:
              envelopes.isConfirmed(i) &&
              envelopes.confirmedA(i, nowMs) === 0 &&
              (drawn === null || Math.max(...drawn) < NO_CURRENT_A),
            confirmedOne: e.onePhase,
          },
          times.switching,
          nowMs,
        );
        memories.set(i, after);
        if (before.phases === 1 && after.phases === 3) evses.onAllPhases(e);
      }
    },
  };
}

export type PhaseModes = ReturnType<typeof createPhaseModes>;
