/**
 * Which targets hold: the newest plan's, handed on interval by interval as time passes; when the newest attempt failed
 * the last plan's while it is young and names everybody; otherwise rates by laxity; else none.
 */
import type { EvseId } from "../../model/ids.ts";
import type { TargetSource, Targets } from "../../model/targets.ts";
import { isPriced, type LiveCar, type LiveSite, targetsOf } from "./live.ts";
import { type Plan, rateAt } from "./read.ts";

/** What a plan expected may have changed too much after this. */
export const OLD_MS = 900_000;

interface Rates {
  madeMs: number;
  site: LiveSite;
  indexOf: ReadonlyMap<EvseId, number>;
  rateA(i: number, atMs: number): number;
}

/** `oldMs`: how long a plan, or what stands in for it, may be used. */
export function keptPlan(oldMs = OLD_MS) {
  let plan: (Rates & { plan: Plan }) | null = null;
  let laxity: Rates | null = null;
  let failed: string | null = null;

  const indexOf = (site: LiveSite) => new Map(site.cars.map(({ need }, i) => [need.evse, i]));
  /** Its place in the rates; undefined for a stay that they do not know. */
  const placeOf = (rates: Rates, { need }: LiveCar): number | undefined => {
    const i = rates.indexOf.get(need.evse);
    const known = i === undefined ? undefined : rates.site.cars[i];
    // The beginning of a stay is only ever found to be earlier.
    return known !== undefined && need.pluggedMs <= known.need.pluggedMs ? i : undefined;
  };
  const isYoung = (rates: Rates, nowMs: number) => nowMs - rates.madeMs <= oldMs;

  const holding = (
    cars: readonly LiveCar[],
    nowMs: number,
  ): { rates: Rates; source: TargetSource } | null => {
    if (plan !== null && isYoung(plan, nowMs)) {
      if (failed === null) return { rates: plan, source: "plan" };
      if (cars.every((car) => placeOf(plan as Rates, car) !== undefined))
        return { rates: plan, source: "previous" };
    }
    return laxity !== null && isYoung(laxity, nowMs) ? { rates: laxity, source: "laxity" } : null;
  };

  return {
    /** A plan was made for `site`. */
    made(site: LiveSite, made: Plan): void {
      const rateA = (i: number, atMs: number) => rateAt(made, i, atMs);
      plan = { plan: made, madeMs: site.nowMs, site, indexOf: indexOf(site), rateA };
      laxity = null;
      failed = null;
    },

    /** No plan could be made; `rates` by laxity stand in where the last one does not do. */
    missed(site: LiveSite, rates: Float64Array, why: string): void {
      const rateA = (i: number) => rates[i] ?? 0;
      laxity = { madeMs: site.nowMs, site, indexOf: indexOf(site), rateA };
      failed = why;
    },

    /** Nobody to plan for. */
    forget(): void {
      plan = null;
      laxity = null;
      failed = null;
    },

    /** Whether anything is kept. */
    get isEmpty(): boolean {
      return plan === null && laxity === null;
    },

    /** Targets of `cars` at `nowMs`; null when none hold. */
    targets(cars: readonly LiveCar[], nowMs: number, untilMs: number): Targets | null {
      const held = holding(cars, nowMs);
      if (held === null) return null;
      const { rates, source } = held;
      const rate = (k: number) => {
        const i = placeOf(rates, cars[k] as LiveCar);
        return i === undefined ? Number.NaN : rates.rateA(i, nowMs);
      };
      // Without a plan nobody knows what waiting saves.
      const isCapped = source !== "laxity" && isPriced(rates.site);
      const end = Math.min(untilMs, rates.madeMs + oldMs);
      return targetsOf(rate, cars, { nowMs, madeMs: rates.madeMs, untilMs: end, source, isCapped });
    },

    /** The plan that holds, and where a car is in it; null for none. */
    planFor(car: LiveCar | undefined): { plan: Plan; i: number } | null {
      const i = plan === null || car === undefined ? undefined : placeOf(plan, car);
      return plan === null || i === undefined ? null : { plan: plan.plan, i };
    },

    state: (cars: readonly LiveCar[], nowMs: number) => {
      const held = holding(cars, nowMs);
      return {
        source: held?.source ?? null,
        madeMs: held?.rates.madeMs ?? null,
        plan: held !== null && held.source !== "laxity" ? (plan?.plan ?? null) : null,
        failed,
      };
    },
  };
}

export type KeptPlan = ReturnType<typeof keptPlan>;
