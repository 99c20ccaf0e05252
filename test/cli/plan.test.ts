import { describe, expect, it } from "vitest";
import { planText } from "../../src/cli/plan.ts";
import { type PlanState, shownToAll } from "../../src/gateway/plan-view.ts";

const NOW = Date.UTC(2026, 10, 25, 21);
const iso = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

const STATE: PlanState = {
  source: "plan",
  made_at: iso(-0.5),
  solve_ms: 42,
  failed: null,
  peak_kw: null,
  vehicles: [
    {
      evse: "cp-01/1",
      vehicle: "bus-14",
      class: "line",
      depart: iso(570),
      depart_source: "file",
      depart_expected: { p10: iso(565), p50: iso(570), p90: iso(600) },
      depart_examples: 31,
      wanted_kwh: 120,
      wanted_expected_kwh: { p10: 100, p50: 118, p90: 125 },
      delivered_kwh: 12.34,
      forecast_kwh: 120,
      missing_kwh: 0,
      target_a: 24.5,
      cap_a: null,
      urgent: true,
      bound_by: ["site L2"],
    },
    {
      evse: "cp-02/1",
      vehicle: null,
      class: null,
      depart: null,
      depart_source: null,
      depart_expected: null,
      depart_examples: 0,
      wanted_kwh: 15,
      wanted_expected_kwh: { p10: 5, p50: 15, p90: 30 },
      delivered_kwh: 0,
      forecast_kwh: null,
      missing_kwh: null,
      target_a: null,
      cap_a: null,
      urgent: false,
      bound_by: [],
    },
  ],
};

describe("laddport plan", () => {
  it("says where targets come from and, of each vehicle, when it leaves and with how much", () => {
    const lines = planText(STATE, NOW, "Europe/Stockholm").split("\n");
    expect(lines[0]).toBe("targets from the newest plan, 30 s old, solved in 42 ms");
    expect(lines[3]).toMatch(
      /^cp-01\/1 +bus-14 +line +Thu 07:30 +120\.0 +12\.3 +120\.0 +24\.5 urgent +site L2$/,
    );
    expect(lines[4]).toMatch(/^cp-02\/1 +unknown +15\.0 +0\.0$/);
  });

  it("says when no targets hold, and why", () => {
    const text = planText(
      { ...STATE, source: null, made_at: null, failed: "late: 13", vehicles: [] },
      NOW,
      "UTC",
    );
    expect(text).toBe("no targets hold: vehicles share alike (late: 13)\n\nnobody is plugged in\n");
  });

  it("a departure that nobody said is shown as what is expected", () => {
    const bus = STATE.vehicles[0] as PlanState["vehicles"][number];
    const text = planText({ ...STATE, vehicles: [{ ...bus, depart: null }] }, NOW, "UTC");
    expect(text).toContain("Thu 06:30 (Thu 06:25 to Thu 07:00)");
  });

  it("what everybody sees does not say which vehicle stands where, nor when it leaves", () => {
    const text = JSON.stringify(shownToAll(STATE));
    expect(text).toContain("cp-01/1");
    for (const telling of ["bus-14", '"depart', "06:30"]) expect(text).not.toContain(telling);
  });
});
