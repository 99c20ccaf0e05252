/**
 * A cloud that receives sealed summaries: opens each with its own key, keeps books, answers receipts. It can lose
 * receipts, be away for a while, and store what it received. An outsider: it knows the contracts and nothing else.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SummaryPayload } from "../model/summary.ts";
import { type BooksOptions, type CloudBooks, type CloudTotals, createCloudBooks } from "./cloud-books.ts";
import { brokerDoor, httpDoor } from "./cloud-doors.ts";
import { signReceipt } from "./cloud-receipt.ts";

export interface CloudOptions extends BooksOptions {
  site: string;
  /** Default `mqtt`: a broker of its own. */
  over?: "mqtt" | "http";
  /** Default 0: any free port. */
  port?: number;
  tls?: { key: string; cert: string };
  /** Signs every receipt with this key (PEM). */
  receiptKeyPem?: string;
  /** Where accepted summaries are kept: `{gateway}-{epoch}-{seq}.p7m` (DER) or `.json`. */
  storeDir?: string;
  /** True loses the receipt for this arrival (counted from 1): received and booked, never answered. */
  loseReceipt?(arrival: number): boolean;
}

export interface Cloud {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Cuts every connection and refuses new ones; the books stay. */
  away(): Promise<void>;
  /** Listens again on the same port. */
  back(): Promise<void>;
  /** `mqtt://127.0.0.1:40001`, once started. */
  readonly url: string;
  totals(): CloudTotals;
  readonly cdrs: CloudBooks["cdrs"];
  readonly signedRecords: CloudBooks["signedRecords"];
}

/** First byte of DER. */
const SEQUENCE = 0x30;

export function createCloud(options: CloudOptions): Cloud {
  const { site, over = "mqtt", tls, storeDir, receiptKeyPem, loseReceipt } = options;
  const books = createCloudBooks(options);
  let port = options.port ?? 0;
  let arrivals = 0;
  const door = (over === "mqtt" ? brokerDoor : httpDoor)({
    site,
    ...(tls && { tls }),
    async take(der) {
      arrivals += 1;
      const lost = loseReceipt?.(arrivals) ?? false;
      const { receipt, payload } = books.take(der);
      if (payload && storeDir) await writeFile(join(storeDir, fileName(payload, der)), der);
      if (lost) return undefined;
      const message = receiptKeyPem === undefined ? receipt : signReceipt(receipt, receiptKeyPem);
      return { status: receipt.status, message };
    },
  });
  const open = async () => {
    port = await door.open(port);
  };
  return {
    async start() {
      if (storeDir) await mkdir(storeDir, { recursive: true });
      await open();
    },
    stop: door.close,
    away: door.close,
    back: open,
    get url() {
      const scheme = tls ? `${over}s` : over;
      return `${scheme}://127.0.0.1:${port}${over === "http" ? "/v1/summaries" : ""}`;
    },
    totals: books.totals,
    cdrs: books.cdrs,
    signedRecords: books.signedRecords,
  };
}

/** Signed or not, a sender's text does not choose a path. */
const fileName = ({ gateway, epoch, seq }: SummaryPayload, bytes: Uint8Array): string =>
  `${gateway.replaceAll(/[^\w-]/g, "_")}-${epoch}-${String(seq).padStart(6, "0")}.${bytes[0] === SEQUENCE ? "p7m" : "json"}`;
