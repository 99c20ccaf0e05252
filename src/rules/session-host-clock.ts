/**
 * Whether a session's clock was right. Only the host's operating system can tell whether its clock follows a reference,
 * and says so at each tick; a bill that depends on time waits until that is known of the session's start and end.
 */
import type { EventBodies } from "../model/event.ts";
import type { Hold, SessionRecord } from "../model/session.ts";
import { timePriced } from "./time-priced.ts";

/** What is known of the host's clock at a moment. */
export interface HostClock {
  /** As the newest tick says; absent when nobody asked. */
  synchronised?: boolean | null;
  /** Rises with each start of the gateway: a step between two runs is seen by nobody. */
  run: number;
  /** Sum of the steps seen in this run, ms. */
  steppedMs: number;
}

/** A step smaller than this moves no price (the tolerance of stations' clocks too). */
const STEP_MS = 2_000;

export const RELEASE_REASON = "the clock is synchronised, offset below 2 s";

export function hostClock(): HostClock {
  return { run: 0, steppedMs: 0 };
}

export function hostStarted(clock: HostClock): void {
  clock.run += 1;
  clock.steppedMs = 0;
}

/** Takes what a tick says; true when that changed anything. */
export function hostTicked(clock: HostClock, tick: EventBodies["clock.ticked"]): boolean {
  const { synchronised, stepped_ms = 0 } = tick;
  const isNews = synchronised !== clock.synchronised || stepped_ms !== 0;
  if (synchronised === undefined) delete clock.synchronised;
  else clock.synchronised = synchronised;
  clock.steppedMs += stepped_ms;
  return isNews;
}

/** Whether what `then` could not tell is known `now`: synchronised, in the same run, without a step in between. */
export function vouchedFor(then: HostClock, now: HostClock): boolean {
  const steppedMs = Math.abs(now.steppedMs - then.steppedMs);
  return now.synchronised === true && now.run === then.run && steppedMs <= STEP_MS;
}

/** Why a time-priced session waits, and from which moment on the clock must be vouched for; null when it need not. */
export interface ClockDoubt {
  hold: Hold;
  /** Null when the doubt lies in the station's clock: that is for a person. */
  since: HostClock | null;
}

/**
 * The doubt about a record whose session began when the host's clock stood as `atStart` says and ends `now`.
 * `skewMs`: a station's clock may be this far off.
 */
export function clockDoubt(
  record: Pick<SessionRecord, "tariff" | "clock" | "clock_offset_ms">,
  atStart: HostClock,
  now: HostClock,
  skewMs: number,
): ClockDoubt | null {
  if (!record.tariff) return null;
  const { durations, instants } = timePriced(record.tariff.body);
  if ((!durations && !instants) || now.synchronised === undefined) return null;
  const isStartKnown = !inDoubt(atStart) || vouchedFor(atStart, now);
  const when = [...(isStartKnown ? [] : ["start"]), ...(inDoubt(now) ? ["end"] : [])];
  const offMs = instants && record.clock === "station" ? Math.abs(record.clock_offset_ms) : 0;
  if (offMs > skewMs) {
    const detail = `the station's clock stands ${offMs} ms off and the tariff goes by the time of day`;
    return { hold: holdOf(detail), since: null };
  }
  if (when.length === 0) return null;
  const detail = `the tariff is priced by time, and at the session's ${when.join(" and ")} the host's clock was not known to be synchronised`;
  return { hold: holdOf(detail), since: { ...(isStartKnown ? now : atStart) } };
}

const holdOf = (detail: string): Hold => ({ code: "CLOCK_UNSYNCHRONISED", detail });

/** A clock that nobody asked about is not in doubt: logs without the question give the bills that they gave. */
const inDoubt = ({ synchronised }: HostClock): boolean => synchronised === false || synchronised === null;
