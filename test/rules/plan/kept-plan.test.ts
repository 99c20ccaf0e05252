import { describe, expect, it } from "vitest";
import { keptPlan, OLD_MS } from "../../../src/rules/plan/kept-plan.ts";
import type { Plan } from "../../../src/rules/plan/read.ts";
import { car, NOW_MS, need, site } from "./live-cases.ts";

const MINUTE_MS = 60_000;
const cars = [car(need("a/1", { inH: 3, kwh: 20 }))];
const live = site(cars, 32);
/** 10 A for ten minutes, then 20 A. */
const plan: Plan = {
  madeMs: NOW_MS,
  marks: [NOW_MS, NOW_MS + 10 * MINUTE_MS, NOW_MS + 180 * MINUTE_MS],
  vehicles: [{ id: "a/1", rates: Float64Array.of(10, 20), forecastKwh: 20, missingKwh: 0, boundBy: [] }],
  peakKw: null,
};
const later = (minutes: number) => NOW_MS + minutes * MINUTE_MS;
const targets = (kept: ReturnType<typeof keptPlan>, minutes: number, of = cars) => {
  const found = kept.targets(of, later(minutes), later(minutes) + 2 * MINUTE_MS);
  return found && { source: found.source, targetA: found.of.get("a/1" as never)?.targetA };
};

describe("which targets hold", () => {
  it("the next interval's rates are handed on as time passes", () => {
    const kept = keptPlan();
    kept.made(live, plan);
    expect(targets(kept, 5)).toEqual({ source: "plan", targetA: 10 });
    expect(targets(kept, 11)).toEqual({ source: "plan", targetA: 20 });
  });

  it("the newest failed: the last plan while it is young, then laxity, and none when that is old too", () => {
    const kept = keptPlan();
    kept.made(live, plan);
    kept.missed({ ...live, nowMs: later(4) }, Float64Array.of(14), "late");
    expect(targets(kept, 5)).toEqual({ source: "previous", targetA: 10 });
    expect(targets(kept, 16)).toEqual({ source: "laxity", targetA: 14 });
    expect(targets(kept, 20)).toBeNull();
  });

  it("a plan that does not know somebody is none when the newest failed", () => {
    const kept = keptPlan();
    kept.made(live, plan);
    const both = [...cars, car(need("b/1", { inH: 1, kwh: 5 }))];
    kept.missed(site(both, 32), Float64Array.of(14, 18), "late");
    expect(targets(kept, 1, both)).toEqual({ source: "laxity", targetA: 14 });
  });

  it("another vehicle at the same EVSE does not get the rates of the one before", () => {
    const kept = keptPlan();
    kept.made(live, plan);
    const other = [car(need("a/1", { pluggedMs: later(1) }))];
    expect(targets(kept, 2, other)).toEqual({ source: "plan", targetA: undefined });
    expect(kept.planFor(other[0])).toBeNull();
  });

  it("targets never outlive the plan that they come from", () => {
    const kept = keptPlan();
    kept.made(live, plan);
    expect(kept.targets(cars, later(14), later(16))?.untilMs).toBe(NOW_MS + OLD_MS);
    expect(kept.targets(cars, later(16), later(18))).toBeNull();
  });
});
