import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EvseId } from "../../src/model/ids.ts";
import type { PlannedEvse, PlanView } from "../../src/model/plan-view.ts";
import { type EvseCondition, readinessOf } from "../../src/rules/readiness.ts";
import { NO_READINESS, readinessAlerts } from "../../src/rules/readiness-alerts.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-03-02T18:00:00Z");
const EVSE = "cp-1/1" as EvseId;

/** 16 A on three lines, leaves in four hours, wants 20 of which it has 2, and will have them. */
function vehicle(over: Partial<PlannedEvse> = {}): PlannedEvse {
  const departs = { p10: NOW + 2 * HOUR, p50: NOW + 4 * HOUR, p90: NOW + 5 * HOUR };
  return {
    evse: EVSE,
    vehicle: "bus-14",
    group: null,
    class: null,
    weight: 1,
    pluggedMs: NOW - HOUR,
    saidDepartMs: NOW + 4 * HOUR,
    saidKwh: 20,
    saidBy: "file",
    departs,
    departExamples: 8,
    wants: { p10: 15, p50: 20, p90: 25 },
    wantExamples: 8,
    isExpected: true,
    holdsBack: false,
    deliveredKwh: 2,
    wantedKwh: 20,
    forecastKwh: 20,
    missingKwh: 0,
    rates: [0, 16],
    kwPerA: 0.69,
    minA: 6,
    maxA: 16,
    boundBy: [],
    target: null,
    ...over,
  };
}

function view(...vehicles: PlannedEvse[]): PlanView {
  return {
    source: "plan",
    madeMs: NOW,
    buildMs: 1,
    solveMs: 1,
    failed: null,
    peakKw: null,
    marks: [NOW, NOW + 2 * HOUR, NOW + 4 * HOUR],
    vehicles,
  };
}

const judge = (over: Partial<PlannedEvse>, condition: EvseCondition = "ok", nowMs = NOW) =>
  readinessOf(view(vehicle(over)), () => condition, nowMs)[0] as ReturnType<typeof readinessOf>[number];

describe("one vehicle", () => {
  it("who waits for a later hour by the plan is on track, and both starts are told", () => {
    const r = judge({});
    expect(r).toMatchObject({ state: "on_track", causes: [], plannedStartMs: NOW + 2 * HOUR });
    // 18 kWh at 11.04 kW and a tenth longer, five minutes before it must.
    expect(r.latestStartMs).toBeCloseTo(NOW + 4 * HOUR - (18 / 11.04) * 1.1 * HOUR - 300_000, -1);
  });

  it("who has what it wants is ready, also when its station is gone", () => {
    expect(judge({ deliveredKwh: 19.9 }, "offline")).toMatchObject({
      state: "ready",
      missingKwh: 0,
      latestStartMs: null,
      causes: [],
    });
  });

  it("what the plan lacks is at risk, and the circuit in the way is named", () => {
    expect(judge({ forecastKwh: 12, boundBy: ["row-a L2"] })).toMatchObject({
      state: "at_risk",
      missingKwh: 8,
      impossibleKwh: 0,
      causes: [{ code: "limit", detail: "row-a L2" }],
    });
  });

  it("what full rate cannot give any more is impossible, by how much", () => {
    const r = judge({ saidDepartMs: NOW + HOUR, forecastKwh: 13, missingKwh: 7 });
    expect(r.state).toBe("impossible");
    expect(r.impossibleKwh).toBeCloseTo(18 - 11.04, 9);
    expect(r.causes.map((c) => c.code)).toEqual(["too_short"]);
  });

  it("who takes nothing of what it is offered is at risk, whatever the plan hoped", () => {
    expect(judge({ holdsBack: true, forecastKwh: 2 })).toMatchObject({
      state: "at_risk",
      causes: [{ code: "not_drawing", detail: null }],
    });
  });

  it("who stopped drawing by itself is full for all anybody knows, unless somebody said that it needs more", () => {
    const stopped = { holdsBack: true, deliveredKwh: 20, wantedKwh: 24, forecastKwh: 20 };
    expect(judge({ ...stopped, saidKwh: null })).toMatchObject({
      state: "ready",
      wantedKwh: 20,
      missingKwh: 0,
      latestStartMs: null,
      causes: [],
    });
    expect(judge({ ...stopped, saidKwh: null, saidDepartMs: null, isExpected: false }).state).toBe("ready");
    expect(judge({ ...stopped, saidKwh: 24 })).toMatchObject({
      state: "at_risk",
      wantedKwh: 24,
      causes: [{ code: "not_drawing" }],
    });
  });

  it("who never drew is not full, and never impossible by a guess of its need alone", () => {
    const never = { holdsBack: true, deliveredKwh: 0, wantedKwh: 24, forecastKwh: 0, saidKwh: null };
    for (const hours of [0.1, 4])
      expect(judge({ ...never, saidDepartMs: NOW + hours * HOUR })).toMatchObject({
        state: "at_risk",
        needIsSaid: false,
        impossibleKwh: 0,
        causes: [{ code: "not_drawing" }],
      });
  });

  it("a station out of reach gives nothing", () => {
    expect(judge({}, "offline")).toMatchObject({
      state: "at_risk",
      forecastKwh: 2,
      missingKwh: 18,
      causes: [{ code: "offline", detail: null }],
    });
  });

  it("a guest is never late", () => {
    const r = judge({ saidDepartMs: null, isExpected: false, forecastKwh: 3 });
    expect(r).toMatchObject({ state: "guest", departMs: null, latestStartMs: null, causes: [] });
  });

  it("who may leave early with less than half is at risk, unless somebody said when it leaves", () => {
    expect(judge({ saidDepartMs: null })).toMatchObject({
      state: "at_risk",
      departMs: NOW + 4 * HOUR,
      isSaid: false,
      causes: [{ code: "may_leave_early", detail: null }],
    });
    expect(judge({ saidDepartMs: null, rates: [16, 0] }).state).toBe("on_track");
  });

  it("without a plan nothing can be promised", () => {
    expect(judge({ forecastKwh: null, missingKwh: null, rates: [] })).toMatchObject({
      state: "on_track",
      forecastKwh: null,
    });
    expect(
      judge({ forecastKwh: null, saidDepartMs: NOW + HOUR, rates: [] }).causes.map((c) => c.code),
    ).toEqual(["too_short", "no_plan"]);
  });

  it("a higher class on a full circuit is named", () => {
    const low = vehicle({ forecastKwh: 12, boundBy: ["main L1"] });
    const high = vehicle({ evse: "cp-2/1" as EvseId, weight: 10 });
    const [r] = readinessOf(view(low, high), () => "ok", NOW);
    expect(r?.causes.map((c) => c.code)).toEqual(["limit", "higher_class"]);
  });
});

it("is never on track with energy missing by the plan, and never late without a cause", () => {
  const kwh = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(
      kwh,
      kwh,
      kwh,
      fc.integer({ min: -2, max: 20 }),
      fc.boolean(),
      fc.constantFrom<EvseCondition>("ok", "offline", "faulted"),
      (wantedKwh, deliveredKwh, more, hours, holdsBack, condition) => {
        const forecastKwh = holdsBack ? deliveredKwh : deliveredKwh + more;
        const r = judge(
          { wantedKwh, deliveredKwh, forecastKwh, saidDepartMs: NOW + hours * HOUR, holdsBack },
          condition,
        );
        const isLate = r.state === "at_risk" || r.state === "impossible";
        expect(r.causes.length > 0).toBe(isLate);
        if (r.state === "on_track") expect(r.missingKwh).toBeLessThanOrEqual(Math.max(0.1, wantedKwh * 0.01));
        if (r.state === "ready")
          expect(deliveredKwh).toBeGreaterThanOrEqual(wantedKwh - Math.max(0.1, wantedKwh / 100));
        expect(r.impossibleKwh).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(r.missingKwh)).toBe(true);
      },
    ),
  );
});

describe("alerts", () => {
  const late = () => [judge({ forecastKwh: 12, boundBy: ["row-a L2"] })];

  it("a bad forecast is news once it has lasted five minutes", () => {
    const first = readinessAlerts(NO_READINESS, late(), NOW);
    expect(first.told).toEqual([]);
    const before = readinessAlerts(first.memory, late(), NOW + 299_000);
    expect(before.told).toEqual([]);
    const { told } = readinessAlerts(before.memory, late(), NOW + 300_000);
    expect(told).toEqual([
      {
        kind: "departure_at_risk",
        evse: EVSE,
        cause: "will lack 8.0 kWh at 2026-03-02T22:00Z: row-a L2 is full",
      },
    ]);
  });

  it("says so when it is the power of a circuit that is used up", () => {
    const lasted = readinessAlerts(NO_READINESS, [judge({ forecastKwh: 12, boundBy: ["site kW"] })], NOW);
    const again = [judge({ forecastKwh: 12, boundBy: ["site kW"] })];
    const { told } = readinessAlerts(lasted.memory, again, NOW + 300_000);
    expect(told[0]?.cause).toMatch(/: the power that site may draw is used up$/);
  });

  it("a forecast that was good between begins anew", () => {
    const first = readinessAlerts(NO_READINESS, late(), NOW);
    const good = readinessAlerts(first.memory, [judge({})], NOW + 60_000);
    expect(readinessAlerts(good.memory, late(), NOW + 301_000).told).toEqual([]);
  });

  it("does not wait when the latest start is near", () => {
    const nowMs = NOW + 2 * HOUR;
    const r = judge({ forecastKwh: 12, boundBy: ["row-a L2"] }, "ok", nowMs);
    expect((r.latestStartMs ?? 0) - nowMs).toBeLessThan(15 * 60_000);
    expect(readinessAlerts(NO_READINESS, [r], nowMs).told.map((t) => t.kind)).toEqual(["departure_at_risk"]);
  });

  it("what is impossible says so", () => {
    const r = judge({ saidDepartMs: NOW + HOUR, forecastKwh: 13 });
    expect(readinessAlerts(NO_READINESS, [r], NOW).told[0]).toMatchObject({
      kind: "departure_impossible",
      cause: "will lack 7.0 kWh at 2026-03-02T19:00Z: there is too little time at full rate",
    });
  });

  it("who takes nothing is told of also when nobody said when it leaves or what it needs, but not a guest", () => {
    const idle = () => [judge({ holdsBack: true, forecastKwh: 2, saidDepartMs: null })];
    const { memory } = readinessAlerts(NO_READINESS, idle(), NOW);
    expect(readinessAlerts(memory, idle(), NOW + 300_000).told.map((t) => t.kind)).toEqual([
      "offered_not_drawn",
    ]);
    const unsaid = () => [
      judge({ holdsBack: true, deliveredKwh: 0, forecastKwh: 0, saidKwh: null, saidDepartMs: NOW + 1e6 }),
    ];
    const since = readinessAlerts(NO_READINESS, unsaid(), NOW);
    expect(since.told).toEqual([]);
    expect(readinessAlerts(since.memory, unsaid(), NOW + 300_000).told.map((t) => t.kind)).toEqual([
      "offered_not_drawn",
    ]);
    const guest = () => [judge({ holdsBack: true, forecastKwh: 2, saidDepartMs: null, isExpected: false })];
    const after = readinessAlerts(NO_READINESS, guest(), NOW);
    expect(readinessAlerts(after.memory, guest(), NOW + HOUR).told).toEqual([]);
  });
});
