/**
 * The erasure journal: one line of JSON for each erased subject, in a file of its own beside the store, only ever
 * appended to. A store that comes back from an older backup is cleaned by it before it serves. Subjects stand in it
 * under a keyed name, so that the journal alone leads to nobody.
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

/** File name in the data directory. */
export const JOURNAL_FILE = "erasures.jsonl";

export interface ErasureLine {
  /** HMAC of the pseudonym, base64url. */
  subject: string;
  /** RFC 3339 UTC. */
  at: string;
  actor: string;
  ground: string;
}

/** Durable when it returns: before the subject goes. */
export function appendErasure(file: string, { subject, at, actor, ground }: ErasureLine): void {
  const fd = openSync(file, "a", 0o600);
  try {
    // A torn line of a power cut must not swallow this one: every line begins on its own.
    writeSync(fd, `\n${JSON.stringify({ subject, at, actor, ground })}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Every whole line, oldest first; a torn one (its subject was not erased yet) is left out. */
export function readErasures(file: string): ErasureLine[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    try {
      const read = JSON.parse(line) as ErasureLine;
      return typeof read.subject === "string" ? [read] : [];
    } catch {
      return [];
    }
  });
}
