/** `laddport sessions list|show`: from the log, beside a running gateway or on a stopped one's files. */
import type { Cdr } from "../model/cdr.ts";
import type { EventOf } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { type SessionDurations, sessionDurations } from "../rules/durations.ts";
import { recentFacts } from "../web/log-history.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

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
  for (const { body } of ended) {
    const cdr = (await reader.factByKey(`cdr.issued:${body.session_id}`)) as
      | EventOf<"cdr.issued">
      | undefined;
    rows.push({
      session_id: body.session_id,
      station: body.station,
      evse: body.evse,
      started_ms: body.started_ms,
      ended_ms: body.ended_ms,
      energy_wh: body.energy_wh,
      state: body.held.length > 0 ? "held" : cdr ? "billed" : "not billed",
      cost: cdr ? `${cdr.body.total_cost.incl_vat} ${cdr.body.currency}` : null,
    });
  }
  await reader.close();
  if (options.json) io.stdout.write(rows.map((r) => `${JSON.stringify(r)}\n`).join(""));
  else {
    const head = ["session", "station", "started (UTC)", "minutes", "kWh", "state", "cost"];
    const lines = ended.map(({ body }, i) => [
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
  json?: boolean;
}

export async function sessionsShow(options: ShowOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const session = (await reader.factByKey(`session.ended:${options.id}`))?.body as SessionRecord | undefined;
  const cdr = (await reader.factByKey(`cdr.issued:${options.id}`))?.body as Cdr | undefined;
  await reader.close();
  if (!session) {
    io.stderr.write(
      `there is no ended session ${options.id}; laddport sessions list shows those there are\n`,
    );
    return EXIT.failed;
  }
  if (options.json)
    io.stdout.write(
      `${JSON.stringify({ session, durations: sessionDurations(session), cdr: cdr ?? null })}\n`,
    );
  else io.stdout.write(describe(session, cdr));
  return EXIT.ok;
}

function describe(s: SessionRecord, cdr: Cdr | undefined): string {
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
    ...s.held.map((h) => `  HELD ${h.code}: ${h.detail}`),
  ];
  if (cdr) {
    const head = ["dimension", "measured", "billed", "price", "VAT %", "net", "gross"];
    const rows = cdr.lines.map((l) => [
      l.dimension,
      l.measured,
      l.billed,
      l.unit_price,
      l.vat_percent ?? "",
      l.amount.excl_vat,
      l.amount.incl_vat,
    ]);
    const total = ["total", "", "", "", "", cdr.total_cost.excl_vat, cdr.total_cost.incl_vat];
    lines.push(
      `  bill ${cdr.id}, tariff ${cdr.tariff.body.id} (${cdr.tariff.hash.slice(0, 12)}), ${cdr.currency}`,
    );
    lines.push(
      ...table([head, ...rows, total])
        .split("\n")
        .map((l) => `    ${l}`),
    );
  }
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
