/** What only the passing of time decides: stops, unplugs and resumes that never come. Driven by `clock.ticked`. */
import { checkStation } from "./session-alerts.ts";
import { gatewayToSession } from "./session-clock.ts";
import { closeOrphan, closeSession, endAtLast } from "./session-close.ts";
import { checkKept } from "./session-kept.ts";
import { checkSilence } from "./session-observe.ts";
import type { EvsePart } from "./session-part.ts";
import type { Place } from "./session-record.ts";
import type { MeterLimits } from "./session-registers.ts";
import type { Step } from "./session-step.ts";

export function checkWaits(step: Step, limitsByEvse: ReadonlyMap<number, MeterLimits> | undefined): void {
  checkStation(step);
  if (!limitsByEvse) return;
  for (const [evse, limits] of limitsByEvse) {
    const part = step.part.evses[evse];
    if (part) checkEvse(step, { evse, limits }, part);
  }
}

/** The gateway was away: what came due meanwhile may lie in the stations' queues, so every wait begins again. */
export function restartWaits(step: Step): void {
  for (const { session, parked } of Object.values(step.part.evses)) {
    for (const stop of parked) stop.atMs = step.atMs;
    if (!session) continue;
    session.seenAtMs = step.atMs;
    for (const wait of [session.stop, session.unplugged, session.rebooted]) if (wait) wait.atMs = step.atMs;
  }
}

function checkEvse(step: Step, place: Place, evse: EvsePart): void {
  const { atMs, settings } = step;
  checkKept(step, evse);
  for (const stop of evse.parked.filter((parked) => atMs - parked.atMs >= settings.graceMs)) {
    evse.parked = evse.parked.filter((parked) => parked !== stop);
    closeOrphan(step, place, evse, stop);
  }
  const { session } = evse;
  if (!session) return;
  const { stop, unplugged, rebooted } = session;
  if (stop && unplugged) {
    // Only the signed end value is missing.
    if (atMs - Math.max(stop.atMs, unplugged.atMs) >= settings.graceMs) endAtLast(step, place, evse, session);
  } else if (stop) {
    if (atMs - stop.atMs < settings.finishingLimitMs) return;
    const nowMs = gatewayToSession(session, step.part.clock, atMs);
    closeSession(step, place, evse, Math.min(nowMs, stop.ms + settings.finishingLimitMs), stop.reason);
  } else if (unplugged && atMs - unplugged.atMs >= settings.graceMs) {
    closeSession(
      step,
      place,
      evse,
      unplugged.ms,
      session.flags.includes("STATION_REBOOTED") ? "reboot" : "ev_disconnected",
    );
  } else if (rebooted && atMs - rebooted.atMs >= settings.graceMs) {
    closeSession(step, place, evse, rebooted.ms, "reboot");
  } else if (atMs - session.seenAtMs >= settings.staleAfterMs) {
    closeSession(step, place, evse, session.lastMs, "timeout");
  } else {
    checkSilence(step, place.evse, evse);
  }
}
