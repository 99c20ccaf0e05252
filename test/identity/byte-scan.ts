/** Looks for bytes in every file of a folder, in each spelling that a leak could have. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Raw, hex of both cases, base64, base64url, reversed, URL-encoded: of text and of the bytes that hex text stands for. */
export function spellings(text: string): Buffer[] {
  const forms = new Set<string>();
  const add = (bytes: Buffer) => {
    const reversed = Buffer.from(bytes).reverse();
    for (const one of [bytes, reversed]) {
      forms.add(one.toString("latin1"));
      forms.add(one.toString("hex"));
      forms.add(one.toString("hex").toUpperCase());
      forms.add(one.toString("base64").replace(/=+$/, ""));
      forms.add(one.toString("base64url"));
    }
  };
  add(Buffer.from(text));
  if (/^([0-9a-f]{2})+$/i.test(text)) add(Buffer.from(text, "hex"));
  if (encodeURIComponent(text) !== text) forms.add(encodeURIComponent(text));
  // Shorter ones are met by chance.
  return [...forms].map((form) => Buffer.from(form, "latin1")).filter((form) => form.length >= 4);
}

export function filesUnder(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}

/** Finds which of many needles a text of bytes holds, in one pass over it. */
export function finder(needles: readonly Buffer[]): (bytes: Buffer) => Buffer[] {
  const byStart = new Map<number, Buffer[]>();
  const begins = new Uint8Array(65_536);
  for (const needle of needles) {
    const start = needle.readUInt32LE(0);
    byStart.set(start, [...(byStart.get(start) ?? []), needle]);
    begins[start & 0xffff] = 1;
  }
  return (bytes) => {
    const found = new Set<Buffer>();
    for (let at = 0; at + 4 <= bytes.length; at += 1) {
      if (begins[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] !== 1) continue;
      for (const needle of byStart.get(bytes.readUInt32LE(at)) ?? [])
        if (bytes.subarray(at, at + needle.length).equals(needle)) found.add(needle);
    }
    return [...found];
  };
}

/** `file: needle` for each needle that a file of the folder holds. */
export function hits(dir: string, needles: readonly Buffer[]): string[] {
  const find = finder(needles);
  return filesUnder(dir).flatMap((file) =>
    find(readFileSync(file)).map((needle) => `${file}: ${needle.toString("latin1")}`),
  );
}
