/** Signed meter values on a document: whose, whether they hold, and by which key. The records themselves hold the card's
 * number and stay sealed; their hashes name them. */
import { createHash } from "node:crypto";
import type { Cdr } from "../model/cdr.ts";
import type { Block } from "./document.ts";
import type { Words } from "./words.ts";

/** SHA-256, hex, of the key's DER (SubjectPublicKeyInfo), which registries write as hex or base64, or of its text. */
export function keyFingerprint(publicKey: string): string {
  const compact = publicKey.replace(/-----[^-]+-----/g, "").replace(/\s+/g, "");
  const bytes = /^([0-9a-fA-F]{2})+$/.test(compact)
    ? Buffer.from(compact, "hex")
    : /^[A-Za-z0-9+/]+={0,2}$/.test(compact)
      ? Buffer.from(compact, "base64")
      : Buffer.from(publicKey, "utf8");
  return createHash("sha256").update(bytes).digest("hex");
}

/** No block when the meter signed nothing. */
export function signedFacts({ signed_data: data }: Cdr, { signed }: Words): Block[] {
  if (!data) return [];
  // A meter's digits stay as it wrote them.
  const reading = (label: string, value: typeof data.begin) =>
    value ? [{ label, value: `${value.value} ${value.unit}, ${value.time}` }] : [];
  return [
    {
      kind: "facts",
      heading: signed.heading,
      facts: [
        { label: signed.meter, value: `${data.meter_serial} (${data.encoding_method})` },
        {
          label: signed.signature,
          value: data.verified ? signed.verified : signed.unverified(data.reasons.join("; ")),
        },
        {
          label: signed.fingerprint,
          value: data.public_key === null ? signed.noKey : keyFingerprint(data.public_key),
        },
        ...reading(signed.begin, data.begin),
        ...reading(signed.end, data.end),
        ...data.values.map(({ nature, sha256 }) => ({
          label: signed.value(signed.natures[nature]),
          value: signed.sealed(sha256),
        })),
      ],
    },
  ];
}
