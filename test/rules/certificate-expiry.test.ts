import fc from "fast-check";
import { expect, test } from "vitest";
import { expirySeverity, expiryStage } from "../../src/rules/certificate-expiry.ts";

const DAY_MS = 86_400_000;

test.each([
  [31, undefined],
  [30, 30],
  [8, 30],
  [7, 7],
  [1.1, 7],
  [1, 1],
  [0.01, 1],
  [0, 0],
  [-5, 0],
])("%s days before its end a certificate is in stage %s", (days, stage) => {
  expect(expiryStage(1e12 + days * DAY_MS, 1e12)).toBe(stage);
});

test("stages never go back and never get less urgent while time goes on", () => {
  const urgency = { info: 0, warning: 1, critical: 2 };
  fc.assert(
    fc.property(fc.nat(60 * DAY_MS), fc.nat(60 * DAY_MS), (a, b) => {
      const [early, late] = [Math.min(a, b), Math.max(a, b)].map((ms) => expiryStage(45 * DAY_MS, ms));
      expect(late ?? 99).toBeLessThanOrEqual(early ?? 99);
      if (early !== undefined && late !== undefined)
        expect(urgency[expirySeverity(late)]).toBeGreaterThanOrEqual(urgency[expirySeverity(early)]);
    }),
  );
});
