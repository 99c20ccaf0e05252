/**
 * What a receiver of sealed summaries keeps: it opens each with its own key, checks who signed, numbers, duplicates and
 * the chain of hashes, and answers with a receipt. Plain memory; order of arrival does not matter.
 */
import { createHash } from "node:crypto";
import type { Cdr } from "../model/cdr.ts";
import type { Receipt, SignedRecords, SummaryPayload } from "../model/summary.ts";
import { openEnvelope } from "../workers/envelope.ts";
import { SummaryNotOpened } from "../workers/envelope-checks.ts";

export interface BooksOptions {
  /** The receiver's private key and certificate, PEM. */
  keyPem: string;
  certPem: string;
  /** The gateway's certificate (PEM) or the authority above it; anyone's signature is taken without. */
  signerPem?: string;
  /** A reason to reject a summary that is otherwise in order. */
  reject?(payload: SummaryPayload): string | undefined;
}

export interface CloudTotals {
  /** Every arrival, repeats included. */
  summaries_received: number;
  /** Accepted, each number once. */
  summaries_opened: number;
  /** Arrivals of bytes that were answered before. */
  duplicates: number;
  rejected: number;
  /** Numbers below the highest of an epoch that never came. */
  gaps: number;
  /** Summaries that name another predecessor than the one that came. */
  chain_breaks: number;
  cdrs: number;
  /** CDRs whose id was in an earlier summary. */
  cdr_duplicates: number;
  energy_wh: number;
}

interface Entry {
  payload: SummaryPayload;
  sha256: string;
  receipt: Receipt;
}

export interface CloudBooks {
  /** Opens, checks and answers. `payload` only when it is accepted for the first time. */
  take(der: Uint8Array): { receipt: Receipt; payload?: SummaryPayload };
  totals(): CloudTotals;
  /** Every accepted CDR by id. */
  readonly cdrs: ReadonlyMap<string, Cdr>;
  /** The signed meter values that came with CDRs, by their id. */
  readonly signedRecords: ReadonlyMap<string, SignedRecords>;
}

export function createCloudBooks(options: BooksOptions): CloudBooks {
  const { keyPem, certPem, signerPem } = options;
  const entries = new Map<string, Entry>();
  /** Highest number and how many came, by gateway and epoch. */
  const epochs = new Map<string, { gateway: string; epoch: number; highest: number; came: number }>();
  const cdrs = new Map<string, Cdr>();
  const signedRecords = new Map<string, SignedRecords>();
  const counted = {
    summaries_received: 0,
    summaries_opened: 0,
    duplicates: 0,
    rejected: 0,
    chain_breaks: 0,
    cdrs: 0,
    cdr_duplicates: 0,
    energy_wh: 0,
  };

  const numberOf = ({ gateway, epoch, seq }: SummaryPayload, step = 0): string =>
    `${gateway}:${epoch}:${seq + step}`;

  /** What speaks against the chain through this summary, if anything. */
  function chainFault(payload: SummaryPayload, sha256: string): string | undefined {
    const { gateway, epoch, seq, previous_sha256 } = payload;
    const before = entries.get(numberOf(payload, -1));
    if (before && before.sha256 !== previous_sha256)
      return `previous_sha256 is not that of summary ${epoch}:${seq - 1}`;
    const after = entries.get(numberOf(payload, 1));
    if (after && after.payload.previous_sha256 !== sha256)
      return `summary ${epoch}:${seq + 1} names other bytes`;
    if (seq > 1 || previous_sha256 !== null) return undefined;
    const earlier = [...epochs.values()].some((e) => e.gateway === gateway && e.epoch < epoch);
    return earlier ? "a new epoch must name the head of the old one" : undefined;
  }

  function judge(payload: SummaryPayload, sha256: string): string | undefined {
    const fault = chainFault(payload, sha256);
    if (fault) counted.chain_breaks += 1;
    return fault ?? options.reject?.(payload);
  }

  function enter(payload: SummaryPayload, sha256: string): Receipt {
    const { gateway, epoch, seq } = payload;
    const reason = judge(payload, sha256);
    const names = { gateway, epoch, seq, sha256 };
    const receipt: Receipt = reason
      ? { ...names, status: "rejected", reason }
      : { ...names, status: "accepted" };
    entries.set(numberOf(payload), { payload, sha256, receipt });
    const of = `${gateway}:${epoch}`;
    const { highest = 0, came = 0 } = epochs.get(of) ?? {};
    epochs.set(of, { gateway, epoch, highest: Math.max(highest, seq), came: came + 1 });
    if (reason) counted.rejected += 1;
    else book(payload);
    return receipt;
  }

  function book(payload: SummaryPayload): void {
    counted.summaries_opened += 1;
    for (const signed of payload.signed_records ?? []) signedRecords.set(signed.cdr_id, signed);
    for (const cdr of payload.cdrs) {
      if (cdrs.has(cdr.id)) {
        counted.cdr_duplicates += 1;
        continue;
      }
      cdrs.set(cdr.id, cdr);
      counted.cdrs += 1;
      counted.energy_wh += cdr.credit ? -cdr.energy_wh : cdr.energy_wh;
    }
  }

  function opened(der: Uint8Array): SummaryPayload | undefined {
    try {
      return openEnvelope(der, { key: keyPem, cert: certPem }, signerPem).payload;
    } catch {
      return undefined;
    }
  }

  return {
    cdrs,
    signedRecords,
    take(der) {
      counted.summaries_received += 1;
      const sha256 = createHash("sha256").update(der).digest("hex");
      const payload = opened(der);
      if (!payload) {
        counted.rejected += 1;
        return { receipt: { sha256, status: "rejected", reason: new SummaryNotOpened().message } };
      }
      const known = entries.get(numberOf(payload));
      if (known?.sha256 === sha256) {
        counted.duplicates += 1;
        return { receipt: known.receipt };
      }
      const { gateway, epoch, seq } = payload;
      if (known) {
        counted.rejected += 1;
        const reason = `number ${epoch}:${seq} was used for other bytes`;
        return { receipt: { gateway, epoch, seq, sha256, status: "rejected", reason } };
      }
      const receipt = enter(payload, sha256);
      return receipt.status === "accepted" ? { receipt, payload } : { receipt };
    },
    totals() {
      let gaps = 0;
      for (const { highest, came } of epochs.values()) gaps += highest - came;
      return { ...counted, gaps };
    },
  };
}
