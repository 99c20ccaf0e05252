/** What an auditor reads: entries of the audit trail, and facts that are their own record of who did what and why. */
import type { AuditRecord } from "../model/audit.ts";
import type { Event, EventType } from "../model/event.ts";

/** One line, in the wire's spelling. */
export interface AuditLine extends AuditRecord {
  /** Of the fact in the log. */
  offset: number;
  /** RFC 3339, UTC. */
  at: string;
  /** True when retention has emptied the fact: that it happened, and when, is all that is left. */
  expired?: true;
}

/** Types that a line is made of. */
export const AUDIT_TYPES = [
  "audit.recorded",
  "hold.released",
  "session.voided",
  "cdr.credited",
  "meter_key.accepted",
  "prices.published",
  "tariff.adopted",
  "gateway.started",
  "gateway.stopped",
  "samples.pruned",
  "log.damaged",
] as const satisfies EventType[];

export function auditLine(event: Event): AuditLine | undefined {
  const { offset, atMs, type } = event;
  const head = { offset, at: new Date(atMs).toISOString() };
  if (Object.keys(event.body).length === 0) {
    if (!(AUDIT_TYPES as readonly EventType[]).includes(type)) return undefined;
    return { ...head, actor: "", action: type, object: null, reason: null, detail: {}, expired: true };
  }
  const record = recordOf(event);
  return record && { ...head, ...record };
}

function recordOf(event: Event): AuditRecord | undefined {
  const own = (object: string | null, detail: AuditRecord["detail"], reason: string | null = null) => ({
    actor: "gateway",
    action: event.type,
    object,
    reason,
    detail,
  });
  switch (event.type) {
    case "audit.recorded":
      return event.body;
    case "hold.released": {
      const { by, reason, session_id, record } = event.body;
      return {
        ...own(session_id, { held: record.held.map(({ code }) => code).join(" ") }, reason),
        actor: by,
      };
    }
    case "session.voided": {
      const { by, reason, session_id, held } = event.body;
      return { ...own(session_id, { held: held.map(({ code }) => code).join(" ") }, reason), actor: by };
    }
    case "cdr.credited": {
      const { by, reason, cdr, session_id } = event.body;
      return { ...own(cdr, { session_id }, reason), actor: by };
    }
    case "meter_key.accepted": {
      const { by, reason, meter_serial, public_key } = event.body;
      return { ...own(meter_serial, { public_key }, reason), actor: by };
    }
    case "prices.published": {
      const { series, source, points } = event.body;
      return { ...own(series, { points: points.length }), actor: source };
    }
    case "tariff.adopted":
      return own(event.body.hash ?? null, {
        tariffs: event.body.tariffs?.length ?? 1,
      });
    case "gateway.started": {
      const { version, epoch } = event.body;
      return own(null, { version, epoch });
    }
    case "gateway.stopped":
      return own(null, {}, event.body.reason);
    case "samples.pruned":
      return own(null, { through: event.body.through });
    case "log.damaged":
      return own(null, {}, event.body.detail);
    default:
      return undefined;
  }
}
