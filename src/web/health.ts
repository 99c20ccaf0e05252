/** `/health`: the worst of the checks. Only what charging and billing stand on can make the whole gateway failing. */
import { CHECKS, type CheckName, type CheckStatus, type Checks } from "./sources.ts";

const VITAL: ReadonlySet<CheckName> = new Set<CheckName>(["log", "disk", "broker", "control"]);

export interface HealthAnswer {
  status: CheckStatus;
  checks: Checks;
}

export function healthOf(checks: Checks): HealthAnswer {
  let status: CheckStatus = "ok";
  for (const name of CHECKS) {
    const found = checks[name]?.status ?? "ok";
    if (found === "failing" && VITAL.has(name)) status = "failing";
    else if (found !== "ok" && status === "ok") status = "degraded";
  }
  return { status, checks };
}
