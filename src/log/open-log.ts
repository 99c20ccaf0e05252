/** Opens the log for writing with what its signed high-water mark says: the one way in, for the gateway and commands. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type MarkRead, readMark, writeMark } from "./mark.ts";
import { openSqliteStoreNow, type SqliteStore } from "./sqlite-store.ts";

const EMPTY_MARK = {
  factOffset: 0,
  factHash: "",
  sampleOffset: 0,
  sampleHash: "",
  at: "1970-01-01T00:00:00Z",
};

export interface OpenedLog {
  store: SqliteStore;
  /** As it was before anything is written. */
  mark: MarkRead;
}

/** `signerKey` signs the mark, `publicPem` proves it. Creates or migrates the log in `dir`. */
export function openLogNow(
  dir: string,
  { signerKey, publicPem }: { signerKey: () => KeyObject; publicPem: string },
): OpenedLog {
  const file = join(dir, "log.db");
  const markFile = join(dir, "log.mark");
  // The first mark comes before the first row: from then on a missing mark is damage.
  if (!existsSync(file) && !existsSync(markFile)) writeMark(markFile, EMPTY_MARK, signerKey());
  const mark = readMark(markFile, publicPem);
  // Never number at or below what the mark names, even when the log lost rows.
  const highWater = mark.state === "valid" ? Math.max(mark.mark.factOffset, mark.mark.sampleOffset) : 0;
  return { store: openSqliteStoreNow(file, { highWater }), mark };
}

/** Writes the mark for all that is committed. `at`: depot time, ms. */
export function markNow(dir: string, store: SqliteStore, signerKey: KeyObject, atMs: number): void {
  const { factOffset, factHash, sampleOffset, sampleHash } = store.readHead();
  const at = new Date(atMs).toISOString();
  writeMark(join(dir, "log.mark"), { factOffset, factHash, sampleOffset, sampleHash, at }, signerKey);
}

/** The public half of a signing key, PEM: what proves a mark that it made. */
export function publicPemOf(signerKey: KeyObject): string {
  return createPublicKey(signerKey).export({ type: "spki", format: "pem" }).toString();
}

/** What is missing of what the mark says was committed, in words. */
export function damageOf(mark: MarkRead, head: { factOffset: number; sampleOffset: number }): string | null {
  if (mark.state === "invalid") return `the high-water mark is not ours: ${mark.why}`;
  if (mark.state === "absent") return head.factOffset > 0 ? "the high-water mark is missing" : null;
  const { factOffset, sampleOffset } = mark.mark;
  const lost = [
    head.factOffset < factOffset ? `facts after ${head.factOffset} up to ${factOffset}` : "",
    head.sampleOffset < sampleOffset ? `samples after ${head.sampleOffset} up to ${sampleOffset}` : "",
  ].filter(Boolean);
  return lost.length > 0 ? `rows that were committed are gone: ${lost.join(" and ")}` : null;
}
