/** `laddport audit list|verify|export`: who did what, when and why, from the log, beside a running gateway too. */
import { LaddportError } from "../errors.ts";
import { auditLines } from "../gateway/audit-lines.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { AuditLine } from "../rules/audit-line.ts";
import type { AuditQuery } from "../web/audit.ts";
import { openLog, proveLog } from "./log.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { recordRead } from "./recorded.ts";

export interface AuditOptions {
  data: string;
  /** Days (UTC) or RFC 3339 instants; both inclusive. */
  from?: string;
  to?: string;
  actor?: string;
  action?: string;
  json?: boolean;
}

export async function auditList(options: AuditOptions, io: CommandIo): Promise<number> {
  const query = queryOf(options);
  const reader = openLog(options.data);
  const lines = await linesOf(reader, query);
  await reader.close();
  await recordRead(options.data, { action: "audit.read", detail: { lines: lines.length } }, io);
  if (options.json) io.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  else if (lines.length > 0) io.stdout.write(`${table([HEAD, ...lines.map(cells)])}\n`);
  if (lines.length === 0) io.stderr.write("the audit trail has no such entry\n");
  return EXIT.ok;
}

const SHOWN = 40;
const HEAD = ["offset", "at (UTC)", "who", "what", "of", "why", "detail"];

function cells(line: AuditLine): string[] {
  const detail = Object.entries(line.detail).map(([key, value]) => `${key}=${short(value)}`);
  const { offset, at, actor, action, object, reason } = line;
  const shown = line.expired ? ["expired"] : detail;
  return [
    String(offset),
    at.slice(0, 19).replace("T", " "),
    actor,
    action,
    object ?? "",
    reason ?? "",
    shown.join(" "),
  ];
}

/** `--json` has all of it. */
function short(value: string | number): string {
  const text = String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

export async function linesOf(reader: SqliteReader, query: AuditQuery): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  for await (const line of auditLines(reader, query)) lines.push(line);
  return lines;
}

/** @throws LaddportError LP803 when a bound is neither a day nor an instant. */
export function queryOf({ from, to, actor, action }: Omit<AuditOptions, "data">): AuditQuery {
  return {
    ...(from === undefined ? {} : { fromMs: boundOf("--from", from, 0) }),
    ...(to === undefined ? {} : { toMs: boundOf("--to", to, 1) }),
    ...(actor === undefined ? {} : { actor }),
    ...(action === undefined ? {} : { action }),
  };
}

const DAY_MS = 86_400_000;

/** `end`: 1 gives the first instant after the day, or after the millisecond. */
function boundOf(option: string, text: string, end: 0 | 1): number {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const isInstant = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = isDay || isInstant ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new LaddportError("LP803", `${option} ${text} is neither a day nor a time`, {
      fix: "Write a day such as 2026-11-25, or a time such as 2026-11-25T17:00:00Z.",
    });
  return ms + end * (isDay ? DAY_MS : 1);
}

export interface AuditVerifyOptions {
  data: string;
  signer?: string;
  json?: boolean;
}

/** The chain of facts, which holds the trail, and the signed mark. Exit 1 names the first bad row. */
export async function auditVerify(options: AuditVerifyOptions, io: CommandIo): Promise<number> {
  const { mark, verdict } = await proveLog(options, "facts");
  const [first] = verdict.damage;
  if (options.json) {
    const said = { ok: !first, mark: mark.state, facts: verdict.facts, first_bad: first ?? null };
    io.stdout.write(`${JSON.stringify(said)}\n`);
  } else if (first) {
    io.stdout.write(`${first.chain} ${first.offset}: ${first.what}\n`);
  } else io.stdout.write(`${verdict.facts} facts read: the chain holds, the signed mark is met\n`);
  return first ? EXIT.failed : EXIT.ok;
}
