/**
 * The high-water mark: a small signed file beside the log that says how far both chains had come. SQLite cannot see
 * rows that a damaged WAL silently lost; the mark can, because it lies outside of the database.
 */
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";

export interface Mark {
  factOffset: number;
  factHash: string;
  sampleOffset: number;
  sampleHash: string;
  /** Depot time, RFC 3339. */
  at: string;
}

/** Only what the signature covers: other fields of the file mean nothing. */
function fieldsOf(mark: Mark): Mark {
  const { factOffset, factHash, sampleOffset, sampleHash, at } = mark;
  return { factOffset, factHash, sampleOffset, sampleHash, at };
}

function signedText(mark: Mark): string {
  return `laddport-mark-1\n${mark.factOffset}\n${mark.factHash}\n${mark.sampleOffset}\n${mark.sampleHash}\n${mark.at}`;
}

/** Replaces the file durably: written beside, flushed, renamed. ECDSA or RSA over SHA-256. */
export function writeMark(file: string, mark: Mark, key: KeyObject): void {
  const signature = sign("sha256", Buffer.from(signedText(mark)), key).toString("base64");
  const beside = `${file}.next`;
  const fd = openSync(beside, "w", 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ ...fieldsOf(mark), signature })}\n`);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, file);
}

export type MarkRead =
  | { state: "absent" }
  | { state: "valid"; mark: Mark }
  | { state: "invalid"; why: string };

/** Reads and checks the signature. A mark that is there but not ours is as alarming as lost rows. */
export function readMark(file: string, publicPem: string | Buffer): MarkRead {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { state: "absent" };
    throw error;
  }
  try {
    const { signature, ...mark } = JSON.parse(text) as Mark & { signature: string };
    const good = verify(
      "sha256",
      Buffer.from(signedText(mark)),
      createPublicKey(publicPem),
      Buffer.from(signature, "base64"),
    );
    return good
      ? { state: "valid", mark: fieldsOf(mark) }
      : { state: "invalid", why: "its signature does not verify" };
  } catch (error) {
    return { state: "invalid", why: `it cannot be read: ${(error as Error).message}` };
  }
}
