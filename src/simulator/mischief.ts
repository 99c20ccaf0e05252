/** What goes wrong during a visit, and when: drawn from the visit's own seed, so the same plan fails the same way. */
import type { Mischief, Visit } from "./plan.ts";
import { createRandom } from "./random.ts";

export interface Mishap {
  kind: "drop" | "fault" | "reboot" | "restart";
  fromMs: number;
  toMs: number;
}

export interface VisitMischief {
  /** In order of time, not overlapping, over well before the departure. */
  mishaps: Mishap[];
  duplicateStop: boolean;
  resend: boolean;
  clockOffsetMs: number;
}

export const NO_MISCHIEF: VisitMischief = {
  mishaps: [],
  duplicateStop: false,
  resend: false,
  clockOffsetMs: 0,
};

/** Chances for a demo: a visit in four meets something that a gateway must get right. */
export function mildMischief(seed: number): Mischief {
  return {
    seed,
    drop: 0.08,
    reboot: 0.04,
    restart: 0.03,
    fault: 0.05,
    duplicateStop: 0.08,
    resend: 0.1,
    wrongClock: 0.03,
  };
}

const MINUTE_MS = 60_000;

export function mischiefFor(mischief: Mischief | null, visit: Visit): VisitMischief {
  if (!mischief) return NO_MISCHIEF;
  const random = createRandom(mischief.seed ^ hash(visit.id));
  const mishaps: Mishap[] = [];
  const lastEndMs = visit.departureMs - 10 * MINUTE_MS;
  let freeFromMs = visit.arrivalMs + 10 * MINUTE_MS;
  for (const kind of ["drop", "reboot", "restart", "fault"] as const) {
    const happens = random.happens(mischief[kind]);
    const lengthMs = Math.round(random.between(2, 10) * MINUTE_MS);
    const at = random.next();
    if (!happens || freeFromMs + lengthMs > lastEndMs) continue;
    const fromMs = Math.round(freeFromMs + at * (lastEndMs - lengthMs - freeFromMs));
    mishaps.push({ kind, fromMs, toMs: fromMs + lengthMs });
    freeFromMs = fromMs + lengthMs + 5 * MINUTE_MS;
  }
  const duplicateStop = random.happens(mischief.duplicateStop);
  const resend = random.happens(mischief.resend);
  const wrong = random.happens(mischief.wrongClock);
  const offsetMs = Math.round(random.between(-120, 120) * 1000);
  return { mishaps, duplicateStop, resend, clockOffsetMs: wrong ? offsetMs : 0 };
}

/** How a station suffers a mishap. */
export interface MishapActions {
  cut(): void;
  restore(): void;
  fault(on: boolean): void;
  powerOff(): void;
  /** Whether the transaction goes on after the boot, or is ended and begun anew. */
  powerOn(resumes: boolean): void;
}

/** The instants at which the mishaps begin and end, in order. */
export function mishapAgenda(mishaps: Mishap[], on: MishapActions): { atMs: number; run: () => void }[] {
  const pairs: Record<Mishap["kind"], [() => void, () => void]> = {
    drop: [() => on.cut(), () => on.restore()],
    fault: [() => on.fault(true), () => on.fault(false)],
    reboot: [() => on.powerOff(), () => on.powerOn(true)],
    restart: [() => on.powerOff(), () => on.powerOn(false)],
  };
  return mishaps.flatMap(({ kind, fromMs, toMs }) => [
    { atMs: fromMs, run: pairs[kind][0] },
    { atMs: toMs, run: pairs[kind][1] },
  ]);
}

/** FNV-1a, 32 bit. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h;
}
