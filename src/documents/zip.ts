/** A ZIP archive (PKWARE APPNOTE 6.3.3, version 2.0, deflate) of a few documents in memory. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  /** Path in the archive, with `/`. */
  name: string;
  content: string | Uint8Array;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
/** Bit 11: names are UTF-8. */
const UTF8 = 0x0800;
const DEFLATE = 8;
/** Owner may read and write, others nothing; a regular file, made on Unix. */
const MADE_BY = (3 << 8) | VERSION;
const MODE = (0o100600 << 16) >>> 0;
const MAX = 0xffffffff;

/** `atMs`: the time that entries carry, as UTC. @throws RangeError past 4 GiB or 65,535 entries, which need ZIP64. */
export function zipOf(entries: readonly ZipEntry[], atMs: number): Buffer {
  if (entries.length > 0xffff)
    throw new RangeError(`${entries.length} entries are too many for a ZIP archive`);
  const stamp = dosTime(atMs);
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const plain = Buffer.from(content);
    const packed = deflateRawSync(plain);
    const path = Buffer.from(name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(VERSION, 0);
    fields.writeUInt16LE(UTF8, 2);
    fields.writeUInt16LE(DEFLATE, 4);
    fields.writeUInt32LE(stamp, 6);
    fields.writeUInt32LE(crc32(plain), 10);
    fields.writeUInt32LE(sized(packed.length), 14);
    fields.writeUInt32LE(sized(plain.length), 18);
    fields.writeUInt16LE(path.length, 22);
    parts.push(word(LOCAL), fields, path, packed);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(MODE, 6);
    tail.writeUInt32LE(sized(offset), 10);
    const madeBy = Buffer.alloc(2);
    madeBy.writeUInt16LE(MADE_BY);
    central.push(word(CENTRAL), madeBy, fields, tail, path);
    offset += 4 + fields.length + path.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(sized(offset), 12);
  return Buffer.concat([...parts, directory, word(END), end]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function sized(bytes: number): number {
  if (bytes > MAX) throw new RangeError(`${bytes} bytes are too many for a ZIP archive`);
  return bytes;
}

/** MS-DOS time in the low half, date in the high half. */
function dosTime(atMs: number): number {
  const at = new Date(atMs);
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  return ((date << 16) | time) >>> 0;
}
