/**
 * The fold that remembers which of the gateway's own alerts are open, so that a restart finds them without reading the
 * log. Alerts that name a station are the sessions fold's, which remembers them itself.
 */
import type { Alert } from "../model/alert.ts";
import type { Fold } from "../model/fold.ts";

export const ALERTS_FOLD = "alerts";

/** One part an open alert, named by its id. */
export function alertsFold(): Fold<Alert> {
  return {
    name: ALERTS_FOLD,
    version: 1,
    apply(parts, event, out) {
      if (event.station !== null) return;
      if (event.type === "alert.raised") {
        parts.set(event.body.id, event.body);
        out.touched(event.body.id);
      } else if (event.type === "alert.cleared" && parts.delete(event.body.id)) out.touched(event.body.id);
    },
  };
}
