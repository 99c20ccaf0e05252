/**
 * Keys and X.509 certificates (RFC 5280): the gateway's signer, recipients of sealed summaries, TLS of the broker, and
 * a small authority for stations. P-256 unless asked otherwise. node-forge gives names and extensions their structure;
 * keys and signatures are node:crypto's, because node-forge knows no elliptic curves.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import forge from "node-forge";
import {
  type CertificatePurpose,
  EXTENSIONS,
  extensionNodes,
  KEY_AGREEMENT,
  KEY_ENCIPHERMENT,
  keyId,
} from "./certificate-extensions.ts";
import {
  bits,
  content,
  type DerNode,
  decode,
  encode,
  integer,
  integerBytes,
  isTagged,
  members,
  nothing,
  oid,
  sameNode,
  sequence,
  tagged,
  taggedMembers,
  time,
} from "./der.ts";

export type { CertificatePurpose } from "./certificate-extensions.ts";

/** A private key (PKCS #8) and its certificate, both PEM. */
export interface Credentials {
  keyPem: string;
  certPem: string;
}

/** What a certificate says. */
export interface Certified {
  /** The common name: `laddport ringon`, 1 to 64 characters. */
  name: string;
  purpose: CertificatePurpose;
  /** For a server: the DNS names and IP addresses it is reached by. */
  hosts?: readonly string[];
  /** Valid from `nowMs` less an hour (clocks differ) for this many days; default 3,650. Real time, ms. */
  nowMs?: number;
  /** Cut short by the end of the issuer's own certificate. */
  validDays?: number;
}

export type KeyType = "p256" | "rsa2048" | "rsa3072";

export interface CertificateRequest extends Certified {
  /** Default `p256`. */
  keyType?: KeyType;
  /** Keep this key instead of making one. */
  keyPem?: string;
  /** Who signs; self-signed without. */
  issuer?: Credentials;
}

const DAY_MS = 86_400_000;
const OIDS = {
  ecdsaSha256: "1.2.840.10045.4.3.2",
  rsaSha256: "1.2.840.113549.1.1.11",
} as const;

/** Curves that both CMS and JOSE (RFC 7518 section 6.2.1.1) have, by their name in OpenSSL. */
const JOSE_CURVES: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** Makes a key and its certificate. Throws when the request cannot be met (name, hosts, issuer). */
export function issueCertificate(request: CertificateRequest): Credentials {
  const key = request.keyPem ? createPrivateKey(request.keyPem) : newKey(request.keyType ?? "p256");
  const issuer = request.issuer ?? { key };
  return {
    keyPem: key.export({ type: "pkcs8", format: "pem" }).toString(),
    certPem: certify(request, createPublicKey(key), issuer),
  };
}

/** Certifies a key that somebody else keeps, as of a signing request. `issuer.keyPem` stands in clear. */
export function certifyKey(request: Certified & { issuer: Credentials }, publicKey: KeyObject): string {
  return certify(request, publicKey, request.issuer);
}

/** Without a certificate the issuer is the holder of the key itself. */
function certify(request: Certified, publicKey: KeyObject, by: Credentials | { key: KeyObject }): string {
  const { name, purpose, hosts = [], nowMs = Date.now(), validDays = 3650 } = request;
  if (name.length < 1 || name.length > 64)
    throw new Error(`certificate name ${JSON.stringify(name)} must have 1 to 64 characters`);
  if (purpose === "server" && hosts.length === 0)
    throw new Error(`server certificate ${JSON.stringify(name)} needs at least one host name or IP address`);
  const issuer = "key" in by ? undefined : authorityFields(by);
  const issuerKey = "key" in by ? by.key : createPrivateKey(by.keyPem);
  const subject = nameNode(name);
  const notBeforeMs = Math.floor((nowMs - DAY_MS / 24) / 1000) * 1000;
  const endMs = notBeforeMs + validDays * DAY_MS;
  const extensions = extensionNodes(purpose, hosts, publicKey, issuer?.subjectKeyId ?? keyId(issuerKey));
  const tbs = sequence(
    tagged(0, [integer(2)]),
    integerBytes(serialNumber()),
    signatureAlgorithm(issuerKey),
    issuer?.subject ?? subject,
    // A certificate that outlives its authority would promise what nobody can check.
    sequence(time(notBeforeMs), time(Math.min(endMs, issuer?.notAfterMs ?? endMs))),
    subject,
    decode(publicKey.export({ type: "spki", format: "der" })),
    tagged(3, [sequence(...extensions)]),
  );
  const signature = sign("sha256", encode(tbs), issuerKey);
  const der = encode(sequence(tbs, signatureAlgorithm(issuerKey), bits(signature)));
  return new X509Certificate(der).toString();
}

/** SHA-256 of the certificate's DER, lower-case hex: what `recipients` in a summary lists. */
export function certificateFingerprint(certPem: string): string {
  return createHash("sha256").update(new X509Certificate(certPem).raw).digest("hex");
}

/** Whole days until the certificate expires, negative when it has. `nowMs` is real time. */
export function certificateDaysLeft(certPem: string, nowMs = Date.now()): number {
  return Math.floor((new X509Certificate(certPem).validToDate.getTime() - nowMs) / DAY_MS);
}

/** What CMS and other certificates quote from a certificate, as it stands in it. */
export function certificateFields(certDer: Uint8Array): {
  serial: DerNode;
  issuer: DerNode;
  subject: DerNode;
  subjectKeyId: Buffer | undefined;
  /** The first eight bits of KeyUsage, the first of them the highest; undefined when it is not limited. */
  keyUsage: number | undefined;
} {
  const fields = members(members(decode(certDer), "SEQUENCE")[0], "SEQUENCE");
  if (isTagged(fields[0], 0)) fields.shift();
  const [serial, , issuer, , subject] = fields;
  if (!serial || !issuer || !subject) throw new Error("this is not an X.509 certificate");
  const keyIdentifier = extensionOf(fields, EXTENSIONS.subjectKeyId);
  const usage = extensionOf(fields, EXTENSIONS.keyUsage);
  return {
    serial,
    issuer,
    subject,
    subjectKeyId: keyIdentifier && content(keyIdentifier, "OCTETSTRING"),
    keyUsage: usage && content(usage, "BITSTRING")[1],
  };
}

/** The value of an extension among the fields of a TBSCertificate. */
function extensionOf(fields: readonly DerNode[], id: string): DerNode | undefined {
  const last = fields.at(-1);
  const extensions = isTagged(last, 3) ? members(taggedMembers(last, 3)[0], "SEQUENCE") : [];
  const found = extensions
    .map((extension) => members(extension, "SEQUENCE"))
    .find(([name]) => sameNode(name, oid(id)));
  return found && decode(content(found.at(-1), "OCTETSTRING"));
}

/**
 * Why summaries must not be sealed for this certificate at all: its key is of another kind, its key usage (RFC 5280 section 4.2.1.3) or extended
 * key usage (RFC 8551 section 4.4.4) is for something else. Undefined when it may; a certificate that does not limit
 * its use may.
 */
export function recipientUsageFault(certPem: string): string | undefined {
  const cert = new X509Certificate(certPem);
  const { asymmetricKeyType: kind, asymmetricKeyDetails: { namedCurve = "", modulusLength = 0 } = {} } =
    cert.publicKey;
  if (!(kind === "ec" && JOSE_CURVES.has(namedCurve)) && !(kind === "rsa" && modulusLength >= 2048))
    return "its key is neither EC (P-256, P-384, P-521) nor RSA of 2048 bits or more";
  const purposes = cert.keyUsage as string[] | undefined;
  if (purposes && !purposes.includes(EXTENSIONS.emailProtection) && !purposes.includes(EXTENSIONS.anyUse))
    return "its extended key usage does not allow emailProtection";
  const { keyUsage } = certificateFields(cert.raw);
  const [bit, name] =
    kind === "rsa"
      ? ([KEY_ENCIPHERMENT, "keyEncipherment"] as const)
      : ([KEY_AGREEMENT, "keyAgreement"] as const);
  return keyUsage === undefined || keyUsage & bit ? undefined : `its key usage does not allow ${name}`;
}

/** `CN=a\nO=b` as node prints it, on one line. */
export const oneLine = (name: string): string => name.replaceAll("\n", ", ");

/** The algorithm a key signs SHA-256 with: ECDSA (RFC 5758) or RSA PKCS #1 v1.5 (RFC 4055). */
export function signatureAlgorithm(key: KeyObject): DerNode {
  if (key.asymmetricKeyType === "ec") return sequence(oid(OIDS.ecdsaSha256));
  if (key.asymmetricKeyType === "rsa") return sequence(oid(OIDS.rsaSha256), nothing());
  throw new Error(`cannot sign with a key of type ${key.asymmetricKeyType}: use EC (P-256) or RSA`);
}

function authorityFields(issuer: Credentials) {
  const cert = new X509Certificate(issuer.certPem);
  if (!cert.ca) throw new Error(`${oneLine(cert.subject)} is not an authority and cannot issue certificates`);
  return { ...certificateFields(cert.raw), notAfterMs: cert.validToDate.getTime() };
}

function newKey(type: KeyType): KeyObject {
  if (type === "p256") return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return generateKeyPairSync("rsa", { modulusLength: type === "rsa2048" ? 2048 : 3072 }).privateKey;
}

/** 127 random bits with the highest set: positive, minimal in DER, unique without a register. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function nameNode(commonName: string): DerNode {
  return forge.pki.distinguishedNameToAsn1({
    attributes: [
      { type: "2.5.4.3", value: commonName, valueTagClass: forge.asn1.Type.UTF8 as never } as never,
    ],
  });
}
