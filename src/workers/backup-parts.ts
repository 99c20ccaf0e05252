/** What a backup holds, one after another: each part is a line of JSON with its name and size, then its bytes. */
import { createReadStream, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

export interface Manifest {
  version: 1;
  laddport: string;
  site: string;
  created_at: string;
  epoch: number;
  head: { offset: number; fact_hash: string; sample_hash: string };
  /** Shows whether a KEK is the store's, and nothing else. */
  kek_check: string;
  /** SHA-256 of the certificate that the log is signed with, hex. */
  signer: string;
  /** SHA-256, hex: whether the config beside a restored log is the one of then. */
  config_sha256: string;
}

/** Names are of files in the data directory: no folders. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MANIFEST = "manifest.json";

export async function* packed(
  manifest: Manifest,
  files: readonly { name: string; file: string }[],
): AsyncGenerator<Buffer> {
  const text = Buffer.from(JSON.stringify(manifest));
  yield lineOf(MANIFEST, text.length);
  yield text;
  for (const { name, file } of files) {
    const { size } = statSync(file);
    yield lineOf(name, size);
    if (size > 0) yield* createReadStream(file, { end: size - 1, highWaterMark: 1024 * 1024 });
  }
}

const lineOf = (name: string, size: number) => Buffer.from(`${JSON.stringify({ name, size })}\n`);

/**
 * Writes the parts into `dir`, flushed. `accept` looks at the manifest before anything is written, and throws.
 * Returns the names. @throws when a part is cut off or has a name that leads out of the folder.
 */
export async function unpack(
  plain: AsyncIterable<Buffer>,
  dir: string,
  accept: (manifest: Manifest) => void,
): Promise<{ manifest: Manifest; names: string[] }> {
  const source = new Source(plain);
  let manifest: Manifest | undefined;
  const names: string[] = [];
  for (let line = await source.line(); line !== undefined; line = await source.line()) {
    const { name, size } = JSON.parse(line) as { name: string; size: number };
    if (name === MANIFEST && !manifest) {
      const text: Buffer[] = [];
      for await (const bytes of source.take(size)) text.push(bytes);
      manifest = JSON.parse(Buffer.concat(text).toString("utf8")) as Manifest;
      accept(manifest);
      continue;
    }
    if (!manifest || !NAME.test(name))
      throw new Error(`the backup has a part of the name ${JSON.stringify(name)}`);
    const out = await open(join(dir, name), "wx", 0o600);
    try {
      for await (const bytes of source.take(size)) await out.writeFile(bytes);
      await out.sync();
    } finally {
      await out.close();
    }
    names.push(name);
  }
  if (!manifest) throw new Error("the backup has no manifest");
  return { manifest, names };
}

/** Bytes of a stream, by lines and by counts. */
class Source {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(plain: AsyncIterable<Buffer>) {
    this.#chunks = plain[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value]);
    return true;
  }

  /** Undefined at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf(10);
      if (end >= 0) {
        const line = this.#held.subarray(0, end).toString("utf8");
        this.#held = this.#held.subarray(end + 1);
        return line;
      }
      if (await this.#more()) continue;
      if (this.#held.length > 0) throw new Error("the backup ends within a line");
      return undefined;
    }
  }

  async *take(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.#held.length === 0 && !(await this.#more())) throw new Error("the backup ends within a part");
      const bytes = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(bytes.length);
      left -= bytes.length;
      yield bytes;
    }
  }
}
