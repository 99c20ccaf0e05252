import { describe, expect, test } from "vitest";
import type { Limit } from "../../src/model/messages.ts";
import { createLease } from "../../src/simulator/lease.ts";

function limit(rev: number, changes: Partial<Limit> = {}): Limit {
  return {
    ts: "2026-11-22T17:00:00Z",
    rev,
    limit_a: 16,
    phases: 3,
    valid_for_s: 60,
    fallback_a: 6,
    reason: "fair_share",
    ...changes,
  };
}

describe("lease", () => {
  test("without any, the provisioned fallback is offered", () => {
    expect(createLease(6000).offerMa(0)).toBe(6000);
  });

  test("counts from receipt on the monotonic clock, then falls back", () => {
    const lease = createLease(0);
    lease.receive(limit(1), 1000);
    expect(lease.offerMa(60_999)).toBe(16_000);
    expect(lease.offerMa(61_000)).toBe(6000);
    expect(lease.offerMa(1e12)).toBe(6000);
  });

  test("an older revision is ignored, the same one renews", () => {
    const lease = createLease(0);
    lease.receive(limit(5), 0);
    expect(lease.receive(limit(4, { limit_a: 32 }), 10)).toBe(false);
    expect(lease.offerMa(20)).toBe(16_000);
    expect(lease.receive(limit(5), 50_000)).toBe(true);
    expect(lease.offerMa(100_000)).toBe(16_000);
  });

  test("what it says of phases outlives it, and an older revision does not change it", () => {
    const lease = createLease(0);
    expect(lease.phases).toBeNull();
    lease.receive(limit(2, { phases: 1 }), 0);
    lease.receive(limit(1, { phases: 3 }), 10);
    expect([lease.offerMa(90_000), lease.phases]).toEqual([6000, 1]);
  });

  test("decimals of an ampere are not lost to binary floats", () => {
    const lease = createLease(0);
    for (const tenth of [61, 63, 129, 161, 319]) {
      lease.receive(limit(tenth, { limit_a: tenth / 10 }), 0);
      expect(lease.offerMa(1)).toBe(tenth * 100);
    }
  });
});
