import { expect, it } from "vitest";
import { readinessText } from "../../src/cli/readiness.ts";
import type { ControlState } from "../../src/control/state.ts";
import { readinessState, readinessWatch } from "../../src/gateway/readiness.ts";
import { AlertBoard } from "../../src/model/alert-board.ts";
import { depotClock, REAL_TIME } from "../../src/model/clock.ts";
import type { EvseId } from "../../src/model/ids.ts";
import type { PlannedEvse, PlanView } from "../../src/model/plan-view.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-03-02T18:00:00Z");

const plugged: PlannedEvse = {
  evse: "cp-1/1" as EvseId,
  vehicle: "bus-14",
  group: null,
  class: "bus",
  weight: 10,
  pluggedMs: NOW,
  saidDepartMs: NOW + 4 * HOUR,
  saidKwh: 20,
  saidBy: "file",
  departs: { p10: NOW + 4 * HOUR, p50: NOW + 4 * HOUR, p90: NOW + 4 * HOUR },
  departExamples: 1,
  wants: { p10: 20, p50: 20, p90: 20 },
  wantExamples: 1,
  isExpected: true,
  holdsBack: false,
  deliveredKwh: 2,
  wantedKwh: 20,
  forecastKwh: 12,
  missingKwh: 8,
  rates: [4],
  kwPerA: 0.69,
  minA: 6,
  maxA: 16,
  boundBy: ["row-a L2"],
  target: null,
};
const viewOf = (...vehicles: PlannedEvse[]): PlanView => ({
  source: "plan",
  madeMs: NOW,
  buildMs: 1,
  solveMs: 1,
  failed: null,
  peakKw: null,
  marks: [NOW, NOW + 4 * HOUR],
  vehicles,
});

function rig(earlier: ConstructorParameters<typeof AlertBoard>[2] = []) {
  let nowMs = NOW;
  let view = viewOf(plugged);
  let state = "charging";
  const facts: string[] = [];
  const alerts = new AlertBoard(
    (event) => facts.push(`${event.type} ${event.body.id}`),
    () => nowMs,
    earlier,
  );
  const watch = readinessWatch({
    clock: { ...depotClock(REAL_TIME), nowMs: () => nowMs },
    control: { state: () => ({ evses: [{ station: "cp-1", evse: 1, state }] }) as unknown as ControlState },
    planner: { view: () => view },
    alerts,
    failed: (error) => {
      throw error;
    },
  });
  return {
    watch,
    alerts,
    facts,
    at: (ms: number) => (nowMs = NOW + ms),
    show: (next: PlanView) => (view = next),
    is: (word: string) => (state = word),
  };
}

it("tells once of a vehicle that stays at risk, and takes it back when it is on track again", () => {
  const { watch, facts, at, show } = rig();
  watch.look();
  expect(facts).toEqual([]);
  for (const ms of [300_000, 310_000, 320_000]) {
    at(ms);
    watch.look();
  }
  expect(facts).toEqual(["alert.raised departure_at_risk:cp-1/1"]);
  expect(watch.counts()).toMatchObject({ at_risk: 1, on_track: 0 });
  show(viewOf({ ...plugged, forecastKwh: 20, missingKwh: 0 }));
  watch.look();
  expect(facts.at(-1)).toBe("alert.cleared departure_at_risk:cp-1/1");
});

it("a risk that becomes impossible is one alert instead of the other", () => {
  const { watch, alerts, at } = rig();
  watch.look();
  at(301_000);
  watch.look();
  at(3.5 * HOUR);
  watch.look();
  expect(alerts.active().map((a) => [a.id, a.severity])).toEqual([
    ["departure_impossible:cp-1/1", "critical"],
  ]);
});

it("an alert of an earlier run ends when its vehicle is gone", () => {
  const open = {
    id: "departure_at_risk:cp-9/1",
    kind: "departure_at_risk" as const,
    severity: "warning" as const,
    subject: "cp-9/1",
    cause: "will lack 3.0 kWh",
    since_ms: NOW - HOUR,
  };
  const { watch, facts } = rig([open]);
  watch.look();
  expect(facts).toEqual(["alert.cleared departure_at_risk:cp-9/1"]);
});

it("a station out of reach is the cause that is named first", () => {
  const { watch, is } = rig();
  is("offline");
  watch.look();
  expect(watch.all()[0]?.causes).toEqual([{ code: "offline", detail: null }]);
});

it("shows a table with what needs a person first, times in the site's zone", () => {
  const { watch, show } = rig();
  const fine = { ...plugged, evse: "cp-2/1" as EvseId, vehicle: "bus-15", forecastKwh: 20, missingKwh: 0 };
  show(viewOf(fine, plugged));
  watch.look();
  const text = readinessText(readinessState(watch.all(), watch.counts()), "Europe/Stockholm", false);
  const [head, , titles, first, second] = text.split("\n");
  expect(head).toBe("1 of 2 will be ready");
  expect(titles).toMatch(/^EVSE +vehicle +state +leaves/);
  expect(first).toMatch(
    /^cp-1\/1 +bus-14 +AT RISK +Mon 23:00 +20\.0 +2\.0 +12\.0 +Mon \d\d:\d\d +row-a L2 is full$/,
  );
  expect(second).toMatch(/^cp-2\/1 +bus-15 +on track/);
});
