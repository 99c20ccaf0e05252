/** What a summary says of the facts that it is made from: CDRs under the payer's name towards the cloud, and notices. */
import type { Cdr } from "../model/cdr.ts";
import type { EventOf } from "../model/event.ts";
import type { Payer, SummaryPayload } from "../model/summary.ts";

/** Whom the log's `token_ref` names, as the cloud may know it. The same for ever, also after the subject is erased. */
export type PayerOf = (tokenRef: string) => Payer;

/** Facts that go into summaries, in the order of the log. */
export const SUMMARISED_TYPES = ["cdr.issued", "subject.erased"] as const;
export type Summarised = EventOf<(typeof SUMMARISED_TYPES)[number]>;

type Content = Pick<SummaryPayload, "tariff_hashes" | "cdrs" | "payers" | "erasures">;

export function summaryContent(events: readonly Summarised[], payerOf: PayerOf): Content {
  const named = new Map<string, Payer>();
  const cdrs: Cdr[] = [];
  const erasures: NonNullable<Content["erasures"]> = [];
  for (const event of events) {
    if (event.type === "subject.erased") {
      erasures.push({ payer: event.body.payer, erased_at: new Date(event.atMs).toISOString() });
      continue;
    }
    const { cdr_token } = event.body;
    if (cdr_token === null) {
      cdrs.push(event.body);
      continue;
    }
    const payer = named.get(cdr_token) ?? payerOf(cdr_token);
    named.set(cdr_token, payer);
    cdrs.push({ ...event.body, cdr_token: payer.payer });
  }
  const payers = [...named.values()].filter(({ contract_id }) => contract_id !== undefined);
  return {
    tariff_hashes: [...new Set(cdrs.map(({ tariff }) => tariff.hash))].sort(),
    cdrs,
    ...(payers.length > 0 ? { payers } : {}),
    ...(erasures.length > 0 ? { erasures } : {}),
  };
}
