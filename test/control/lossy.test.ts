import { describe, expect, test } from "vitest";
import { lossy } from "./lossy.ts";

const deep = Boolean(process.env.DEEP);
const ticks = deep ? 50_000 : 3000;
const timeout = deep ? 600_000 : 30_000;

describe("limits that jump over a link that delays by up to two seconds and loses messages", () => {
  test.each([{ pct: 0 }, { pct: 3 }])(
    "$pct % lost: no overload outlasts the reaction time, and what is free is used",
    async ({ pct }) => {
      const result = await lossy({ loss: pct / 100, ticks, seed: 11, sender: "gate" });
      expect(result.late).toBe(0);
      expect(result.jumps).toBe(ticks / 60);
      expect(result.drawnPct).toBeGreaterThan(90);
    },
    timeout,
  );

  test(
    "every fifth message lost: none outlasts twice the reaction time",
    async () => {
      const result = await lossy({ loss: 0.2, ticks, seed: 11, sender: "gate" });
      expect(result.lasting).toBe(0);
      expect(result.drawnPct).toBeGreaterThan(85);
    },
    timeout,
  );

  test("a sender that sends all at once and once has lasting overloads in the same depot", async () => {
    const result = await lossy({ loss: 0.03, ticks: 3000, seed: 11, sender: "naive" });
    expect(result.lasting).toBeGreaterThan(0);
  });
});
