import { afterAll, describe, expect, it } from "vitest";
import type { LinearProgram } from "../../src/rules/plan/program.ts";
import { createComputePool } from "../../src/workers/compute-pool.ts";

const pool = createComputePool();
afterAll(() => pool.stop());

/** Minimise -x - y with x + y <= bound, 0 <= x, y <= 3, and x + y at least `least`. */
const program = (bound: number, least = Number.NEGATIVE_INFINITY): LinearProgram => ({
  cost: Float64Array.of(-1, -1),
  lower: Float64Array.of(0, 0),
  upper: Float64Array.of(3, 3),
  rowLower: Float64Array.of(least),
  rowUpper: Float64Array.of(bound),
  starts: Int32Array.of(0, 2),
  indices: Int32Array.of(0, 1),
  values: Float64Array.of(1, 1),
});

describe("solving on the compute pool", () => {
  it("gives values and what a limit costs", async () => {
    const solved = await pool.run("solve", { program: program(4), timeLimitMs: 5000 });
    if (solved.status !== "optimal") throw new Error(solved.detail);
    expect((solved.value[0] ?? 0) + (solved.value[1] ?? 0)).toBeCloseTo(4, 6);
    expect(Math.abs(solved.rowDual[0] ?? 0)).toBeCloseTo(1, 6);
  });

  it("says that contradictory limits have no plan, and solves the next one", async () => {
    const none = await pool.run("solve", { program: program(4, 7), timeLimitMs: 5000 });
    expect(none.status).toBe("infeasible");
    expect((await pool.run("solve", { program: program(2), timeLimitMs: 5000 })).status).toBe("optimal");
  });
});
