/** What commands that write documents share: who issues them, and where the files go. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { loadConfig } from "../config.ts";
import type { Issuer } from "../documents/issuer.ts";
import { LaddportError } from "../errors.ts";
import { LANGUAGES, type Language } from "../rules/explain-texts.ts";

const DEFAULT_CONFIG = "laddport.yaml";

export interface Issuing {
  issuer?: Issuer;
  language: Language;
}

/**
 * From the config that is named, or `laddport.yaml` here when there is one: bills can be shown on a machine that has
 * only the data. `lang` outranks the site's language; without either it is English.
 */
export function issuing(options: { config?: string; lang?: string }): Issuing {
  const file = options.config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
  const site = file === undefined ? undefined : loadConfig(file, { env: process.env }).site;
  const language = LANGUAGES.find((known) => known === options.lang) ?? site?.language ?? "en";
  if (!site) return { language };
  return { language, issuer: { site: site.name, ...(site.seller ? { seller: site.seller } : {}) } };
}

/** @throws LaddportError LP802 when the path is a folder or cannot be written. */
export function writeDocument(file: string, content: string | Uint8Array): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new LaddportError("LP802", `${file} is a folder.`, { fix: "Name the file to write." });
  }
  try {
    writeFileSync(file, content);
  } catch (cause) {
    throw new LaddportError("LP802", `Cannot write ${file} (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
}
