/** Signatures over signed meter values (OCMF 1.4.1, "Signing and Verification Process"). */
import { verify } from "node:crypto";
import { type Algorithm, algorithmOf, DEFAULT_ALGORITHM } from "./curves.ts";
import { type EcdsaPair, ecdsaPair } from "./der.ts";
import { OcmfError } from "./error.ts";
import { type PublicKey, readPublicKey } from "./keys.ts";
import type { OcmfRecord } from "./record.ts";

export interface Verification {
  /** Null when it could not be tried: no key, or a curve that this OpenSSL does not have. */
  verified: boolean | null;
  /** SA, or its default. */
  algorithm: string;
  /** Null when SA names none that is known. */
  curve: string | null;
  /** SubjectPublicKeyInfo of the key, hex; null when there is none that can be read. */
  key: string | null;
  /** Why not; empty when verified. */
  reasons: readonly string[];
  /** What only `lenient` let pass. */
  notes: readonly string[];
}

/**
 * Checks the signature over exactly the bytes that came. `key` is anything `readPublicKey` reads, null for none.
 * `lenient` also takes signatures as raw r and s, or in DER that is not the shortest, and notes it.
 */
export function verifyOcmf(
  record: OcmfRecord,
  key: string | Uint8Array | null,
  options: { lenient?: boolean } = {},
): Verification {
  const sa = record.signature.algorithm?.trim() || DEFAULT_ALGORITHM;
  const algorithm = algorithmOf(sa);
  const base = { algorithm: sa, curve: algorithm?.curve.name ?? null, key: null, notes: [] };
  const refuse = (reason: string, more: Partial<Verification> = {}): Verification => ({
    ...base,
    verified: false,
    reasons: [reason],
    ...more,
  });
  if (!algorithm) return refuse(`signature algorithm SA is not known: ${JSON.stringify(sa)}`);
  if (key === null) return refuse("no public key given: the signature was not checked", { verified: null });

  try {
    const publicKey = readPublicKey(key, algorithm.curve);
    return { ...base, ...checkedWith(publicKey, record, algorithm, options.lenient ?? false) };
  } catch (error) {
    if (error instanceof OcmfError) return refuse(error.message);
    throw error;
  }
}

type Outcome = Pick<Verification, "verified" | "key" | "reasons" | "notes">;

function checkedWith(key: PublicKey, record: OcmfRecord, algorithm: Algorithm, lenient: boolean): Outcome {
  const outcome = (verified: boolean | null, reasons: string[], notes: string[] = []): Outcome => ({
    verified,
    key: key.spki.toString("hex"),
    reasons,
    notes,
  });
  if (key.curve !== algorithm.curve) return outcome(false, [otherCurve(key, record, algorithm)]);
  if (!key.object) return outcome(null, [lackingCurve(algorithm)]);
  try {
    const { signature, notes } = signatureOf(record, algorithm, lenient);
    const how = { key: key.object, dsaEncoding: "ieee-p1363" } as const;
    if (verify(algorithm.hash, record.signed, how, signature)) return outcome(true, [], notes);
    return outcome(false, ["the signature does not match the data and this public key"]);
  } catch (error) {
    if (error instanceof OcmfError) return outcome(false, [error.message]);
    throw error;
  }
}

function otherCurve(key: PublicKey, { signature }: OcmfRecord, { curve }: Algorithm): string {
  const why = signature.algorithm === null ? " (SA is missing, so the default applies)" : "";
  return `the public key is of curve ${key.curve.name}, but the record is signed on ${curve.name}${why}`;
}

function lackingCurve({ curve }: Algorithm): string {
  return `the OpenSSL ${process.versions.openssl} of this Node.js does not have curve ${curve.name}: the signature was not checked`;
}

/** r and s, each as long as a coordinate (IEEE P1363). Throws `OcmfError`. */
function signatureOf(
  record: OcmfRecord,
  { curve }: Algorithm,
  lenient: boolean,
): { signature: Buffer; notes: string[] } {
  const bytes = signatureBytes(record.signature);
  const pair = ecdsaPair(bytes);
  if (pair && (pair.canonical || lenient)) {
    const signature = padded(pair, curve.size);
    const notes = pair.canonical ? [] : ["the signature is not canonical DER; taken because lenient"];
    return { signature, notes };
  }
  if (pair) throw new OcmfError("SD", "is not canonical DER; lenient checking takes it");
  if (bytes.length !== 2 * curve.size)
    throw new OcmfError("SD", "is not an ECDSA signature in DER", bytes.toString("hex"));
  if (!lenient) throw new OcmfError("SD", "is r and s without DER; lenient checking takes it");
  return { signature: bytes, notes: ["the signature is r and s without DER; taken because lenient"] };
}

function signatureBytes({ data, encoding }: OcmfRecord["signature"]): Buffer {
  const compact = data.replaceAll(/\s/g, "");
  const how = encoding?.trim().toLowerCase() || "hex";
  if (how === "hex" && /^([0-9a-f]{2})+$/i.test(compact)) return Buffer.from(compact, "hex");
  if (how === "base64" && /^[A-Za-z0-9+/]+={0,2}$/.test(compact)) return Buffer.from(compact, "base64");
  if (how !== "hex" && how !== "base64") throw new OcmfError("SE", "must be hex or base64", encoding);
  throw new OcmfError("SD", `is not ${how}`, data);
}

function padded({ r, s }: EcdsaPair, size: number): Buffer {
  if (r.length > size || s.length > size) throw new OcmfError("SD", "is longer than the curve allows");
  const zeros = (n: number) => Buffer.alloc(n);
  return Buffer.concat([zeros(size - r.length), r, zeros(size - s.length), s]);
}
