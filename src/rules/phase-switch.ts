/**
 * When a station that can switch charges on one phase instead of three: where the room is below the minimum of three
 * phases (6 A: 4.14 kW at 230 V) but enough for one. A switch needs a pause without current, because a car may be
 * harmed by a phase that comes or goes under load; hysteresis in power and time, and a cap per stay, spare contactors.
 */

export interface SwitchSettings {
  /** Without current for this long before and after the phases change. */
  pauseMs: number;
  /** One phase must be better for this long; a short dip is waited out. */
  downAfterMs: number;
  /** Three phases must be possible for this long. */
  upAfterMs: number;
  /** Room beyond a minimum before it counts as enough, A per line. */
  spareA: number;
  /** Switches in one stay of a car. */
  mostPerStay: number;
  /** A station that does not confirm one phase for this long cannot do it. */
  giveUpMs: number;
}

export interface SwitchFacts {
  /** Null: never told. */
  plugged: boolean | null;
  /** The car is seen to use one line anyway: nothing is to be gained. */
  usesOne: boolean;
  minA: number;
  /** A per line that would be its share, were there no minima: of all on three phases, and of all on one. */
  threeA: number;
  oneA: number;
  /** It holds a confirmed limit of 0 and draws nothing. */
  atRest: boolean;
  /** It confirmed a limit on one phase, the last it was sent. */
  confirmedOne: boolean;
}

export interface SwitchMemory {
  /** What it is told. */
  phases: 1 | 3;
  /** What it is being switched to, while it is paused for that; null when it is not. */
  target: 1 | 3 | null;
  /** Since when the other number of phases has been better. */
  betterSinceMs: number | null;
  restSinceMs: number | null;
  toldAtMs: number;
  switches: number;
  unable: boolean;
}

export function neverSwitched(): SwitchMemory {
  return {
    phases: 3,
    target: null,
    betterSinceMs: null,
    restSinceMs: null,
    toldAtMs: Number.NEGATIVE_INFINITY,
    switches: 0,
    unable: false,
  };
}

/** The memory at `nowMs` (monotonic). While `target` is not null the EVSE must be held at 0 A. */
export function phaseSwitch(
  before: SwitchMemory,
  facts: SwitchFacts,
  settings: SwitchSettings,
  nowMs: number,
): SwitchMemory {
  if (facts.plugged === false) return neverSwitched();
  const memory = { ...before };
  memory.restSinceMs = facts.atRest ? (before.restSinceMs ?? nowMs) : null;
  if (memory.target !== null) return paused(memory, facts, settings, nowMs);

  const better = betterPhases(memory, facts, settings);
  memory.betterSinceMs = better === memory.phases ? null : (before.betterSinceMs ?? nowMs);
  if (memory.betterSinceMs === null || memory.switches >= settings.mostPerStay) return memory;
  const afterMs = better === 1 ? settings.downAfterMs : settings.upAfterMs;
  if (nowMs - memory.betterSinceMs >= afterMs) {
    memory.target = better;
    memory.betterSinceMs = null;
  }
  return memory;
}

function betterPhases(memory: SwitchMemory, facts: SwitchFacts, settings: SwitchSettings): 1 | 3 {
  if (memory.phases === 1) return facts.threeA >= facts.minA + settings.spareA ? 3 : 1;
  if (memory.unable || facts.usesOne || facts.threeA >= facts.minA) return 3;
  return facts.oneA >= facts.minA + settings.spareA ? 1 : 3;
}

/** Rest, tell, rest until it is confirmed. Three phases need no confirmation: they are counted from their telling. */
function paused(
  memory: SwitchMemory,
  facts: SwitchFacts,
  settings: SwitchSettings,
  nowMs: number,
): SwitchMemory {
  if (memory.phases !== memory.target) {
    if (memory.restSinceMs === null || nowMs - memory.restSinceMs < settings.pauseMs) return memory;
    memory.phases = memory.target as 1 | 3;
    memory.toldAtMs = nowMs;
    memory.switches++;
    return memory;
  }
  const confirmed = memory.phases === 3 || facts.confirmedOne;
  if (confirmed && nowMs - memory.toldAtMs >= settings.pauseMs) memory.target = null;
  else if (!confirmed && nowMs - memory.toldAtMs >= settings.giveUpMs) {
    memory.unable = true;
    memory.phases = 3;
    memory.target = null;
  }
  return memory;
}
