import { afterAll, describe, expect, it } from "vitest";
import { createComputePool } from "../../src/workers/compute-pool.ts";
import { car, need, site } from "../rules/plan/live-cases.ts";

const pool = createComputePool();
afterAll(() => pool.stop());

const live = site([car(need("a/1", { inH: 1, kwh: 15 })), car(need("b/1", { inH: 8, kwh: 15 }))], 24);

describe("planning on the compute pool", () => {
  it("gives a plan of everybody, and how long it took", async () => {
    const made = await pool.run("plan", { site: live, timeLimitMs: 5000 });
    if (made.status !== "planned") throw new Error(made.detail);
    expect(made.plan.vehicles.map(({ id }) => id)).toEqual(["a/1", "b/1"]);
    expect(made.plan.vehicles[0]?.rates[0]).toBeGreaterThan(20);
    expect(made.solveMs).toBeGreaterThan(0);
  });

  it("too late: says so and gives rates by laxity, within the limit; the next plan is made all the same", async () => {
    const made = await pool.run("plan", { site: live, timeLimitMs: 1e-3 });
    if (made.status === "planned") throw new Error("there was time for a plan");
    expect(made.status).toBe("late");
    expect(made.rates[0]).toBeGreaterThan(made.rates[1] as number);
    expect((made.rates[0] as number) + (made.rates[1] as number)).toBeCloseTo(24, 3);
    expect((await pool.run("plan", { site: live, timeLimitMs: 5000 })).status).toBe("planned");
  });

  it("killed at its deadline, twice: the promise is rejected and the pool makes the next plan", async () => {
    const cars = Array.from({ length: 200 }, (_, k) => car(need(`c${k}/1`, { inH: 1 + k / 10, kwh: 40 })));
    const large = site(cars, 400);
    await expect(pool.run("plan", { site: large, timeLimitMs: 5000 }, { deadlineMs: 1 })).rejects.toThrow(
      "failed twice",
    );
    expect((await pool.run("plan", { site: live, timeLimitMs: 5000 })).status).toBe("planned");
  });
});
