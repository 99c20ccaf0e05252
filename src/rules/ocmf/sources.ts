/** Finds signed records in what people have at hand: the records, an OCPP message, a transparency container. */
import { OcmfError } from "./error.ts";
import { isObject } from "./fields.ts";
import { type FoundRecord, readTransparencyXml } from "./xml.ts";

/**
 * Every record in a file, each once, with the key beside it, else the only one in the file. Throws `OcmfError` when there is none. Records stand one a
 * line or are spread over lines; OCPP 1.6 carries them as JSON in the text of a sample, 2.0.1 in `signedMeterValue`.
 */
export function findRecords(file: Uint8Array): FoundRecord[] {
  const bytes = Buffer.from(file);
  const text = bytes
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trim();
  const found = text.startsWith("<")
    ? readTransparencyXml(xmlText(bytes))
    : text.startsWith("{") || text.startsWith("[")
      ? fromJson(text)
      : fromLines(bytes, text);
  if (found.length === 0)
    throw new OcmfError("file", "holds no OCMF record, OCPP JSON or transparency XML", text.slice(0, 80));
  return withTheOnlyKey(once(found));
}

/** The same record comes in several messages, and not in each with its key. */
function once(found: readonly FoundRecord[]): FoundRecord[] {
  const records = new Map<string, FoundRecord>();
  for (const record of found) {
    const name = record.bytes.toString("latin1");
    if (!records.get(name)?.key) records.set(name, record);
  }
  return [...records.values()];
}

/** OCPP 2.0.1 may send the key once in a transaction (PublicKeyWithSignedMeterValue = OncePerTransaction). */
function withTheOnlyKey(records: readonly FoundRecord[]): FoundRecord[] {
  const keys = new Set(records.map(({ key }) => key).filter((key) => key !== null));
  const [only = null] = keys.size === 1 ? keys : [];
  return records.map(({ bytes, key }) => ({ bytes, key: key ?? only }));
}

/** A record begins where a line begins with OCMF|: JSON has no bare line break within a text. */
const RECORD_START = /(?:^|(?<=[\r\n]))(?=[ \t]*OCMF[ \t]*\|)/;

function fromLines(bytes: Buffer, text: string): FoundRecord[] {
  // Latin-1 has a character for each byte, so nothing changes on the way there and back.
  const latin = bytes.toString("latin1").replace(/^\u00ef\u00bb\u00bf/, "");
  const parts = latin.split(RECORD_START).filter((part) => part.trim() !== "");
  if (/^\s*OCMF/.test(parts[0] ?? "")) return parts.map((part) => found(Buffer.from(part, "latin1")));
  const wrapped = unwrapped(text);
  return wrapped ? [found(wrapped)] : [];
}

const found = (bytes: Buffer, key: string | null = null): FoundRecord => ({ bytes, key });

function fromJson(text: string): FoundRecord[] {
  const whole = parsed(text);
  if (whole !== undefined) return walk(whole);
  // A log of messages, one a line.
  const lines = text.split("\n").map((line) => parsed(line.trim()));
  if (lines.every((line) => line === undefined))
    throw new OcmfError("file", "is not JSON", text.slice(0, 80));
  return lines.flatMap((line) => walk(line));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const DEEPEST = 32;

function walk(value: unknown, depth = 0): FoundRecord[] {
  if (depth > DEEPEST) return [];
  if (typeof value === "string") {
    if (/^\s*OCMF\s*\|/.test(value)) return [found(Buffer.from(value, "utf8"))];
    return value.includes("signedMeterData") ? walk(parsed(value), depth + 1) : [];
  }
  if (Array.isArray(value)) return value.flatMap((item) => walk(item, depth + 1));
  if (!isObject(value)) return [];
  const { signedMeterData: data, publicKey } = value;
  if (typeof data !== "string") return Object.values(value).flatMap((item) => walk(item, depth + 1));
  const record = unwrapped(data);
  return record ? [found(record, typeof publicKey === "string" && publicKey.trim() ? publicKey : null)] : [];
}

/** The record in base64, hex or as it is; undefined when there is none. */
function unwrapped(text: string): Buffer | undefined {
  const compact = text.replaceAll(/\s/g, "");
  const tries = [
    Buffer.from(text, "utf8"),
    ...(/^([0-9a-f]{2})+$/i.test(compact) ? [Buffer.from(compact, "hex")] : []),
    ...(/^[A-Za-z0-9+/_-]+={0,2}$/.test(compact) ? [Buffer.from(compact, "base64")] : []),
  ];
  return tries.find((bytes) => /^(\u00ef\u00bb\u00bf)?\s*OCMF\s*\|/.test(bytes.toString("latin1")));
}

function xmlText(bytes: Buffer): string {
  const declared = /encoding\s*=\s*["']([^"']+)["']/.exec(bytes.subarray(0, 200).toString("latin1"))?.[1];
  return bytes.toString(/^(iso-8859-1|latin1|us-ascii)$/i.test(declared ?? "") ? "latin1" : "utf8");
}
