/**
 * Requests about limits in the audit trail: who asked for what, and what became of it. Flows repeat and trim their wishes
 * all day, so of one flow and target at most one line is written in ten minutes, unless the answer changes; it says how
 * many were left out. What the command line asks for is written each time.
 */
import type { Audit } from "../model/audit.ts";
import type { Answer } from "./requests.ts";

const QUIET_MS = 600_000;

export interface AskedLimit {
  client: string;
  role: string;
  payload: Uint8Array;
}

interface Told {
  status: string;
  atMs: number;
  /** Since that line. */
  unsaid: number;
}

/** `nowMs`: depot time. */
export function requestAudit(audit: Audit, nowMs: () => number): (asked: AskedLimit, answer: Answer) => void {
  const told = new Map<string, Told>();
  return ({ client, role, payload }, { status, data }) => {
    const { target, limit_a, reason } = wishOf(payload);
    const key = `${client} ${target}`;
    const last = told.get(key);
    if (role === "flows" && last?.status === status && nowMs() - last.atMs < QUIET_MS) {
      last.unsaid += 1;
      return;
    }
    told.set(key, { status, atMs: nowMs(), unsaid: 0 });
    const detail = {
      status,
      ...(limit_a === null ? {} : { asked_a: limit_a }),
      ...(data?.limit_a === undefined ? {} : { limit_a: data.limit_a }),
      ...(last && last.unsaid > 0 ? { repeated: last.unsaid } : {}),
    };
    void audit({ actor: client, action: "limit.requested", object: target, reason, detail });
  };
}

/** Of a request that may be anything at all. */
function wishOf(payload: Uint8Array): {
  target: string | null;
  limit_a: number | null;
  reason: string | null;
} {
  let data: { target?: unknown; limit_a?: unknown; reason?: unknown } | undefined;
  try {
    data = (JSON.parse(Buffer.from(payload).toString("utf8")) as { data?: typeof data }).data;
  } catch {
    data = undefined;
  }
  const { target, limit_a, reason } = data ?? {};
  return {
    // Ids alone: whatever else stands there may be anything, a card's number too.
    target: typeof target === "string" && /^[a-z0-9-]{1,36}(\/\d{1,2})?$/.test(target) ? target : null,
    limit_a: typeof limit_a === "number" ? limit_a : null,
    reason: typeof reason === "string" ? reason.slice(0, 200) : null,
  };
}
