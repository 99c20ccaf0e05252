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

/** `file` once for each needle that it holds. */
export function hits(dir: string, needles: readonly Buffer[]): string[] {
  return filesUnder(dir).flatMap((file) => {
    const content = readFileSync(file);
    return needles.filter((needle) => content.includes(needle)).map(() => file);
  });
}
