/** `laddport report`: what a stretch of days brought, from the log, beside a running gateway or on its files. */
import { existsSync, writeFileSync } from "node:fs";
import { evseSpecs, loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import { LANGUAGES, type Language } from "../rules/explain-texts.ts";
import type { ReportBy } from "../rules/report-by.ts";
import { monthEnd } from "../rules/report-calendar.ts";
import { reportFromLog } from "../web/log-report.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT } from "./output.ts";
import { pageOf } from "./report-html.ts";
import { aligned, causesOf, csvOf, tableOf } from "./report-text.ts";

export interface ReportOptions {
  data: string;
  from: string;
  to?: string;
  by: ReportBy;
  /** `laddport.yaml` is used when it is there and this is absent. */
  config?: string;
  json?: boolean;
  csv?: string;
  html?: string;
  /** Of the page: `sv` or `en`; without it the site's. */
  lang?: string;
}

/** Wire time between two words about how far it is. */
const TELL_MS = 500;

/** @throws LaddportError LP803 for a date that is none, LP802 when a file cannot be written. */
export async function report(options: ReportOptions, io: CommandIo): Promise<number> {
  const first = dateOf("--from", options.from, "first");
  const last = options.to === undefined ? undefined : dateOf("--to", options.to, "last");
  if (last !== undefined && last < first)
    throw new LaddportError("LP803", `--to ${options.to} is before --from ${options.from}`, {
      fix: "Both days are inclusive: name the first and the last one.",
    });
  const reader = openLog(options.data);
  try {
    const tell = progress(io);
    const { language, ...site } = siteOf(options, io);
    const {
      report: made,
      notes,
      others,
    } = await reportFromLog(
      reader,
      { first, by: options.by, ...(last === undefined ? {} : { last }), ...site },
      options.html === undefined ? [] : ["hour", "evse"],
      tell.at,
    );
    tell.done();
    if (options.csv !== undefined) write(options.csv, csvOf(made), io);
    const [byHour, byEvse] = others;
    if (options.html !== undefined && byHour && byEvse)
      write(options.html, pageOf({ report: made, notes, byHour, byEvse }, language), io);
    if (options.json) io.stdout.write(`${JSON.stringify(made)}\n`);
    else {
      io.stdout.write(`${made.from} to ${made.to}, both inclusive, ${made.time_zone}\n`);
      io.stdout.write(`${aligned(tableOf(made))}\n`);
      const causes = causesOf(made.total);
      if (causes) io.stdout.write(`interruptions: ${causes}\n`);
      for (const note of made.notes) io.stderr.write(`${note}\n`);
    }
  } finally {
    await reader.close();
  }
  return EXIT.ok;
}

/** A date as it is; of a month `2026-03` its first or last day. */
function dateOf(option: string, text: string, end: "first" | "last"): string {
  const date = /^\d{4}-\d\d$/.test(text) ? (end === "first" ? `${text}-01` : monthEnd(text)) : text;
  const ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date)) return date;
  throw new LaddportError("LP803", `${option} ${text} is no date`, {
    fix: "Write a day such as 2026-03-29 or a month such as 2026-03.",
  });
}

/** Zone, EVSEs and language of the config. One that lies here unasked for and cannot be read is no reason to stop. */
function siteOf(
  options: ReportOptions,
  io: CommandIo,
): { zone?: string; evses?: EvseId[]; language: Language } {
  const wanted = LANGUAGES.find((known) => known === options.lang);
  const file = options.config ?? "laddport.yaml";
  if (options.config === undefined && !existsSync(file)) return { language: wanted ?? "en" };
  try {
    const config = loadConfig(file, { env: process.env });
    const { timezone: zone, language } = config.site;
    const evses = evseSpecs(config).map((e) => evseId(e.station, e.evse));
    return { zone, evses, language: wanted ?? language };
  } catch (error) {
    if (options.config !== undefined || !(error instanceof LaddportError)) throw error;
    io.stderr.write(`${file} is not used: laddport check shows what is wrong with it\n`);
    return { language: wanted ?? "en" };
  }
}

function write(file: string, text: string, io: CommandIo): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new LaddportError("LP802", `${file} cannot be written: ${(cause as Error).message}`, { cause });
  }
  io.stderr.write(`${file} written\n`);
}

/** How far the reading is, on a terminal only. */
function progress({ stderr }: CommandIo): { at(part: number): void; done(): void } {
  const terminal = (stderr as { isTTY?: boolean }).isTTY === true;
  let toldMs = performance.now();
  let shown = false;
  return {
    at(part) {
      if (!terminal || performance.now() - toldMs < TELL_MS) return;
      toldMs = performance.now();
      shown = true;
      stderr.write(`\rreading the log: ${Math.floor(part * 100)} %`);
    },
    done() {
      if (shown) stderr.write("\r\u001b[K");
    },
  };
}
