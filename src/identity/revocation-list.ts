/** Certificate revocation lists (CRL v2, RFC 5280 section 5): made and signed by an authority, read and proven. */
import { createHash, createPrivateKey, sign, verify, X509Certificate } from "node:crypto";
import { EXTENSIONS, extension } from "./certificate-extensions.ts";
import { type Credentials, certificateFields, oneLine, signatureAlgorithm } from "./certificates.ts";
import {
  bits,
  boolean,
  content,
  type DerNode,
  decode,
  derOf,
  encode,
  enumerated,
  integer,
  integerBytes,
  isTagged,
  members,
  oidOf,
  sameNode,
  sequence,
  tagged,
  taggedMembers,
  taggedOctets,
  time,
  timeOf,
} from "./der.ts";
import { SIGNATURE_HASH } from "./signature-hash.ts";

/** Of RFC 5280 section 5.3.1, those that an operator has use for. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  "key-compromise": 1,
  superseded: 4,
  "cessation-of-operation": 5,
} as const;
export type RevocationReason = keyof typeof REVOCATION_REASONS;

export interface Revoked {
  /** Upper-case hexadecimal, as X509Certificate has it. */
  serial: string;
  /** Real time, ms. */
  atMs: number;
  reason: RevocationReason;
}

/** A list that was proven to be its issuer's. */
export interface RevocationList {
  /** The authority's subject, as X509Certificate has it. */
  issuer: string;
  serials: ReadonlySet<string>;
  thisUpdateMs: number;
  /** When the issuer promised a newer one. */
  nextUpdateMs: number | undefined;
}

const CRL_NUMBER = "2.5.29.20";
const REASON_CODE = "2.5.29.21";

/**
 * PEM of a list that holds until its authority's own end: the depot writes a new one whenever it revokes, and an offline
 * authority is not asked in between. `number` rises from list to list.
 */
export function makeRevocationList(
  authority: Credentials,
  revoked: readonly Revoked[],
  options: { number: number; nowMs: number },
): string {
  const cert = new X509Certificate(authority.certPem);
  const { subject, subjectKeyId } = certificateFields(cert.raw);
  const key = createPrivateKey(authority.keyPem);
  const entries = revoked.map(({ serial, atMs, reason }) =>
    sequence(
      integerBytes(serialBytes(serial)),
      time(atMs),
      sequence(extension(REASON_CODE, false, enumerated(REVOCATION_REASONS[reason]))),
    ),
  );
  const keyId = subjectKeyId ?? createHash("sha256").update(cert.raw).digest().subarray(0, 20);
  const list = sequence(
    integer(1),
    signatureAlgorithm(key),
    subject,
    time(options.nowMs),
    time(cert.validToDate.getTime()),
    // RFC 5280 section 5.1.2.6: absent, not empty, when nothing is revoked.
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    tagged(0, [
      sequence(
        extension(EXTENSIONS.authorityKeyId, false, sequence(taggedOctets(0, keyId))),
        extension(CRL_NUMBER, false, integer(options.number)),
      ),
    ]),
  );
  const der = encode(sequence(list, signatureAlgorithm(key), bits(sign("sha256", encode(list), key))));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join("\n")}\n-----END X509 CRL-----\n`;
}

/**
 * Reads every list in a file, PEM (one or several) or DER. Each must be signed by one of `authorities`.
 * Throws saying which list is not, or cannot be read.
 */
export function readRevocationLists(file: Buffer, authorities: readonly X509Certificate[]): RevocationList[] {
  const blocks =
    file.toString("latin1").match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g) ?? [];
  const ders = blocks.length > 0 ? blocks.map((b) => derOf(Buffer.from(b), /^X509 CRL$/)) : [file];
  return ders.map((der, index) => {
    try {
      return readOne(der, authorities);
    } catch (cause) {
      throw new Error(`revocation list ${index + 1} of ${ders.length}: ${(cause as Error).message}`, {
        cause,
      });
    }
  });
}

function readOne(der: Buffer, authorities: readonly X509Certificate[]): RevocationList {
  const list = decode(der);
  if (!encode(list).equals(der)) throw new Error("it is not in DER");
  const [body, algorithm, signature] = members(list, "SEQUENCE");
  if (!body) throw new Error("it is empty");
  const fields = [...members(body, "SEQUENCE")];
  if (fields[0]?.type === integer(0).type) fields.shift();
  const [, issuer, thisUpdate, ...rest] = fields;
  if (!issuer) throw new Error("it names no issuer");
  const hash = SIGNATURE_HASH[oidOf(members(algorithm, "SEQUENCE")[0])];
  const signed = content(signature, "BITSTRING").subarray(1);
  const authority = authorities.find(
    (ca) =>
      sameNode(certificateFields(ca.raw).subject, issuer) &&
      hash !== undefined &&
      verify(hash, encode(body), ca.publicKey, signed),
  );
  if (!authority)
    throw new Error(
      `it is not signed by an authority that is trusted here (${authorities.map((a) => oneLine(a.subject)).join("; ")})`,
    );
  const nextUpdate = isTime(rest[0]) ? rest.shift() : undefined;
  const entries = rest[0] && !isTagged(rest[0], 0) ? members(rest.shift(), "SEQUENCE") : [];
  refuseCritical(rest[0]);
  return {
    issuer: authority.subject,
    serials: new Set(entries.map((entry) => serialText(members(entry, "SEQUENCE")[0]))),
    thisUpdateMs: timeOf(thisUpdate),
    nextUpdateMs: nextUpdate && timeOf(nextUpdate),
  };
}

/** A critical extension says that the list is a partial or indirect one (RFC 5280 sections 5.2.4 and 5.2.5). */
function refuseCritical(extensions: DerNode | undefined): void {
  if (!isTagged(extensions, 0)) return;
  for (const node of members(taggedMembers(extensions, 0)[0], "SEQUENCE")) {
    const [id, critical] = members(node, "SEQUENCE");
    if (critical?.type === boolean(true).type)
      throw new Error(`it is not a complete list of its authority (critical extension ${oidOf(id)})`);
  }
}

function isTime(node: DerNode | undefined): boolean {
  const utc = time(0).type;
  const generalized = time(Date.UTC(2050, 0)).type;
  return node !== undefined && (node.type === utc || node.type === generalized);
}

/** As X509Certificate writes serial numbers: upper case, whole bytes, no leading zero byte. */
function serialText(node: DerNode | undefined): string {
  const hex = content(node, "INTEGER").toString("hex").toUpperCase();
  return hex.replace(/^(00)+(?=..)/, "");
}

function serialBytes(serial: string): Buffer {
  const bytes = Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, "hex");
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}
