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
  bits,
  boolean,
  content,
  type DerNode,
  decode,
  encode,
  integer,
  integerBytes,
  isTagged,
  members,
  nothing,
  octets,
  oid,
  sameNode,
  sequence,
  tagged,
  taggedMembers,
  taggedOctets,
  time,
} from "./der.ts";

/** A private key (PKCS #8) and its certificate, both PEM. */
export interface Credentials {
  keyPem: string;
  certPem: string;
}

export type CertificatePurpose = "authority" | "signer" | "recipient" | "server" | "client";

export interface CertificateRequest {
  /** The common name: `laddport ringon`, 1 to 64 characters. */
  name: string;
  purpose: CertificatePurpose;
  /** For a server: the DNS names and IP addresses it is reached by. */
  hosts?: readonly string[];
  /** Valid from `nowMs` less an hour (clocks differ) for this many days; default 3,650. Real time, ms. */
  nowMs?: number;
  validDays?: number;
  /** Default `p256`. */
  keyType?: "p256" | "rsa3072";
  /** Keep this key instead of making one. */
  keyPem?: string;
  /** Who signs; self-signed without. */
  issuer?: Credentials;
}

const DAY_MS = 86_400_000;
const OIDS = {
  ecdsaSha256: "1.2.840.10045.4.3.2",
  rsaSha256: "1.2.840.113549.1.1.11",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  emailProtection: "1.3.6.1.5.5.7.3.4",
  anyUse: "2.5.29.37.0",
} as const;

/** Curves that both CMS and JOSE (RFC 7518 section 6.2.1.1) have, by their name in OpenSSL. */
const JOSE_CURVES: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** Bits of KeyUsage (RFC 5280 section 4.2.1.3), the first bit being the highest. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_ENCIPHERMENT = 0x20;
const KEY_AGREEMENT = 0x08;
const CERT_AND_CRL_SIGN = 0x06;

/** Makes a key and its certificate. Throws when the request cannot be met (name, hosts, issuer). */
export function issueCertificate(request: CertificateRequest): Credentials {
  const { name, purpose, hosts = [], nowMs = Date.now(), validDays = 3650, issuer } = request;
  if (name.length < 1 || name.length > 64)
    throw new Error(`certificate name ${JSON.stringify(name)} must have 1 to 64 characters`);
  if (purpose === "server" && hosts.length === 0)
    throw new Error(`server certificate ${JSON.stringify(name)} needs at least one host name or IP address`);
  const key = request.keyPem ? createPrivateKey(request.keyPem) : newKey(request.keyType ?? "p256");
  const issuerFields = issuer ? authorityFields(issuer) : undefined;
  const issuerKey = issuer ? createPrivateKey(issuer.keyPem) : key;
  const subject = nameNode(name);
  const notBeforeMs = Math.floor((nowMs - DAY_MS / 24) / 1000) * 1000;
  const extensions = extensionNodes(purpose, hosts, key, issuerFields?.subjectKeyId ?? keyId(issuerKey));
  const tbs = sequence(
    tagged(0, [integer(2)]),
    integerBytes(serialNumber()),
    signatureAlgorithm(issuerKey),
    issuerFields?.subject ?? subject,
    sequence(time(notBeforeMs), time(notBeforeMs + validDays * DAY_MS)),
    subject,
    decode(createPublicKey(key).export({ type: "spki", format: "der" })),
    tagged(3, [sequence(...extensions)]),
  );
  const signature = sign("sha256", encode(tbs), issuerKey);
  const der = encode(sequence(tbs, signatureAlgorithm(issuerKey), bits(signature)));
  return {
    keyPem: key.export({ type: "pkcs8", format: "pem" }).toString(),
    certPem: new X509Certificate(der).toString(),
  };
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
  const keyIdentifier = extensionOf(fields, OIDS.subjectKeyId);
  const usage = extensionOf(fields, OIDS.keyUsage);
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
  if (purposes && !purposes.includes(OIDS.emailProtection) && !purposes.includes(OIDS.anyUse))
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
  return certificateFields(cert.raw);
}

function newKey(type: "p256" | "rsa3072"): KeyObject {
  return type === "p256"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
    : generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey;
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

function extensionNodes(
  purpose: CertificatePurpose,
  hosts: readonly string[],
  key: KeyObject,
  issuerKeyId: Buffer,
): DerNode[] {
  const rsa = key.asymmetricKeyType === "rsa";
  const usage = {
    authority: CERT_AND_CRL_SIGN,
    signer: DIGITAL_SIGNATURE,
    recipient: rsa ? KEY_ENCIPHERMENT : KEY_AGREEMENT,
    server: rsa ? DIGITAL_SIGNATURE | KEY_ENCIPHERMENT : DIGITAL_SIGNATURE,
    client: DIGITAL_SIGNATURE,
  }[purpose];
  const extended = {
    authority: undefined,
    signer: OIDS.emailProtection,
    recipient: OIDS.emailProtection,
    server: OIDS.serverAuth,
    client: OIDS.clientAuth,
  }[purpose];
  const constraints = purpose === "authority" ? sequence(boolean(true)) : sequence();
  const nodes = [
    extension(OIDS.basicConstraints, true, constraints),
    extension(OIDS.keyUsage, true, usageBits(usage)),
    extension(OIDS.subjectKeyId, false, octets(keyId(key))),
    extension(OIDS.authorityKeyId, false, sequence(taggedOctets(0, issuerKeyId))),
  ];
  if (extended) nodes.push(extension(OIDS.extKeyUsage, false, sequence(oid(extended))));
  if (hosts.length > 0)
    nodes.push(extension(OIDS.subjectAltName, false, sequence(...hosts.map(generalName))));
  return nodes;
}

function extension(id: string, critical: boolean, value: DerNode): DerNode {
  const flag = critical ? [boolean(true)] : [];
  return sequence(oid(id), ...flag, octets(encode(value)));
}

/** A named bit list in DER: trailing zero bits are not encoded (X.690 section 11.2.2). */
function usageBits(usage: number): DerNode {
  const unused = Math.clz32(usage & -usage) ^ 31;
  const node = bits(Uint8Array.of(usage));
  node.value = String.fromCharCode(unused, usage);
  return node;
}

/** RFC 7093 section 2, method 1: the left 160 bits of the SHA-256 of the public key. */
function keyId(key: KeyObject): Buffer {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const point = content(members(decode(spki), "SEQUENCE")[1], "BITSTRING").subarray(1);
  return createHash("sha256").update(point).digest().subarray(0, 20);
}

/** In node-forge, not in its typings. Null for what is not an address. */
interface IpUtil {
  bytesFromIP(text: string): string | null;
}

/** GeneralName (RFC 5280 section 4.2.1.6): `[2]` a DNS name, `[7]` the bytes of an IP address. */
function generalName(host: string): DerNode {
  const ip = (forge.util as unknown as IpUtil).bytesFromIP(host);
  if (ip !== null) return taggedOctets(7, Buffer.from(ip, "latin1"));
  if (!/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(host))
    throw new Error(`${JSON.stringify(host)} is neither a DNS name nor an IP address`);
  return taggedOctets(2, Buffer.from(host, "ascii"));
}
