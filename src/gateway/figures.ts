/** The closing figures of a run. */
import type { GatewayStats } from "./gateway.ts";
import { siteState } from "./live-view.ts";
import type { Parts } from "./parts.ts";

export async function statsOf(parts: Parts): Promise<GatewayStats> {
  const count = (type: string) => parts.counts.get(type) ?? 0;
  const state = parts.control.state();
  const site = siteState(parts, state);
  const sessions = await parts.outbox.ask("books", {});
  const { source, madeMs } = parts.planner.view();
  const byState: Record<string, number> = {};
  for (const { state: word } of state.evses) byState[word] = (byState[word] ?? 0) + 1;
  return {
    ackedEvents: parts.ledger.acknowledged,
    sessionsOpen: parts.latest.sessions.open,
    sessionsClosed: sessions.length,
    cdrsIssued: count("cdr.issued"),
    summariesSealed: count("summary.sealed"),
    summariesAcknowledged: count("summary.acknowledged"),
    energyWhMetered: sessions.reduce((sum, s) => sum + s.energy_wh, 0),
    energyWhBilled: sessions.reduce((sum, s) => sum + (s.billed_wh ?? 0), 0),
    siteA: [...(site.current_a ?? [0, 0, 0])],
    siteLimitA: [...site.limit_a],
    nodeRed: parts.flows?.state() ?? "off",
    stationsByState: byState,
    readiness: parts.readiness.counts(),
    plan: { source, madeMs, counts: { ...parts.planner.counts } },
    gridOrders: parts.gridDoor.list(),
  };
}

/** Folds, seals and delivers all that is pending; false when the cloud did not take it in time. Wire time. */
export async function flushAll({ ledger, outbox, latest }: Parts, timeoutMs: number): Promise<boolean> {
  const until = Date.now() + timeoutMs;
  while (ledger.pending > 0 && Date.now() < until) await pause(20);
  const goal = latest.head;
  while (!foldedUpTo(goal, latest) && Date.now() < until) await pause(20);
  // Two groups more: what folding gives is committed with the next group, and its bills with the one after.
  await pause(200);
  return outbox.ask("flush", { timeoutMs: Math.max(0, until - Date.now()) });
}

/**
 * Whether the folds have seen all up to offset `goal`. Not whether nothing is left: in fast depot time the clock appends
 * hundreds of ticks a second, and some of them always wait.
 */
export const foldedUpTo = (goal: number, { head, foldLag }: { head: number; foldLag: number }): boolean =>
  head - foldLag >= goal;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
