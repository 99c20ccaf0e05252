/** What an erasure leaves behind, why, and until when: the answer to Art. 17 GDPR, given before and after. */

import type { RetentionClocks } from "../model/retention.ts";
import type { KeptItem } from "../model/subject.ts";
import { bookkeepingGround } from "./bookkeeping.ts";
import { booksUntil } from "./retention-cutoffs.ts";

/** What the log and the store have of a subject. */
export interface ErasureScope {
  sessions: number;
  /** Sessions that have not ended. */
  open: number;
  cdrs: number;
  /** Of the newest bill, ms; null when there is none. */
  lastBilledMs: number | null;
  /** Cost centres that the bills name. */
  groups: readonly string[];
  /** Whether summaries go to a cloud. */
  isForwarded: boolean;
  /** The file that the token list is read from again at each start; null when there is none. */
  tokenFile: string | null;
}

export interface ErasurePlace {
  /** ISO 3166-1 alpha-2. */
  country: string;
  books: BooksClock;
  /** Days after which a key of the quarantine is destroyed. */
  quarantineDays: number;
  nowMs: number;
}

export type BooksClock = Pick<RetentionClocks, "booksYears" | "fiscalYearEnd" | "timeZone">;

const DAY_MS = 86_400_000;

export function keptAfterErasure(
  scope: ErasureScope,
  { country, books, quarantineDays, nowMs }: ErasurePlace,
): KeptItem[] {
  const ground = bookkeepingGround(country);
  const { sessions, open, cdrs, lastBilledMs, groups } = scope;
  const kept: KeptItem[] = [];
  // What is billed after today binds from then on.
  const billedMs = open > 0 ? Math.max(nowMs, lastBilledMs ?? 0) : lastBilledMs;
  if (billedMs !== null && cdrs + open > 0) {
    const until = booksUntil(billedMs, books);
    const whose =
      groups.length > 0
        ? `billed to cost centre ${groups.join(", ")}; the link to the driver is gone`
        : "under a pseudonym that leads to nobody";
    kept.push({ what: `bills: ${cdrs}, ${whose}`, until, ground });
    kept.push({
      what: `session records: ${sessions}, the evidence of the bills, under the same pseudonym`,
      until,
      ground,
    });
  } else if (sessions > 0) {
    kept.push({
      what: `session records: ${sessions} without a bill, under a pseudonym that leads to nobody`,
      until: null,
      ground: "no personal data any more: their key is destroyed",
    });
  }
  if (open > 0)
    kept.push({
      what: `running sessions: ${open}, measured and billed to their end under the pseudonym they began with`,
      until: null,
      ground: "performance of the contract, then bookkeeping",
    });
  kept.push({
    what: "messages in quarantine that may repeat the token, sealed under keys of the day",
    until: day(nowMs + quarantineDays * DAY_MS),
    ground: `each key is destroyed after ${quarantineDays} days`,
  });
  if (scope.isForwarded && cdrs + open > 0)
    kept.push({
      what: "sealed summaries at the receiver, under the upstream pseudonym",
      until: null,
      ground: "an erasure notice goes with the next summary; the receiver answers for its copies",
    });
  if (scope.tokenFile !== null)
    kept.push({
      what: `the token's line in ${scope.tokenFile}`,
      until: null,
      ground: "the operator's own file, read again at each start: remove the line",
    });
  return kept;
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
