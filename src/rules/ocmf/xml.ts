/**
 * The XML container that the public Transparenzsoftware of SAFE e.V. reads (its XML_Format.md): `<values>` with a
 * `<value>` for each record, holding `<signedData>` and `<publicKey>`.
 */
import { OcmfError } from "./error.ts";
import type { OcmfRecord } from "./record.ts";

/** A record as it was found, with the key that came along. */
export interface FoundRecord {
  bytes: Buffer;
  /** As found; null when none came along. */
  key: string | null;
}

/**
 * One container for the records of a transaction. `spki` is the key as hex of a SubjectPublicKeyInfo; without it the
 * reader is asked for one. `transactionId`, a whole number, joins begin and end. Bytes that are no UTF-8 go as base64.
 */
export function transparencyXml(
  records: readonly OcmfRecord[],
  spki: string | null,
  transactionId = 1,
): string {
  const values = records.map((record) => {
    const context = contextOf(record);
    const text = record.bytes.toString("utf8");
    const plain = Buffer.from(text, "utf8").equals(record.bytes);
    const data = plain ? escaped(text) : record.bytes.toString("base64");
    return [
      `  <value transactionId="${transactionId}"${context ? ` context="${context}"` : ""}>`,
      `    <signedData format="OCMF" encoding="${plain ? "plain" : "base64"}">${data}</signedData>`,
      ...(spki === null ? [] : [`    <publicKey encoding="hex">${spki.toUpperCase()}</publicKey>`]),
      "  </value>",
    ].join("\n");
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<values>\n${values.join("\n")}\n</values>\n`;
}

/** Reading contexts of OCPP; a record that holds begin and end comes with the end. */
function contextOf({ readings }: OcmfRecord): string | undefined {
  if (readings.some(({ tx }) => tx !== null && "ELRAP".includes(tx))) return "Transaction.End";
  return readings.some(({ tx }) => tx === "B") ? "Transaction.Begin" : undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** A reader turns a bare carriage return into a line feed, which the signature would not survive. */
function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("\r", "&#13;");
}

/** Every OCMF record of a container, in its order. Throws `OcmfError` when there is none. */
export function readTransparencyXml(xml: string): FoundRecord[] {
  const document = xml.replaceAll(/<!--[\s\S]*?-->/g, "").replaceAll(/\r\n?/g, "\n");
  const values = document.match(/<value(?=[\s>])[\s\S]*?<\/value>/g) ?? [document];
  const found = values.flatMap((value) => {
    const key = elements(value, "publicKey")[0]?.text.trim() || null;
    return elements(value, "signedData").map((data) => ({ bytes: bytesOf(data), key }));
  });
  const records = found.filter(({ bytes }) => bytes.toString("latin1").trimStart().startsWith("OCMF"));
  if (records.length > 0) return records;
  throw new OcmfError("XML", "holds no <signedData> with an OCMF record", document.slice(0, 80));
}

interface Element {
  encoding: string;
  text: string;
}

function elements(xml: string, name: string): Element[] {
  return [...xml.matchAll(new RegExp(`<${name}(\\s[^>]*)?>([\\s\\S]*?)</${name}\\s*>`, "g"))].map(
    ([, attributes = "", content = ""]) => ({
      encoding: /\bencoding\s*=\s*["']([^"']*)["']/.exec(attributes)?.[1]?.trim().toLowerCase() ?? "plain",
      text: unescaped(content),
    }),
  );
}

function unescaped(content: string): string {
  return content
    .split(/(<!\[CDATA\[[\s\S]*?\]\]>)/)
    .map((part) =>
      part.startsWith("<![CDATA[")
        ? part.slice(9, -3)
        : part.replaceAll(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
            if (name !== undefined) return ENTITIES[name] ?? whole;
            const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
            return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
          }),
    )
    .join("");
}

function bytesOf({ encoding, text }: Element): Buffer {
  if (encoding === "base64" || encoding === "hex") return Buffer.from(text.replaceAll(/\s/g, ""), encoding);
  return Buffer.from(text, "utf8");
}
