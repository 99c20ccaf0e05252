/** `laddport summary list|export`: the sealed summaries of a log, beside a running gateway or on a stopped one's files. */
import { createHash } from "node:crypto";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Event, EventOf } from "../model/event.ts";
import { factsOf } from "./cdr-log.ts";
import { writeDocument } from "./document-files.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

export interface SummaryListOptions {
  data: string;
  json?: boolean;
}

export interface SummaryExportOptions {
  data: string;
  seq: number;
  /** The newest that has this number when absent. */
  epoch?: number;
  out: string;
}

/** What the log says of a summary. */
interface SummaryRow {
  epoch: number;
  seq: number;
  sealed_at: string;
  cdrs: number;
  bytes: number;
  /** SHA-256, hex, of the sealed bytes. */
  sha256: string;
  state: "sealed" | "acknowledged" | "rejected";
  /** Why it was rejected. */
  reason?: string;
  /** When its bytes were deleted. */
  forgotten_at?: string;
  /** Fingerprints of the certificates that it is sealed for. */
  recipients: string[];
}

const TYPES = ["summary.sealed", "summary.acknowledged", "summary.rejected", "summary.forgotten"] as const;

/** Oldest first. */
export async function summaryList(options: SummaryListOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const rows = new Map<string, SummaryRow>();
  for await (const event of factsOf(reader, TYPES)) enter(rows, event);
  await reader.close();
  const found = [...rows.values()];
  if (options.json) io.stdout.write(found.map((row) => `${JSON.stringify(row)}\n`).join(""));
  else {
    const head = ["epoch", "seq", "sealed", "CDRs", "bytes", "state", ""];
    const cells = found.map((row) => [
      row.epoch,
      row.seq,
      row.sealed_at,
      row.cdrs,
      row.bytes,
      row.state,
      row.reason ?? (row.forgotten_at ? `bytes deleted ${row.forgotten_at}` : ""),
    ]);
    io.stdout.write(`${table([head, ...cells])}\n`);
    if (found.length === 0) io.stderr.write("no summary has been sealed yet\n");
  }
  return EXIT.ok;
}

function enter(rows: Map<string, SummaryRow>, event: Event): void {
  if (event.type === "summary.sealed") {
    const { epoch, seq, sha256, size, cdr_ids, recipients } = event.body;
    const sealed_at = new Date(event.atMs).toISOString();
    const row = { epoch, seq, sealed_at, cdrs: cdr_ids.length, bytes: size, sha256, recipients };
    rows.set(`${epoch}/${seq}`, { ...row, state: "sealed" });
    return;
  }
  const { epoch, seq } = event.body as { epoch: number; seq: number };
  const row = rows.get(`${epoch}/${seq}`);
  if (!row) return;
  if (event.type === "summary.acknowledged") row.state = "acknowledged";
  if (event.type === "summary.forgotten") row.forgotten_at = new Date(event.atMs).toISOString();
  if (event.type !== "summary.rejected") return;
  row.state = "rejected";
  row.reason = event.body.reason;
}

/** Writes the bytes as they were sent. Exit 1 when the log does not have them. @throws LaddportError LP802. */
export async function summaryExport(options: SummaryExportOptions, io: CommandIo): Promise<number> {
  const { seq, epoch, out } = options;
  const reader = openLog(options.data);
  try {
    const name = epoch === undefined ? String(seq) : `${epoch}/${seq}`;
    const sealed = await sealedAs(reader, seq, epoch);
    if (!sealed) {
      io.stderr.write(`there is no summary ${name}; laddport summary list shows those there are\n`);
      return EXIT.failed;
    }
    const bytes = await reader.attachment(sealed.offset);
    if (!bytes) {
      io.stderr.write(`the bytes of summary ${sealed.body.epoch}/${seq} were deleted after their receipt\n`);
      return EXIT.failed;
    }
    if (createHash("sha256").update(bytes).digest("hex") !== sealed.body.sha256) {
      io.stderr.write(`the bytes of summary ${sealed.body.epoch}/${seq} are not those that the log names\n`);
      return EXIT.failed;
    }
    writeDocument(out, bytes);
    io.stderr.write(`summary ${sealed.body.epoch}/${seq} is in ${out}, SHA-256 ${sealed.body.sha256}\n`);
    return EXIT.ok;
  } finally {
    await reader.close();
  }
}

async function sealedAs(
  reader: SqliteReader,
  seq: number,
  epoch: number | undefined,
): Promise<EventOf<"summary.sealed"> | undefined> {
  if (epoch !== undefined) {
    const event = await reader.factByKey(`summary.sealed:${epoch}:${seq}`);
    return event?.type === "summary.sealed" ? event : undefined;
  }
  let newest: EventOf<"summary.sealed"> | undefined;
  for await (const event of factsOf(reader, ["summary.sealed"]))
    if (event.type === "summary.sealed" && event.body.seq === seq) newest = event;
  return newest;
}
