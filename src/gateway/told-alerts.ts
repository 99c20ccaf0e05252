/** Alerts of a thread that does not have the board: it tells whoever has, and only what changes. */
import type { Alerts } from "../model/alert-board.ts";

/** What was raised before this thread began is not known here, so the first word about an id is always passed on. */
export function toldAlerts(board: Alerts): Alerts {
  const told = new Map<string, "raised" | "cleared">();
  const isNews = (id: string, state: "raised" | "cleared"): boolean => {
    if (told.get(id) === state) return false;
    told.set(id, state);
    return true;
  };
  return {
    raise(alert) {
      if (isNews(alert.id, "raised")) board.raise(alert);
    },
    clear(id) {
      if (isNews(id, "cleared")) board.clear(id);
    },
  };
}
