/** As much DER (ITU-T X.690) as keys and ECDSA signatures need: nested elements, read and written. */

interface DerElement {
  tag: number;
  content: Buffer;
  /** Where the next element begins. */
  end: number;
  /** False when the length was not written in the shortest form (X.690 section 10.1). */
  canonical: boolean;
}

const INTEGER = 0x02;
const SEQUENCE = 0x30;

/** The element at `at`; undefined when the bytes are none. */
export function derElement(bytes: Buffer, at = 0): DerElement | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return undefined;
  let start = at + 2;
  let length = first;
  let canonical = true;
  if (first >= 0x80) {
    const count = first - 0x80;
    if (count < 1 || count > 3 || start + count > bytes.length) return undefined;
    length = bytes.readUIntBE(start, count);
    start += count;
    canonical = length >= 0x80 && length >= 2 ** (8 * (count - 1));
  }
  const end = start + length;
  return end > bytes.length ? undefined : { tag, content: bytes.subarray(start, end), end, canonical };
}

/** An element of fewer than 65,536 bytes. */
export function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

export interface EcdsaPair {
  r: Buffer;
  s: Buffer;
  /** False when OpenSSL would refuse the encoding: needless zeros, a missing one, a long length. */
  canonical: boolean;
}

/** `SEQUENCE { r INTEGER, s INTEGER }` with nothing behind it (RFC 3279 section 2.2.3); numbers without leading zeros. */
export function ecdsaPair(signature: Buffer): EcdsaPair | undefined {
  const outer = derElement(signature);
  if (outer?.tag !== SEQUENCE || outer.end !== signature.length) return undefined;
  const r = derElement(outer.content);
  const s = r && derElement(outer.content, r.end);
  if (r?.tag !== INTEGER || s?.tag !== INTEGER || s.end !== outer.content.length) return undefined;
  const canonical = outer.canonical && [r, s].every((part) => part.canonical && shortest(part.content));
  return { r: magnitude(r.content), s: magnitude(s.content), canonical };
}

/** Positive, and no leading zero that the sign does not need. */
function shortest(content: Buffer): boolean {
  const [first = 0x80, second = 0] = content;
  return first < 0x80 && (first !== 0 || content.length === 1 || second >= 0x80);
}

function magnitude(content: Buffer): Buffer {
  let from = 0;
  while (from < content.length && content[from] === 0) from++;
  return content.subarray(from);
}
