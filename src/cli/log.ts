/** `laddport log tail|verify`: reads the files; needs no running gateway and works beside one. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LaddportError } from "../errors.ts";
import { logFileIn, namedLogError, readLogFile } from "../gateway/log-file.ts";
import { type MarkRead, readMark } from "../log/mark.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import { type Verdict, verifyAll } from "../log/verify.ts";
import { EVENTS } from "../model/data-map.ts";
import type { Event, EventType } from "../model/event.ts";
import { type CommandIo, EXIT } from "./output.ts";
import { recordRead } from "./recorded.ts";

const PAGE = 2_000;
const FOLLOW_MS = 250;

/** @throws LaddportError LP803 when there is no log in the folder, LP505 and LP506 when it cannot be read. */
export function openLog(data: string): SqliteReader {
  const file = logFileIn(data);
  // A folder that may not be entered holds no files either, if one only asks whether they exist.
  if (!statSync(file, { throwIfNoEntry: false }))
    throw new LaddportError("LP803", `there is no log in ${data} (${file} is missing)`, {
      fix: "Name the data directory with --data.",
    });
  return readLogFile(data);
}

/** An event as one line of JSON: what every station message carries stands at the top, for grep and jq. */
export function eventLine(event: Event): string {
  const { offset, type, atMs, station, key, body } = event;
  const { evse, boot, seq, ts, ...rest } = body as unknown as Record<string, unknown>;
  return JSON.stringify({
    offset,
    type,
    at: new Date(atMs).toISOString(),
    station,
    ...(evse === undefined ? {} : { evse }),
    ...(boot === undefined ? {} : { boot, seq, ts }),
    key,
    body: rest,
  });
}

function eventText(event: Event): string {
  const body = JSON.stringify(event.body);
  const at = new Date(event.atMs).toISOString();
  return `${String(event.offset).padStart(9)}  ${at}  ${event.type.padEnd(22)} ${(event.station ?? "").padEnd(10)} ${body}`;
}

export interface TailOptions {
  data: string;
  from: number;
  type?: string[];
  follow?: boolean;
  json?: boolean;
}

export async function logTail(options: TailOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const line = options.json ? eventLine : eventText;
  const types = options.type as EventType[] | undefined;
  const odd = types?.find((type) => !/^[a-z0-9_]+\.[a-z0-9_]+$/.test(type));
  if (odd !== undefined)
    throw new LaddportError("LP803", `--type ${odd} is no type of event`, {
      fix: "Write one such as session.ended.",
    });
  if (!types?.every((type) => EVENTS[type]?.personal === "none"))
    await recordRead(options.data, { action: "log.read", detail: { types: types?.join(" ") ?? "all" } }, io);
  let shown = 0;
  let after = options.from;
  let going = true;
  const stop = () => {
    going = false;
  };
  process.once("SIGINT", stop);
  while (going) {
    const { events, through } = await reader.read(after, {
      limit: PAGE,
      emptied: true,
      ...(types ? { types } : {}),
    });
    shown += events.length;
    if (events.length > 0) io.stdout.write(`${events.map(line).join("\n")}\n`);
    if (through === after && !options.follow) break;
    if (through === after) await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    after = through;
  }
  process.off("SIGINT", stop);
  if (shown === 0) {
    const what = types ? ` of type ${types.join(", ")}` : "";
    io.stderr.write(`there is no event${what} after offset ${options.from}\n`);
  }
  await reader.close();
  return EXIT.ok;
}

function publicKeyOf(certificate: string): string {
  const pem = readFileSync(certificate);
  try {
    return new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" }).toString();
  } catch (cause) {
    const fix = "Name the gateway certificate with --signer.";
    throw new LaddportError("LP803", `${certificate} is not a PEM certificate`, { fix, cause });
  }
}

/**
 * The chain of facts alone, which is quick: bills, sessions, decisions. The signed mark is looked at where the
 * gateway's certificate lies beside the log.
 */
export function proveFacts(data: string): Verdict {
  const signer = join(data, "signer.pem");
  const mark: MarkRead = existsSync(signer)
    ? readMark(join(data, "log.mark"), publicKeyOf(signer))
    : { state: "absent" };
  return verdictOn(data, mark, "facts");
}

function verdictOn(data: string, mark: MarkRead, chains: "both" | "facts"): Verdict {
  const db = new DatabaseSync(logFileIn(data), { readOnly: true });
  try {
    return verifyAll(db, mark, chains);
  } catch (error) {
    throw namedLogError(data, error);
  } finally {
    db.close();
  }
}

export interface VerifyOptions {
  data: string;
  signer?: string;
  json?: boolean;
}

/**
 * Proves the log of a data directory. A mark that is missing is damage too.
 * @throws LaddportError LP803 without a log or a certificate, LP505 and LP506 when it cannot be read.
 */
export async function proveLog(
  options: Pick<VerifyOptions, "data" | "signer">,
  chains: "both" | "facts",
): Promise<{ mark: MarkRead; verdict: Verdict }> {
  if (!existsSync(logFileIn(options.data))) await openLog(options.data).close();
  const signer = options.signer ?? join(options.data, "signer.pem");
  if (!existsSync(signer)) {
    throw new LaddportError("LP803", `${signer} is missing.`, {
      fix: "Name the gateway certificate with --signer.",
    });
  }
  const mark = readMark(join(options.data, "log.mark"), publicKeyOf(signer));
  const verdict = verdictOn(options.data, mark, chains);
  if (mark.state === "absent") {
    verdict.damage.push({
      chain: "mark",
      offset: 0,
      what: "log.mark is missing, so lost rows at the end cannot be seen",
    });
  }
  return { mark, verdict };
}

/** Exit 1 when anything was altered or lost. */
export async function logVerify(options: VerifyOptions, io: CommandIo): Promise<number> {
  const { mark, verdict } = await proveLog(options, "both");
  const good = verdict.damage.length === 0;
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ ok: good, mark: mark.state, ...verdict })}\n`);
  } else {
    for (const d of verdict.damage) io.stdout.write(`${d.chain} ${d.offset}: ${d.what}\n`);
    io.stdout.write(`${verdict.facts} facts and ${verdict.samples} samples read: `);
    io.stdout.write(
      good ? "both chains hold, the signed mark is met\n" : `${verdict.damage.length} faults\n`,
    );
  }
  return good ? EXIT.ok : EXIT.failed;
}
