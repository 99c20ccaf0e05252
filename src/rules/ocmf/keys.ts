/** Public keys in the many forms in which charging stations and their makers hand them out. */
import { createPublicKey, getCurves, type KeyObject } from "node:crypto";
import { CURVES, type Curve } from "./curves.ts";
import { der, derElement } from "./der.ts";
import { OcmfError } from "./error.ts";

export interface PublicKey {
  curve: Curve;
  /** SubjectPublicKeyInfo (RFC 5480), DER. */
  spki: Buffer;
  /** Null when the OpenSSL of this Node.js does not have the curve. */
  object: KeyObject | null;
}

const EC_PUBLIC_KEY = Buffer.from("06072a8648ce3d0201", "hex");
const FIELD = "public key";
const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const BIT_STRING = 0x03;

/**
 * Reads SPKI DER as bytes, hex, base64 or PEM; base64 of such hex; `oca:base16:asn1:` and hex, also in base64; and
 * where `curve` is known a bare point, `04` X Y or X Y. Spaces, line breaks and case do not matter. Throws `OcmfError`.
 */
export function readPublicKey(input: string | Uint8Array, curve: Curve | null = null): PublicKey {
  const bytes = typeof input === "string" ? decoded(input) : fromBytes(Buffer.from(input));
  if (bytes[0] === SEQUENCE && derElement(bytes)?.end === bytes.length) return fromSpki(bytes);
  return fromPoint(bytes, curve);
}

/** Texts around texts end somewhere: base64 of a text that is base64 itself is not a form anyone uses. */
const DEEPEST = 3;

function decoded(text: string, depth = 0): Buffer {
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(trimmed))
    throw new OcmfError(FIELD, "is a private key; hand out the public one only");
  const pem = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/.exec(trimmed)?.[1];
  if (pem !== undefined) return Buffer.from(pem, "base64");
  const compact = (/^oca:base16:asn1:(.*)$/is.exec(trimmed)?.[1] ?? trimmed).replaceAll(/[\s:]/g, "");
  if (/^(0x)?([0-9a-f]{2})+$/i.test(compact)) return Buffer.from(compact.replace(/^0x/i, ""), "hex");
  if (depth < DEEPEST && /^[A-Za-z0-9+/_-]+={0,2}$/.test(compact))
    return fromBytes(Buffer.from(compact, "base64"), depth + 1);
  throw new OcmfError(FIELD, "must be hex, base64 or PEM", text.slice(0, 80));
}

function fromBytes(bytes: Buffer, depth = 0): Buffer {
  if (bytes[0] === SEQUENCE && derElement(bytes)?.end === bytes.length) return bytes;
  const text = bytes.toString("utf8");
  return /^[\x20-\x7e\s\uFEFF]+$/.test(text) ? decoded(text, depth) : bytes;
}

function fromSpki(bytes: Buffer): PublicKey {
  const body = derElement(bytes)?.content ?? bytes;
  const algorithm = derElement(body);
  const point = algorithm && derElement(body, algorithm.end);
  if (algorithm?.tag !== SEQUENCE || point?.tag !== BIT_STRING)
    throw new OcmfError(FIELD, "is not a SubjectPublicKeyInfo", bytes.subarray(0, 40).toString("hex"));
  if (!algorithm.content.subarray(0, EC_PUBLIC_KEY.length).equals(EC_PUBLIC_KEY))
    throw new OcmfError(FIELD, "is not of an elliptic curve", algorithm.content.toString("hex"));
  const named = derElement(algorithm.content, EC_PUBLIC_KEY.length);
  const oid = named?.tag === OBJECT_IDENTIFIER ? named.content.toString("hex") : undefined;
  const curve = CURVES.find((known) => known.oid === oid);
  if (!curve) throw new OcmfError(FIELD, "is of a curve that OCMF does not have", oid ?? null);
  return onCurve(curve, point.content.subarray(1));
}

function fromPoint(bytes: Buffer, curve: Curve | null): PublicKey {
  const seen = bytes.subarray(0, 40).toString("hex");
  if (!curve) throw new OcmfError(FIELD, "is not a SubjectPublicKeyInfo", seen);
  if (bytes.length === 2 * curve.size) return onCurve(curve, Buffer.concat([Buffer.from([4]), bytes]));
  if (bytes.length === 2 * curve.size + 1 && bytes[0] === 4) return onCurve(curve, bytes);
  throw new OcmfError(FIELD, `is neither a SubjectPublicKeyInfo nor a point of ${curve.name}`, seen);
}

function onCurve(curve: Curve, point: Buffer): PublicKey {
  const name = der(OBJECT_IDENTIFIER, Buffer.from(curve.oid, "hex"));
  const spki = der(SEQUENCE, der(SEQUENCE, EC_PUBLIC_KEY, name), der(BIT_STRING, Buffer.from([0]), point));
  if (!getCurves().includes(curve.openssl)) return { curve, spki, object: null };
  try {
    return { curve, spki, object: createPublicKey({ key: spki, format: "der", type: "spki" }) };
  } catch {
    throw new OcmfError(FIELD, `is not a point of ${curve.name}`, point.subarray(0, 40).toString("hex"));
  }
}
