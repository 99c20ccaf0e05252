/**
 * The sealed file of a backup: a head in the clear that wraps a fresh key, then AES-256-GCM chunks of 1 MiB, so that a
 * log of any size streams. The nonce of a chunk is a random prefix, its number and whether it is the last (the STREAM
 * construction, Hoang et al., "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015):
 * a chunk that is changed, moved, missing or cut off is found. The head's hash is bound to each of them.
 */
import { createCipheriv, createDecipheriv, createHash, type KeyObject, randomBytes } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";

const MAGIC = Buffer.from("laddport-backup-1\n");
const CHUNK = 1024 * 1024;
const TAG = 16;
const PREFIX = 7;
const MAX_HEAD = 65_536;
const NOT_OPENED = "this backup cannot be opened: it is damaged, or not for this key";

/** What a backup says before it is opened. Nothing personal. */
export interface BackupHead {
  /** RFC 3339 UTC. */
  created_at: string;
  /** The key of the chunks, wrapped: how, and for whom. */
  keys: object[];
}

const Head = z.object({ created_at: z.string(), keys: z.array(z.looseObject({})), prefix: z.base64() });

/** Not a backup, cut off, changed, or not for this key: which of them is nobody's business. */
export class BackupNotOpened extends Error {
  override name = "BackupNotOpened";
}

/** Writes `plain` to a new file, flushed when it resolves. Returns its size. */
export async function writeSealed(
  file: string,
  head: BackupHead,
  key: KeyObject,
  plain: AsyncIterable<Uint8Array>,
): Promise<number> {
  const prefix = randomBytes(PREFIX);
  const text = Buffer.from(JSON.stringify({ ...head, prefix: prefix.toString("base64") }));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(text.length);
  const aad = createHash("sha256").update(text).digest();
  const out = await open(file, "wx", 0o600);
  try {
    await out.writeFile(Buffer.concat([MAGIC, size, text]));
    let n = 0;
    let held: Buffer = Buffer.alloc(0);
    const put = async (chunk: Buffer, isLast: boolean) => {
      const cipher = createCipheriv("aes-256-gcm", key, nonceOf(prefix, n++, isLast)).setAAD(aad);
      await out.writeFile(Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]));
    };
    for await (const part of plain) {
      held = Buffer.concat([held, part]);
      for (; held.length > CHUNK; held = held.subarray(CHUNK)) await put(held.subarray(0, CHUNK), false);
    }
    await put(held, true);
    await out.sync();
    return (await out.stat()).size;
  } finally {
    await out.close();
  }
}

/** Reads the head, and the plain bytes as they are asked for. `keyOf` unwraps. @throws BackupNotOpened. */
export async function* readSealed(
  file: string,
  keyOf: (head: BackupHead) => KeyObject,
): AsyncGenerator<Buffer> {
  const handle = await open(file, "r");
  try {
    const { head, prefix, aad, start } = await readHead(handle);
    const key = keyOf(head);
    const { size } = await handle.stat();
    for (let at = start, n = 0; ; n += 1) {
      const chunk = await exactly(handle, at, Math.min(CHUNK + TAG, size - at));
      at += chunk.length;
      yield opened(chunk, key, nonceOf(prefix, n, at === size), aad);
      if (at === size) return;
    }
  } finally {
    await handle.close();
  }
}

async function readHead(handle: FileHandle) {
  const begin = await exactly(handle, 0, MAGIC.length + 4);
  const length = begin.readUInt32BE(MAGIC.length);
  if (!begin.subarray(0, MAGIC.length).equals(MAGIC) || length > MAX_HEAD)
    throw new BackupNotOpened("this is no backup of Laddport");
  const text = await exactly(handle, MAGIC.length + 4, length);
  const head = headOf(text.toString("utf8"));
  const aad = createHash("sha256").update(text).digest();
  return { head, prefix: Buffer.from(head.prefix, "base64"), aad, start: MAGIC.length + 4 + length };
}

function headOf(text: string): z.infer<typeof Head> {
  try {
    return Head.parse(JSON.parse(text));
  } catch (cause) {
    throw new BackupNotOpened(NOT_OPENED, { cause });
  }
}

async function exactly(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, length));
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, at + done);
    if (bytesRead === 0) throw new BackupNotOpened("this backup is cut off");
    done += bytesRead;
  }
  return buffer;
}

function opened(chunk: Buffer, key: KeyObject, nonce: Buffer, aad: Buffer): Buffer {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG }).setAAD(aad);
    decipher.setAuthTag(chunk.subarray(-TAG));
    return Buffer.concat([decipher.update(chunk.subarray(0, -TAG)), decipher.final()]);
  } catch {
    throw new BackupNotOpened(NOT_OPENED);
  }
}

function nonceOf(prefix: Buffer, n: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  prefix.copy(nonce);
  nonce.writeUInt32BE(n, PREFIX);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
