/** `laddport sessions list|show`: from the log, beside a running gateway or on a stopped one's files. */
import { standingBill, standingOf } from "../gateway/session-standing.ts";
import type { Cdr } from "../model/cdr.ts";
import type { EventOf } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { type SessionDurations, sessionDurations } from "../rules/durations.ts";
import { explainCdr } from "../rules/explain.ts";
import { holdSentence } from "../rules/explain-notes.ts";
import { completeCdr } from "../rules/older-cdr.ts";
import type { Standing } from "../rules/standing.ts";
import { recentFacts } from "../web/log-history.ts";
import { billText } from "./bill-text.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, printable, table } from "./output.ts";
import { recordRead } from "./recorded.ts";

const kwh = (wh: number) => (wh / 1000).toFixed(3);
const at = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
const minutes = (s: number) => String(Math.round(s / 60));

export interface ListOptions {
  data: string;
  limit: number;
  json?: boolean;
}

export async function sessionsList(options: ListOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const ended = (await recentFacts(reader, ["session.ended"], options.limit)) as EventOf<"session.ended">[];
  const rows: Record<string, unknown>[] = [];
  const shown: SessionRecord[] = [];
  for (const { body } of ended) {
    const standing = await standingOf(reader, body.session_id);
    const cdr = await standingBill(reader, standing);
    const { session_id, station, evse, started_ms, ended_ms, energy_wh } = standing?.record ?? body;
    shown.push(standing?.record ?? body);
    rows.push({
      session_id,
      station,
      evse,
      started_ms,
      ended_ms,
      energy_wh,
      state: standing?.state === "billed" && !cdr ? "not billed" : (standing?.state ?? "not billed"),
      cost: cdr ? `${cdr.total_cost.incl_vat} ${cdr.currency}` : null,
    });
  }
  await reader.close();
  if (options.json) io.stdout.write(rows.map((r) => `${JSON.stringify(r)}\n`).join(""));
  else {
    const head = ["session", "station", "started (UTC)", "minutes", "kWh", "state", "cost"];
    const lines = shown.map((body, i) => [
      body.session_id,
      `${body.station}/${body.evse}`,
      at(body.started_ms),
      minutes((body.ended_ms - body.started_ms) / 1000),
      kwh(body.energy_wh),
      String(rows[i]?.state),
      String(rows[i]?.cost ?? ""),
    ]);
    io.stdout.write(`${table([head, ...lines])}\n`);
    if (lines.length === 0 && options.limit > 0) io.stderr.write("no session has ended yet\n");
  }
  return EXIT.ok;
}

export interface ShowOptions {
  data: string;
  id: string;
  /** For the audit trail. */
  reason?: string;
  json?: boolean;
}

export async function sessionsShow(options: ShowOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const standing = await standingOf(reader, options.id);
  const session = standing?.record;
  const cdr = await standingBill(reader, standing);
  await reader.close();
  if (!standing || !session) {
    io.stderr.write(
      `there is no ended session ${options.id}; laddport sessions list shows those there are\n`,
    );
    return EXIT.failed;
  }
  await recordRead(options.data, { action: "session.read", object: options.id, reason: options.reason }, io);
  if (options.json)
    io.stdout.write(
      `${JSON.stringify({ session, durations: sessionDurations(session), cdr: cdr ?? null })}\n`,
    );
  else io.stdout.write(printable(describe(session, cdr, standing.state)));
  return EXIT.ok;
}

function describe(s: SessionRecord, cdr: Cdr | undefined, state: Standing["state"]): string {
  const lines = [
    `session ${s.session_id} at ${s.station}/${s.evse}`,
    `  ${at(s.started_ms)} to ${at(s.ended_ms)} UTC by the ${s.clock}'s clock, closed by the ${s.closed_by} (${s.stop_reason})`,
    `  ${kwh(s.energy_wh)} kWh`,
    ...s.segments.map(
      (r) => `    register ${r.from_wh} to ${r.to_wh} Wh${r.meter_serial ? `, meter ${r.meter_serial}` : ""}`,
    ),
    ...durationLines(sessionDurations(s)),
    ...(s.interruptions > 0 ? [`  ${s.interruptions} interruptions`] : []),
    ...(s.flags.length > 0 ? [`  noted: ${s.flags.join(", ")}`] : []),
    ...s.held.map(
      (h) =>
        `  ${state === "held" ? "HELD" : "was held"} ${h.code}: ${holdSentence(h.code, "en")} (${h.detail})`,
    ),
    ...(state === "voided" || state === "credited" ? [`  ${state}: there is no bill`] : []),
  ];
  if (cdr) lines.push("", ...billText(explainCdr(completeCdr(cdr), { language: "en" })));
  return `${lines.join("\n")}\n`;
}

/** Where the time went; the parts add up to the session. */
function durationLines(d: SessionDurations): string[] {
  const parts: [string, number][] = [
    ["charging", d.charging_ms],
    ["suspended by the vehicle", d.suspended_ev_ms],
    ["held back by the site", d.suspended_evse_ms],
    ["idle after full", d.idle_ms],
    ["fault", d.faulted_ms],
    ["gap, not billed", d.gap_ms],
  ];
  const within: [string, number][] = [
    ["of the charging limited by the site", d.throttled_ms ?? 0],
    ["of all without a message", d.unobserved_ms],
  ];
  const shown = (list: [string, number][]) =>
    list.filter(([, ms]) => ms > 0).map(([name, ms]) => `${name} ${minutes(ms / 1000)}`);
  return [`  minutes: ${[...shown(parts), ...shown(within)].join(", ")}`];
}
