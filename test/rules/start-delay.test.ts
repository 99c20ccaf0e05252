import { expect, test } from "vitest";
import { evseId } from "../../src/model/ids.ts";
import { startDelayMs } from "../../src/rules/start-delay.ts";

test("each EVSE has a delay of its own, always the same, spread over the whole time", () => {
  const delays = Array.from({ length: 1000 }, (_, i) => startDelayMs(evseId(`cp-${i}`, 1), 30_000));
  expect(delays).toEqual(Array.from({ length: 1000 }, (_, i) => startDelayMs(evseId(`cp-${i}`, 1), 30_000)));
  for (let third = 0; third < 3; third++) {
    const within = delays.filter((d) => d >= third * 10_000 && d < (third + 1) * 10_000);
    expect(within.length).toBeGreaterThan(270);
  }
  expect(Math.max(...delays)).toBeLessThan(30_000);
});

test("no time to wait: no delay", () => {
  expect(startDelayMs(evseId("cp-1", 1), 0)).toBe(0);
});
