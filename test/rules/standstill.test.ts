import { describe, expect, it } from "vitest";
import { createStandstill } from "../../src/rules/standstill.ts";

const polls = (standstill: ReturnType<typeof createStandstill>, count: number, every = 1) =>
  Array.from({ length: count }, (_, i) => standstill.takes(`v${Math.floor(i / every)}`));
const same = (standstill: ReturnType<typeof createStandstill>, count: number) =>
  Array.from({ length: count }, () => standstill.takes("frozen"));

describe("a meter that stands still", () => {
  it("is noticed when it used to change with each poll", () => {
    const standstill = createStandstill();
    polls(standstill, 50);
    expect(same(standstill, 29)).not.toContain(true);
    expect(standstill.takes("frozen")).toBe(true);
  });

  it("is well again with the first change, and noticed again as soon", () => {
    const standstill = createStandstill();
    polls(standstill, 50);
    expect(same(standstill, 100).at(-1)).toBe(true);
    expect(standstill.takes("moves")).toBe(false);
    expect(same(standstill, 30).at(-1)).toBe(true);
  });

  it("a slow meter is measured by its own past", () => {
    const standstill = createStandstill();
    polls(standstill, 200, 8);
    expect(same(standstill, 79)).not.toContain(true);
    expect(standstill.takes("frozen")).toBe(true);
  });

  it("one that hardly ever changed is left alone", () => {
    const standstill = createStandstill();
    polls(standstill, 10);
    expect(same(standstill, 5_000)).not.toContain(true);
  });
});
