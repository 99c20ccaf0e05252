/**
 * The fold that bills: each `session.ended` that is not held and has a tariff becomes one `cdr.issued`, named by its
 * session, so that folding again appends nothing. It keeps no state and takes nothing from where the event stands.
 */
import type { Fold } from "../model/fold.ts";
import { type CdrContext, cdrOf } from "./cdr.ts";

export function billingFold(context: CdrContext): Fold<never> {
  return {
    name: "billing",
    version: 1,
    apply(_parts, event, out) {
      if (event.type !== "session.ended") return;
      const cdr = cdrOf(event.body, context);
      if (!cdr) return;
      out.emit({
        type: "cdr.issued",
        atMs: event.atMs,
        station: event.station,
        key: `cdr.issued:${cdr.session_id}`,
        body: cdr,
      });
    },
  };
}
