/**
 * DER (ITU-T X.690) in and out, over node-forge's ASN.1. Values are Buffers; node-forge's binary strings stay in here.
 * Readers throw on anything that is not exactly what was asked for.
 */
import forge from "node-forge";

const { asn1 } = forge;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;

export type DerNode = forge.asn1.Asn1;

const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const buffer = (text: string): Buffer => Buffer.from(text, "latin1");

export const sequence = (...nodes: DerNode[]): DerNode =>
  asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, nodes);

/** SET OF in DER order: members sorted by their encoding (X.690 section 11.6). */
export function setOf(...nodes: DerNode[]): DerNode {
  return asn1.create(UNIVERSAL, asn1.Type.SET, true, derSorted(nodes));
}

/** `[n]` around nodes: an explicit tag, or an implicit one over a constructed type. */
export const tagged = (tag: number, nodes: DerNode[]): DerNode =>
  asn1.create(CONTEXT_SPECIFIC, tag, true, nodes);

/** `[n] IMPLICIT SET OF`, members in DER order. */
export const taggedSetOf = (tag: number, nodes: DerNode[]): DerNode => tagged(tag, derSorted(nodes));

/** `[n] IMPLICIT OCTET STRING`. */
export const taggedOctets = (tag: number, bytes: Uint8Array): DerNode =>
  asn1.create(CONTEXT_SPECIFIC, tag, false, binary(bytes));

export const octets = (bytes: Uint8Array): DerNode =>
  asn1.create(UNIVERSAL, asn1.Type.OCTETSTRING, false, binary(bytes));

/** A BIT STRING of whole bytes. */
export const bits = (bytes: Uint8Array): DerNode =>
  asn1.create(UNIVERSAL, asn1.Type.BITSTRING, false, `\0${binary(bytes)}`);

/** A small non-negative INTEGER. */
export const integer = (value: number): DerNode =>
  asn1.create(UNIVERSAL, asn1.Type.INTEGER, false, asn1.integerToDer(value).getBytes());

/** An INTEGER given as its content bytes, such as a serial number. */
export const integerBytes = (content: Uint8Array): DerNode =>
  asn1.create(UNIVERSAL, asn1.Type.INTEGER, false, binary(content));

export const boolean = (value: boolean): DerNode =>
  asn1.create(UNIVERSAL, asn1.Type.BOOLEAN, false, value ? "\xff" : "\0");

export const nothing = (): DerNode => asn1.create(UNIVERSAL, asn1.Type.NULL, false, "");

/** OBJECT IDENTIFIER from dotted text. Arcs may have any size: those below 2.25 are 128-bit UUIDs. */
export function oid(dotted: string): DerNode {
  const [first = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  const bytes = [first * 40n + second, ...rest].flatMap(base128);
  return asn1.create(UNIVERSAL, asn1.Type.OID, false, binary(Uint8Array.from(bytes)));
}

/** Dotted text of an OBJECT IDENTIFIER. */
export function oidOf(node: DerNode | undefined): string {
  if (node?.tagClass !== UNIVERSAL || node.type !== asn1.Type.OID || typeof node.value !== "string")
    throw new Error("no OBJECT IDENTIFIER where one belongs");
  return asn1.derToOid(node.value);
}

export const enumerated = (value: number): DerNode =>
  asn1.create(UNIVERSAL, asn1.Type.ENUMERATED, false, String.fromCharCode(value));

/** Milliseconds of a UTCTime or GeneralizedTime. */
export function timeOf(node: DerNode | undefined): number {
  if (node?.tagClass !== UNIVERSAL || typeof node.value !== "string")
    throw new Error("no time where one belongs");
  if (node.type === asn1.Type.UTCTIME) return asn1.utcTimeToDate(node.value).getTime();
  if (node.type === asn1.Type.GENERALIZEDTIME) return asn1.generalizedTimeToDate(node.value).getTime();
  throw new Error("no time where one belongs");
}

/** The text of a string type that keeps ASCII as it is: UTF8String, PrintableString, IA5String. */
export function textOf(node: DerNode | undefined): string {
  const types: unknown[] = [asn1.Type.UTF8, asn1.Type.PRINTABLESTRING, asn1.Type.IA5STRING];
  if (node?.tagClass !== UNIVERSAL || !types.includes(node.type) || typeof node.value !== "string")
    throw new Error("no text where some belongs");
  return buffer(node.value).toString("utf8");
}

/** One block of PEM, or DER as it is. */
export function derOf(file: Buffer, label: RegExp): Buffer {
  const text = file.toString("latin1");
  const block = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/.exec(text);
  if (!block) return file;
  if (!label.test(block[1] ?? "")) throw new Error(`the PEM is a ${block[1]}`);
  return Buffer.from(block[2] ?? "", "base64");
}

function base128(arc: bigint): number[] {
  const digits = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) digits.unshift(Number(rest & 0x7fn) | 0x80);
  return digits;
}

/** Time of a certificate: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
export function time(ms: number): DerNode {
  const date = new Date(ms);
  return date.getUTCFullYear() < 2050
    ? asn1.create(UNIVERSAL, asn1.Type.UTCTIME, false, asn1.dateToUtcTime(date) as string)
    : asn1.create(UNIVERSAL, asn1.Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date) as string);
}

export const encode = (node: DerNode): Buffer => buffer(asn1.toDer(node).getBytes());

/** Reads exactly one node; trailing bytes are an error. */
export function decode(der: Uint8Array): DerNode {
  // Bit strings stay closed: an EC point starts with 04 and would be taken for an OCTET STRING. The typings of
  // node-forge know the boolean form of the second argument only.
  const options = { strict: true, parseAllBytes: true, decodeBitStrings: false };
  return asn1.fromDer(binary(der), options as never);
}

/** The members of a constructed node of the given universal type. */
export function members(node: DerNode | undefined, type: "SEQUENCE" | "SET"): DerNode[] {
  if (node?.tagClass !== UNIVERSAL || node.type !== asn1.Type[type] || !Array.isArray(node.value))
    throw new Error(`no ${type} where one belongs`);
  return node.value;
}

/** The members of a constructed `[n]`. */
export function taggedMembers(node: DerNode | undefined, tag: number): DerNode[] {
  if (node?.tagClass !== CONTEXT_SPECIFIC || Number(node.type) !== tag || !Array.isArray(node.value))
    throw new Error(`no [${tag}] where one belongs`);
  return node.value;
}

export const isTagged = (node: DerNode | undefined, tag: number): boolean =>
  node?.tagClass === CONTEXT_SPECIFIC && Number(node.type) === tag;

/** The content bytes of a primitive node: universal of the given type, or `[n]`. */
export function content(
  node: DerNode | undefined,
  type: "OCTETSTRING" | "BITSTRING" | "INTEGER" | number,
): Buffer {
  const [tagClass, tag] =
    typeof type === "number" ? [CONTEXT_SPECIFIC, type] : [UNIVERSAL, Number(asn1.Type[type])];
  if (node?.tagClass !== tagClass || Number(node.type) !== tag || typeof node.value !== "string")
    throw new Error("no primitive value where one belongs");
  return buffer(node.value);
}

export const sameNode = (a: DerNode | undefined, b: DerNode): boolean =>
  a !== undefined && encode(a).equals(encode(b));

function derSorted(nodes: DerNode[]): DerNode[] {
  return nodes
    .map((node) => ({ node, der: encode(node) }))
    .sort((a, b) => Buffer.compare(a.der, b.der))
    .map(({ node }) => node);
}
