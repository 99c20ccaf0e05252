/**
 * The two hash chains. A link covers the link before it and everything of its row; a fact's covers only the hash of
 * its body, so that retention may empty the body and the chain still verifies.
 */
import { hash } from "node:crypto";

/** The link before the first row. */
export const GENESIS = "";

export function sha256(text: string): string {
  return hash("sha256", text, "base64url");
}

export interface LinkedRow {
  offset: number;
  at_ms: number;
  type: string;
  station: string | null;
}

/** SHA-256, base64url, over the previous link and the row. `\n` and `|` never occur in the fields before the body. */
export function sampleLink(previous: string, row: LinkedRow, body: string): string {
  return sha256(`${previous}\n${row.offset}|${row.at_ms}|${row.type}|${row.station ?? ""}|${body}`);
}

export function factLink(previous: string, row: LinkedRow, key: string | null, bodyHash: string): string {
  return sha256(
    `${previous}\n${row.offset}|${row.at_ms}|${row.type}|${row.station ?? ""}|${bodyHash}|${key ?? ""}`,
  );
}
