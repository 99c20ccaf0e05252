/** `laddport why`: why an EVSE may draw what it may; asks the running gateway, and without one the log itself. */
import { existsSync } from "node:fs";
import { type Config, loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { readGatewayFile } from "../gateway/gateway-file.ts";
import { logFileIn } from "../gateway/log-file.ts";
import { depotKnown } from "../gateway/why-door.ts";
import { LANGUAGES, type Language } from "../rules/explain-texts.ts";
import { localTime } from "../rules/explain-time.ts";
import { wallClock } from "../rules/report-calendar.ts";
import type { Why } from "../rules/why/facts.ts";
import { changeRows, whySentences, whyWords } from "../rules/why/sentences.ts";
import { explained, type PeriodAnswer, whyFromLog, whyPeriodFromLog } from "../web/log-why.ts";
import { noAnswerText } from "../web/why.ts";
import { START } from "./ask-gateway.ts";
import { callGateway, type GatewayAddress, type GatewayAnswer, runningAddress } from "./gateway-call.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, printable, table } from "./output.ts";

export interface WhyOptions {
  /** A station, `station/evse` or a vehicle. */
  what: string;
  data: string;
  /** RFC 3339, or on the site's clock `2026-11-25 14:05`; `14:05` is the last one. */
  at?: string;
  /** A stretch of time instead: how long each reason held. */
  from?: string;
  to?: string;
  /** `laddport.yaml` is used when it is there and this is absent. */
  config?: string;
  lang?: string;
  json?: boolean;
}

/** One EVSE over a stretch of time. */
type Period = Omit<PeriodAnswer, "fromMs" | "toMs"> & { from: string; to: string };

interface Answer {
  answers?: Why[];
  periods?: Period[];
}

/** @throws LaddportError LP855 when nothing is known, LP803 for a time or name that is none. */
export async function why(options: WhyOptions, io: CommandIo): Promise<number> {
  const config = configOf(options, io);
  const zone = config?.site.timezone ?? "UTC";
  const language: Language =
    LANGUAGES.find((known) => known === options.lang) ?? config?.site.language ?? "en";
  const [, name = "", evse] = /^([a-z0-9-]{1,36})(?:\/(\d{1,2}))?$/.exec(options.what) ?? [];
  if (name === "")
    throw new LaddportError("LP803", `"${options.what}" is no station, EVSE or vehicle`, {
      fix: "Write an id such as cp-14, cp-14/1 or bus-14.",
    });
  const time = (option: "at" | "from" | "to") => {
    const text = options[option];
    return text === undefined ? null : instantOf(`--${option}`, text, zone);
  };
  refuseMixed(options);
  const ask: Ask = {
    name,
    evse: evse === undefined ? null : Number(evse),
    atMs: time("at"),
    fromMs: time("from"),
    toMs: time("to"),
  };
  // The clock of a depot under test may be ahead, but not by a day.
  if ((ask.atMs ?? 0) > Date.now() + DAY_MS)
    throw new LaddportError("LP803", `--at ${options.at} is still to come`, {
      fix: "Write a time that has been.",
    });
  const address = addressOf(options, config);
  const answer =
    (address && (await fromGateway(address, ask))) ?? (await fromLog(options, config, ask, zone, address));
  if (options.json) io.stdout.write(`${JSON.stringify(answer)}\n`);
  else io.stdout.write(printable(text(answer, language, zone)));
  return EXIT.ok;
}

function refuseMixed({ at, from, to }: WhyOptions): void {
  if (at !== undefined && (from !== undefined || to !== undefined))
    throw new LaddportError("LP803", `--at beside --${from === undefined ? "to" : "from"}`, {
      fix: "Write --at for one instant, or --from and --to for a stretch of time.",
    });
  if (to !== undefined && from === undefined)
    throw new LaddportError("LP803", "--to without --from", { fix: "Write --from, too." });
}

interface Ask {
  name: string;
  evse: number | null;
  atMs: number | null;
  fromMs: number | null;
  toMs: number | null;
}

/** Undefined when nothing tells where a gateway might be. */
function addressOf({ data }: WhyOptions, config: Config | undefined): GatewayAddress | undefined {
  if (config) return runningAddress(config, data);
  const file = readGatewayFile(data);
  return file && { base: file.api, tokenFile: file.token_file, certFile: file.cert_file };
}

/** Undefined when no gateway answers. */
async function fromGateway(
  address: GatewayAddress,
  { name, evse, atMs, fromMs, toMs }: Ask,
): Promise<Answer | undefined> {
  const query = new URLSearchParams();
  if (evse !== null) query.set("evse", String(evse));
  for (const [key, ms] of [
    ["at", atMs],
    ["from", fromMs],
    ["to", toMs],
  ] as const)
    if (ms !== null) query.set(key, new Date(ms).toISOString());
  let said: GatewayAnswer;
  try {
    said = await callGateway(address, `/api/v1/why/${name}?${query}`, { patienceMs: 60_000 });
  } catch {
    return undefined;
  }
  if (said.ok) return said.body as Answer;
  const { code, message, fix } = said.body as { code?: string; message?: string; fix?: string };
  if (code === "NOTHING_TO_EXPLAIN") throw new LaddportError("LP855", message ?? "");
  throw new LaddportError("LP806", `the gateway at ${address.base} refused: ${message}`, {
    ...(fix === undefined ? {} : { fix }),
  });
}

async function fromLog(
  { data }: WhyOptions,
  config: Config | undefined,
  ask: Ask,
  zone: string,
  silent: GatewayAddress | undefined,
): Promise<Answer> {
  const depot = config ? depotKnown(config) : null;
  if (silent && !existsSync(logFileIn(data)))
    throw new LaddportError("LP806", `no gateway answers at ${silent.base}, and there is no log in ${data}`, {
      fix: START,
    });
  const reader = openLog(data);
  const question = { name: ask.name, evse: ask.evse, atMs: ask.atMs, depot };
  const clock = (ms: number) => localTime(zone, new Date(ms).toISOString());
  try {
    if (ask.fromMs === null) {
      const found = await whyFromLog(reader, question);
      if ("no" in found) throw new LaddportError("LP855", noAnswerText(found, clock));
      return { answers: explained(found, depot) };
    }
    const toMs = ask.toMs ?? reader.span()?.to_ms ?? ask.fromMs;
    if (toMs <= ask.fromMs)
      throw new LaddportError("LP803", "the stretch of time ends before it begins", {
        fix: "Write --from and a later --to.",
      });
    const found = await whyPeriodFromLog(reader, question, ask.fromMs, toMs);
    if (!Array.isArray(found)) throw new LaddportError("LP855", noAnswerText(found, clock));
    return {
      periods: found.map(({ fromMs, toMs: end, ...rest }) => ({
        ...rest,
        from: new Date(fromMs).toISOString(),
        to: new Date(end).toISOString(),
      })),
    };
  } finally {
    await reader.close();
  }
}

function text({ answers = [], periods = [] }: Answer, language: Language, zone: string): string {
  const words = whyWords(language);
  // The day and the offset stand once, at the head of an answer.
  const long = (at: string) => localTime(zone, at);
  const parts = answers.map((answer) => {
    const day = long(answer.at).slice(0, 10);
    const short = (at: string) => (long(at).startsWith(day) ? long(at).slice(11, 19) : long(at).slice(0, 19));
    const head = `${day} (${zone})`;
    const sentences = whySentences(answer, language, short);
    return [head, ...sentences, "", table(changeRows(answer, language, short))].join("\n");
  });
  for (const p of periods) {
    const rows = p.shares.map((s) => [
      s.reason === "no_gateway" ? words.noGateway : (s.reason ?? words.noLimit),
      s.minutes.toFixed(1),
      s.mean_limit_a === null ? "" : s.mean_limit_a.toFixed(1),
    ]);
    parts.push(
      `${p.station}/${p.evse} ${long(p.from)} - ${long(p.to)}\n${table([[...words.byReason], ...rows])}`,
    );
  }
  return `${parts.join("\n\n")}\n`;
}

/** One that lies here unasked for and cannot be read is no reason to stop. */
function configOf(options: WhyOptions, io: CommandIo): Config | undefined {
  const file = options.config ?? "laddport.yaml";
  if (options.config === undefined && !existsSync(file)) return undefined;
  try {
    return loadConfig(file, { env: process.env });
  } catch (error) {
    if (options.config !== undefined || !(error instanceof LaddportError)) throw error;
    io.stderr.write(`${file} is not used: laddport check shows what is wrong with it\n`);
    return undefined;
  }
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * RFC 3339, or a time on the clocks of `zone`; a time of day is the last one, but today's for `--to`.
 * @throws LaddportError LP803
 */
export function instantOf(option: string, text: string, zone: string, nowMs = Date.now()): number {
  const [, day, time = "", offset] =
    /^(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  if (day !== undefined && isDay(day) && offset !== undefined && !Number.isNaN(Date.parse(text)))
    return Date.parse(text);
  if (time !== "" && offset === undefined && (day === undefined || isDay(day))) {
    const ms = onClocks(day ?? wallClock(nowMs, zone).slice(0, 10), time, zone);
    const early = day === undefined && option !== "--to" && (ms ?? 0) > nowMs;
    const found = early ? onClocks(wallClock(nowMs - DAY_MS, zone).slice(0, 10), time, zone) : ms;
    if (found !== null) return found;
  }
  throw new LaddportError("LP803", `${option} ${text} is no time`, {
    fix: "Write RFC 3339 such as 2026-11-25T14:05:00+01:00, or on the site's clock 2026-11-25 14:05 or 14:05.",
  });
}

/** Date.parse takes the 30th of February for the 2nd of March. */
const isDay = (day: string) => {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
};

/** Null for a time that the clocks skip. */
function onClocks(day: string, time: string, zone: string): number | null {
  const wall = `${day}T${time.length === 5 ? `${time}:00` : time}`;
  const asUtcMs = Date.parse(`${wall}Z`);
  // Clocks of a zone stand at most 14 hours from UTC, on quarters; of an hour that comes twice the first is meant.
  for (let off = 14 * 60; off >= -14 * 60 && !Number.isNaN(asUtcMs); off -= 15) {
    const ms = asUtcMs - off * MINUTE_MS;
    if (wallClock(ms, zone) === wall.slice(0, 16)) return ms;
  }
  return null;
}
