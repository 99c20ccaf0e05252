/**
 * Sealing, profile `jose-1`, for receivers that cannot read CMS AuthEnvelopedData: a compact JWS (RFC 7515; ES256, or
 * RS256 by an RSA signer) inside a JWE in general JSON serialization (RFC 7516 section 7.2.1): A256GCM, the key wrapped
 * for each recipient by ECDH-ES+A256KW or RSA-OAEP-256 as its certificate's key asks. The payload is that of `cms-1`.
 */
import {
  createHash,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import type { Credentials } from "../identity/certificates.ts";
import type { SummaryPayload } from "../model/summary.ts";
import { openContent, sealContent, unwrapByKek, unwrapByRsa, wrapContentKey } from "./content-key.ts";
import {
  expectedSigner,
  namedRecipients,
  type OpenedEnvelope,
  payloadOf,
  type Reader,
  SummaryNotOpened,
  signingPair,
} from "./envelope-checks.ts";
import { decodeJwe, encodeJwe, type Jwe, type JweRecipient, recipientsText } from "./jose-json.ts";
import { type KnownCertificate, knownCertificate, knownKey } from "./known-keys.ts";

/** `cty`: the plaintext is a JWS in compact form (RFC 7515 section 4.1.9). */
const PROTECTED = encoded({ enc: "A256GCM", typ: "JOSE+JSON", cty: "JOSE" });

/** Curves that JOSE has a name for (RFC 7518 section 6.2.1.1), by their name in OpenSSL. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

/** Seals for the holders of `recipientPems` (certificates). Every call gives other bytes: seal once, keep, resend. */
export function seal(payload: SummaryPayload, signer: Credentials, recipientPems: readonly string[]): Buffer {
  const certificates = namedRecipients(payload, recipientPems);
  const contentKey = randomBytes(32);
  const recipients = certificates.map((certificate) => wrapFor(certificate, contentKey));
  const jws = signFor(Buffer.from(JSON.stringify(payload)), recipients, signer);
  const content = sealContent(contentKey, Buffer.from(jws), Buffer.from(PROTECTED));
  return encodeJwe({ protected: PROTECTED, recipients, ...content });
}

/** As `open` of profile `cms-1`. Throws `SummaryNotOpened`, whatever the cause. */
export function open(bytes: Uint8Array, recipient: Reader, signerCert?: string): OpenedEnvelope {
  try {
    const jwe = decodeJwe(bytes);
    if (jwe.protected !== PROTECTED) throw new Error("another protected header");
    const own = recipient.cert === undefined ? undefined : knownCertificate(recipient.cert);
    const jws = decrypt(jwe, knownKey(recipient.key).key, own);
    const { payload, by } = verified(jws, jwe.recipients);
    const signer = expectedSigner(by, signerCert);
    return { payload: payloadOf(payload, own), signer };
  } catch {
    throw new SummaryNotOpened();
  }
}

/**
 * The header, the same for the one who signs and the one who checks. A JWE does not protect its recipients: their hash
 * under the signature binds it to exactly these.
 */
function signedHeader({ der, key }: KnownCertificate, recipients: readonly JweRecipient[]): string {
  return encoded({
    alg: signatureName(key),
    typ: "JOSE",
    cty: "json",
    x5c: [der.toString("base64")],
    recipients_sha256: createHash("sha256").update(recipientsText(recipients)).digest("hex"),
  });
}

function signFor(payload: Buffer, recipients: readonly JweRecipient[], signer: Credentials): string {
  const { key, certificate } = signingPair(signer);
  const input = `${signedHeader(certificate, recipients)}.${payload.toString("base64url")}`;
  const signature = sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

function verified(
  jws: string,
  recipients: readonly JweRecipient[],
): { payload: Buffer; by: KnownCertificate } {
  const [header = "", payload = "", signature = "", ...more] = jws.split(".");
  const { x5c } = JSON.parse(Buffer.from(header, "base64url").toString("utf8")) as { x5c: [string] };
  const by = knownCertificate(Buffer.from(x5c[0], "base64").toString("latin1"));
  if (more.length > 0 || header !== signedHeader(by, recipients)) throw new Error("another header");
  const options = { key: by.key, dsaEncoding: "ieee-p1363" } as const;
  const input = Buffer.from(`${header}.${payload}`);
  if (!verify("sha256", input, options, Buffer.from(signature, "base64url")))
    throw new Error("bad signature");
  return { payload: Buffer.from(payload, "base64url"), by };
}

function signatureName(key: KeyObject): "ES256" | "RS256" {
  if (key.asymmetricKeyType === "rsa") return "RS256";
  if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return "ES256";
  throw new Error("profile jose-1 signs with P-256 (ES256) or RSA (RS256) keys");
}

function wrapFor(certificate: KnownCertificate, contentKey: Buffer): JweRecipient {
  const wrapped = wrapContentKey(certificate, contentKey, agreedKey);
  const kid = certificate.fingerprint;
  const { wrappedKey } = wrapped;
  if (wrapped.kind === "rsa") return { header: { alg: "RSA-OAEP-256", kid }, wrappedKey };
  const crv = CURVES[wrapped.curve];
  if (crv === undefined) throw new Error(`JOSE has no name for curve ${wrapped.curve}: use P-256`);
  const coordinate = (wrapped.ephemeral.length - 1) / 2;
  const [x, y] = [1, 1 + coordinate].map((from) =>
    wrapped.ephemeral.subarray(from, from + coordinate).toString("base64url"),
  );
  return {
    header: { alg: "ECDH-ES+A256KW", kid, epk: { kty: "EC", crv, x: x ?? "", y: y ?? "" } },
    wrappedKey,
  };
}

function decrypt(jwe: Jwe, key: KeyObject, own: KnownCertificate | undefined): string {
  for (const recipient of jwe.recipients) {
    if (own && recipient.header.kid !== own.fingerprint) continue;
    try {
      const contentKey = unwrap(recipient, key);
      return openContent({ ...jwe, contentKey }, Buffer.from(jwe.protected)).toString("latin1");
    } catch {
      // Without a certificate every recipient is tried: this one was another's.
    }
  }
  throw new Error("not for this key");
}

function unwrap({ header, wrappedKey }: JweRecipient, key: KeyObject): Buffer {
  if (header.alg === "RSA-OAEP-256") return unwrapByRsa(key, wrappedKey);
  const publicKey = createPublicKey({ key: { ...header.epk }, format: "jwk" });
  return unwrapByKek(agreedKey(diffieHellman({ privateKey: key, publicKey })), wrappedKey);
}

/** Concat KDF with SHA-256 (RFC 7518 section 4.6.2); one round gives the 256 bits. */
function agreedKey(secret: Buffer): Buffer {
  return createHash("sha256")
    .update(Buffer.of(0, 0, 0, 1))
    .update(secret)
    .update(OTHER_INFO)
    .digest();
}

/** AlgorithmID, no PartyUInfo nor PartyVInfo, 256 bits. */
const OTHER_INFO = Buffer.concat([
  uint32(14),
  Buffer.from("ECDH-ES+A256KW"),
  uint32(0),
  uint32(0),
  uint32(256),
]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function encoded(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString("base64url");
}
