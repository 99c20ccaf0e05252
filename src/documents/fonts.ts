/** Source Sans 3 (OFL 1.1), cut into scripts by its package: the files, and which of them has a character. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export type Weight = 400 | 600;

/** In the order they are asked. */
const SCRIPTS = ["latin", "latin-ext", "greek", "cyrillic", "vietnamese"] as const;
export type Script = (typeof SCRIPTS)[number];

const require = createRequire(import.meta.url);
const kept = new Map<string, Buffer>();

function fileOf(script: Script, weight: Weight, format: "woff" | "woff2"): Buffer {
  const name = `@fontsource/source-sans-3/files/source-sans-3-${script}-${weight}-normal.${format}`;
  let bytes = kept.get(name);
  if (!bytes) {
    bytes = readFileSync(require.resolve(name));
    kept.set(name, bytes);
  }
  return bytes;
}

/** Base64 of the Latin WOFF2, for a style sheet. Browsers have fonts of their own for other scripts. */
export function webFont(weight: Weight): string {
  return fileOf("latin", weight, "woff2").toString("base64");
}

/** WOFF of a script, for a PDF. */
export function printFont(script: Script, weight: Weight): Buffer {
  return fileOf(script, weight, "woff");
}

/** A stretch of text that one font file can show. */
export interface Run {
  script: Script;
  text: string;
}

/**
 * Cuts `text` so that each run has glyphs for all its characters, by `has`. What no file can show is written as its
 * code point, `[U+1F50C]`, rather than left out.
 */
export function runsOf(text: string, has: (script: Script, codePoint: number) => boolean): Run[] {
  const runs: Run[] = [];
  const add = (script: Script, part: string) => {
    const last = runs.at(-1);
    if (last?.script === script) last.text += part;
    else runs.push({ script, text: part });
  };
  for (const character of text.toWellFormed().normalize("NFC")) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (codePoint < 0x20 || codePoint === 0x7f) {
      add(runs.at(-1)?.script ?? "latin", " ");
      continue;
    }
    const last = runs.at(-1)?.script;
    const script =
      last && has(last, codePoint) ? last : SCRIPTS.find((candidate) => has(candidate, codePoint));
    if (script) add(script, character);
    else add("latin", `[U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}]`);
  }
  return runs;
}
