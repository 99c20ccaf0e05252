/** Times and steps of the control loop. Times are depot time. */
import type { DemandSettings } from "../rules/demand.ts";
import type { SwitchSettings } from "../rules/phase-switch.ts";
import { TURN_MS } from "../rules/rotation.ts";

export interface ControlSettings {
  /** How long a station keeps a limit without news. Leases below the fallback are given longer, see envelopes. */
  leaseS: number;
  /** Longest a sent limit may be under way on a connection that lives. */
  deliveryS: number;
  /** A car follows a lower limit within this (IEC 61851-1, annex A). */
  followS: number;
  /** From a change at the meter to the measured reaction of cars. */
  reactionS: number;
  /** A meter silent this long, and for more than twice its usual interval, stops raises. */
  meterFreezeS: number;
  /** A meter silent this long leaves charging its safe budget. */
  meterSafeS: number;
  /** An EVSE's reading older than this is not counted as its draw. */
  readingMaxAgeS: number;
  /** A limit is not raised sooner than this after it changed, nor into room that other load took meanwhile. */
  raiseDelayS: number;
  /** Smallest raise worth a message, A. */
  raiseStepA: number;
  /** How long a jump of other load that ramping cars may explain is watched before it counts. */
  watchJumpS: number;
  /** An unconfirmed limit is sent again after this. */
  retryS: number;
  /** The same for a cut while envelopes exceed the room. */
  cutRetryS: number;
  /** Phase switching: pause, how long one phase and three must be better, W beyond a minimum, most in a stay. */
  switchPauseS: number;
  switchDownS: number;
  switchUpS: number;
  switchSpareW: number;
  switchMost: number;
  settleS: number;
  minOnS: number;
  minOffS: number;
  /** How long one of several that cannot all have their minimum keeps it while others wait. */
  turnS: number;
  wakeAfterS: number;
  wakePauseS: number;
  standbyAfterS: number;
  /** A car that draws more than confirmed + 10 % + 0.5 A for this long is reported (EN 61851-1 allows less). */
  ignoredAfterS: number;
  /** After a start of the depot each EVSE's first raise waits up to this long. */
  startDelayS: number;
  /** Most that all raises of one second (or of a longer tick) add on a root circuit's line, A. */
  siteRampA: number;
  /** Whether own production beyond other load makes room for charging. */
  exportIsRoom: boolean;
  nominalV: number;
}

export const CONTROL_DEFAULTS: ControlSettings = {
  leaseS: 60,
  deliveryS: 30,
  followS: 5,
  reactionS: 10,
  meterFreezeS: 5,
  meterSafeS: 60,
  readingMaxAgeS: 150,
  raiseDelayS: 10,
  raiseStepA: 1,
  watchJumpS: 5,
  retryS: 5,
  cutRetryS: 1,
  switchPauseS: 10,
  switchDownS: 30,
  switchUpS: 600,
  switchSpareW: 200,
  switchMost: 10,
  settleS: 30,
  minOnS: 300,
  minOffS: 300,
  turnS: TURN_MS / 1000,
  wakeAfterS: 180,
  wakePauseS: 10,
  standbyAfterS: 600,
  ignoredAfterS: 7,
  startDelayS: 0,
  siteRampA: Number.POSITIVE_INFINITY,
  exportIsRoom: false,
  nominalV: 230,
};

/** The same in ms, each at least the number of ticks it needs to mean anything when depot time runs fast. */
export interface ControlTimes {
  tickMs: number;
  leaseMs: number;
  deliveryMs: number;
  followMs: number;
  reactionMs: number;
  meterFreezeMs: number;
  meterSafeMs: number;
  readingMaxAgeMs: number;
  raiseDelayMs: number;
  watchJumpMs: number;
  retryMs: number;
  /** The same for a cut whose room is needed. */
  cutRetryMs: number;
  ignoredAfterMs: number;
  startDelayMs: number;
  turnMs: number;
  demand: DemandSettings;
  switching: SwitchSettings;
}

/** Wire ms that a limit and its confirmation may take before the limit is sent again, however fast depot time runs. */
const RETRY_WIRE_MS = 500;

/** Renewed at half: with fewer ticks the renewals of some hundred stations are all that an accelerated depot does. */
const FAST_LEASE_TICKS = 40;

/** `tickMs` is the depot time of a tick that takes `tickWireMs` of real time. */
export function controlTimes(settings: ControlSettings, tickMs: number, tickWireMs: number): ControlTimes {
  const atLeast = (seconds: number, ticks: number) => Math.max(seconds * 1000, ticks * tickMs);
  return {
    tickMs,
    leaseMs: atLeast(settings.leaseS, tickMs > tickWireMs ? FAST_LEASE_TICKS : 10),
    deliveryMs: atLeast(settings.deliveryS, 5),
    followMs: atLeast(settings.followS, 2),
    reactionMs: atLeast(settings.reactionS, 5),
    meterFreezeMs: atLeast(settings.meterFreezeS, 5),
    meterSafeMs: atLeast(settings.meterSafeS, 10),
    readingMaxAgeMs: atLeast(settings.readingMaxAgeS, 10),
    raiseDelayMs: atLeast(settings.raiseDelayS, 2),
    watchJumpMs: atLeast(settings.watchJumpS, 2),
    retryMs: atLeast(settings.retryS, Math.max(5, RETRY_WIRE_MS / tickWireMs)),
    cutRetryMs: atLeast(settings.cutRetryS, RETRY_WIRE_MS / tickWireMs),
    ignoredAfterMs: atLeast(settings.ignoredAfterS, 5),
    turnMs: Math.max(atLeast(settings.turnS, 10), settings.minOnS * 1000),
    startDelayMs: settings.startDelayS * 1000,
    switching: {
      pauseMs: atLeast(settings.switchPauseS, 2),
      downAfterMs: atLeast(settings.switchDownS, 5),
      upAfterMs: atLeast(settings.switchUpS, 10),
      spareA: settings.switchSpareW / settings.nominalV,
      mostPerStay: settings.switchMost,
      giveUpMs: atLeast(settings.deliveryS + settings.reactionS, 10),
    },
    demand: {
      settleMs: atLeast(settings.settleS, 3),
      minOnMs: settings.minOnS * 1000,
      minOffMs: settings.minOffS * 1000,
      wakeAfterMs: atLeast(settings.wakeAfterS, 5),
      wakePauseMs: atLeast(settings.wakePauseS, 2),
      standbyAfterMs: atLeast(settings.standbyAfterS, 10),
    },
  };
}
