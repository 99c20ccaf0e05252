/** When a certificate that ends is told of: 30, 7 and 1 days before, and when it has ended. */

/** Days before the end; 0 when it is past. */
export const EXPIRY_STAGES = [30, 7, 1, 0] as const;
export type ExpiryStage = (typeof EXPIRY_STAGES)[number];

const DAY_MS = 86_400_000;

/** The stage that a certificate is in, or undefined while its end is far. Times are real, in ms. */
export function expiryStage(notAfterMs: number, nowMs: number): ExpiryStage | undefined {
  return EXPIRY_STAGES.findLast((days) => notAfterMs - nowMs <= days * DAY_MS);
}

/** How urgent a stage is. */
export function expirySeverity(stage: ExpiryStage): "info" | "warning" | "critical" {
  if (stage <= 1) return "critical";
  return stage === 7 ? "warning" : "info";
}
