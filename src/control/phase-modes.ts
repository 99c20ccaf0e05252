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
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  const told = (e: LiveEvse): 1 | 3 => memories.get(e.index)?.phases ?? e.spec.phases;

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
    told,
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
      if (memory) memories.set(e.index, { ...neverSwitched(), switches: memory.switches });
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
