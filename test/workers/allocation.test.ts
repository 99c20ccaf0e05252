import { expect, test } from "vitest";
import { allocate } from "../../src/rules/allocate.ts";
import { createAllocationPool } from "../../src/workers/allocation.ts";
import { circuit, inputOf, randomCase, seeded } from "../rules/allocation-cases.ts";

test("the pool gives the same answers as the rule", async () => {
  const pool = createAllocationPool();
  try {
    for (let seed = 1; seed <= 20; seed++) {
      const { input } = randomCase(seeded(seed), 60);
      expect(await pool.allocate(input)).toEqual(allocate(input));
    }
  } finally {
    await pool.close();
  }
});

test("an input the rule refuses is rejected with its words", async () => {
  const pool = createAllocationPool();
  try {
    const { input } = inputOf([circuit("site", null, 10)], [{}]);
    await expect(pool.allocate({ ...input, circuit: Int32Array.of(3) })).rejects.toThrow(
      "EVSE 0 is on circuit 3",
    );
  } finally {
    await pool.close();
  }
});

test("a thread that is slow to start is waited for: only a task that it has taken can hang", async () => {
  const filename = new URL("./slow-allocation.ts", import.meta.url).href;
  const pool = createAllocationPool({ hungMs: 1000, filename });
  try {
    const { input } = inputOf([circuit("site", null, 40)], [{}, {}]);
    expect([...(await pool.allocate(input)).limitA]).toEqual([20, 20]);
  } finally {
    await pool.close();
  }
});

test("a task that hangs is ended with its thread, and the next one is answered", async () => {
  const filename = new URL("./hanging-allocation.ts", import.meta.url).href;
  const pool = createAllocationPool({ hungMs: 300, filename });
  try {
    await expect(pool.allocate(inputOf([], []).input)).rejects.toThrow();
    const { input } = inputOf([circuit("site", null, 40)], [{}, {}]);
    let answer = await pool.allocate(input).catch(() => null);
    // On a busy machine the new thread may need longer to start than a task may take.
    for (let i = 0; answer === null && i < 30; i++) answer = await pool.allocate(input).catch(() => null);
    expect(answer && [...answer.limitA]).toEqual([20, 20]);
  } finally {
    await pool.close();
  }
});
