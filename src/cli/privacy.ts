/** `laddport privacy map`: what is stored where, why, for how long, and who reads it. */
import { existsSync } from "node:fs";
import { loadConfig, retentionClocks } from "../config.ts";
import { type DataRow, privacyRows } from "../gateway/privacy-map.ts";
import { DEFAULT_FIGURES, type KeptFigures } from "../rules/data-kept.ts";
import { type CommandIo, EXIT } from "./output.ts";

export interface PrivacyOptions {
  /** `laddport.yaml` is used when it is there and this is absent; without one the defaults are shown. */
  config?: string;
  lang?: "en" | "sv";
  json?: boolean;
}

const WORDS = {
  en: { why: "why", personal: "personal", kept: "kept", readers: "read by" },
  sv: { why: "varför", personal: "personligt", kept: "sparas", readers: "läses av" },
} as const;

const STORES: Record<DataRow["store"], string> = {
  "log event": "händelse i loggen",
  "subject store": "personregister",
  "log table": "tabell i loggen",
  InfluxDB: "InfluxDB",
  "MQTT topic": "MQTT",
  file: "fil",
};
const PERSONAL: Record<DataRow["personal"], string> = {
  none: "nej",
  pseudonym: "pseudonym",
  sealed: "förseglat",
  staff: "personal",
};
const READERS: Record<DataRow["readers"][number], string> = {
  operator: "drift",
  billing: "ekonomi",
  privacy: "dataskydd",
  admin: "administratör",
  flows: "flöden",
  stations: "stationer",
  cloud: "molnet",
  gateway: "gatewayen",
};

/** `--json`: `{store, name, what, why, personal, kept, readers}` a line. */
export async function privacyMap(options: PrivacyOptions, io: CommandIo): Promise<number> {
  const { figures, language } = siteOf(options);
  const lang = options.lang ?? language;
  const rows = privacyRows(figures, lang);
  if (options.json) io.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  else io.stdout.write(textOf(rows, lang));
  return EXIT.ok;
}

function siteOf({ config }: PrivacyOptions): { figures: KeptFigures; language: "en" | "sv" } {
  const file = config ?? "laddport.yaml";
  if (config === undefined && !existsSync(file)) return { figures: DEFAULT_FIGURES, language: "en" };
  const read = loadConfig(file, { env: process.env });
  const { rawDays, quarantineDays } = read.retention;
  return { figures: { ...retentionClocks(read), rawDays, quarantineDays }, language: read.site.language };
}

/** Rows that differ in the name alone are told once. */
function textOf(rows: readonly DataRow[], lang: "en" | "sv"): string {
  const said = new Map<string, string[]>();
  for (const row of rows) {
    const text = detailOf(row, lang);
    said.set(text, [...(said.get(text) ?? []), row.name]);
  }
  return [...said].map(([text, names]) => `${names.join(", ")}\n${text}\n`).join("\n");
}

function detailOf({ store, personal, what, why, kept, readers }: DataRow, lang: "en" | "sv"): string {
  const words = WORDS[lang];
  const isEnglish = lang === "en";
  const read = readers.map((reader) => (isEnglish ? reader : READERS[reader])).join(", ");
  return [
    `  ${isEnglish ? store : STORES[store]}: ${what}`,
    `  ${words.why}: ${why}`,
    `  ${words.personal}: ${isEnglish ? personal : PERSONAL[personal]}; ${words.kept}: ${kept}; ${words.readers}: ${read}`,
  ].join("\n");
}
