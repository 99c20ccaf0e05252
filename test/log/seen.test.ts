import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Seen } from "../../src/log/seen.ts";

describe("Seen", () => {
  it("finds what it was given, by station, boot and number", () => {
    const seen = new Seen();
    seen.add("a", "b1", 5, 100);
    expect(seen.find("a", "b1", 5)).toBe(100);
    expect(seen.find("a", "b1", 6)).toBeUndefined();
    expect(seen.find("a", "b2", 5)).toBeUndefined();
    expect(seen.find("b", "b1", 5)).toBeUndefined();
  });

  it("forgets the oldest boot, never the newest three", () => {
    const seen = new Seen();
    for (const boot of ["b1", "b2", "b3", "b4"]) seen.add("a", boot, 1, 1);
    expect(seen.find("a", "b1", 1)).toBeUndefined();
    expect(["b2", "b3", "b4"].map((b) => seen.find("a", b, 1))).toEqual([1, 1, 1]);
  });

  it("never answers with another number's place, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 400 }), (seqs) => {
        const seen = new Seen();
        for (const seq of seqs) seen.add("a", "b", seq, seq + 10_000);
        const newest = Math.max(0, ...seqs);
        for (let seq = 0; seq <= 5000; seq += 1) {
          const found = seen.find("a", "b", seq);
          if (found !== undefined) expect(found).toBe(seq + 10_000);
          if (seq > newest - 1024 && seqs.includes(seq)) expect(found).toBe(seq + 10_000);
        }
      }),
      { numRuns: 30 },
    );
  });
});
