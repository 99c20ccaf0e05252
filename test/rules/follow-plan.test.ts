import { expect, test } from "vitest";
import { RANK } from "../../src/rules/allocate.ts";
import type { Wish } from "../../src/rules/demand.ts";
import { followPlan } from "../../src/rules/follow-plan.ts";

const wish = (of: Partial<Wish> = {}): Wish => ({
  capA: 32,
  capReason: "station_max",
  rank: RANK.running,
  ...of,
});

test("a plan's cap below the wish is the cap, and is named; one above it changes nothing", () => {
  expect(followPlan(wish(), { capA: 10, urgent: false }, 6)).toEqual(wish({ capA: 10, capReason: "plan" }));
  expect(followPlan(wish(), { capA: 40, urgent: false }, 6)).toEqual(wish());
  expect(followPlan(wish(), { capA: null, urgent: false }, 6)).toEqual(wish());
});

test("a plan that would have a car wait that has just started leaves it its minimum", () => {
  const started = wish({ rank: RANK.justStarted });
  expect(followPlan(started, { capA: 0, urgent: false }, 6)).toMatchObject({ capA: 6, capReason: "plan" });
  expect(followPlan(wish(), { capA: 0, urgent: false }, 6)).toMatchObject({ capA: 0, capReason: "plan" });
});

test("an urgent car goes first unless it sleeps or may have nothing", () => {
  expect(followPlan(wish({ rank: RANK.waiting }), { capA: null, urgent: true }, 6).rank).toBe(RANK.urgent);
  for (const no of [wish({ rank: RANK.standby }), wish({ capA: 0 })])
    expect(followPlan(no, { capA: null, urgent: true }, 6).rank).toBe(no.rank);
});

test("whom the plan wants to wait, with less than half its minimum, gets a minimum after the others", () => {
  const rank = (from: number, targetA: number, urgent = false) =>
    followPlan(wish({ rank: from as Wish["rank"] }), { capA: null, urgent, targetA }, 6).rank;
  expect(rank(RANK.running, 2.9)).toBe(RANK.waiting);
  expect(rank(RANK.waiting, 0)).toBe(RANK.standby);
  expect(rank(RANK.running, 3)).toBe(RANK.running);
  expect(rank(RANK.justStarted, 0)).toBe(RANK.justStarted);
  expect(rank(RANK.running, 0, true)).toBe(RANK.urgent);
});

test("a pause that the plan wants is the plan's, whatever else would have the car pause", () => {
  const pausing = wish({ capA: 0, capReason: "min_off_time" });
  expect(followPlan(pausing, { capA: 0, urgent: false }, 6).capReason).toBe("plan");
  expect(followPlan(pausing, { capA: 6, urgent: false }, 6).capReason).toBe("min_off_time");
});
