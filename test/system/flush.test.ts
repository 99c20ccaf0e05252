import { expect, it } from "vitest";
import { foldedUpTo } from "../../src/gateway/figures.ts";

it("a flush waits for what was in the log when it began, not for a log that keeps growing", () => {
  expect(foldedUpTo(100, { head: 100, foldLag: 1 })).toBe(false);
  expect(foldedUpTo(100, { head: 100, foldLag: 0 })).toBe(true);
  expect(foldedUpTo(100, { head: 140, foldLag: 41 })).toBe(false);
  expect(foldedUpTo(100, { head: 140, foldLag: 25 })).toBe(true);
});
