/** `laddport cdr list|show`: the bills of a log, beside a running gateway or on a stopped one's files. */
import { cdrHash } from "../documents/cdr-hash.ts";
import { LaddportError } from "../errors.ts";
import type { Cdr } from "../model/cdr.ts";
import { localTime } from "../rules/explain-time.ts";
import { findCdr, type Issued, newestCdrs, noCdr, type Sealed, summariesOf } from "./cdr-log.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { recordRead } from "./recorded.ts";

export interface ListOptions {
  data: string;
  limit: number;
  /** Days of the site's calendar, or RFC 3339 instants; both inclusive. */
  from?: string;
  to?: string;
  json?: boolean;
}

export async function cdrList(options: ListOptions, io: CommandIo): Promise<number> {
  const wanted = within(options);
  const reader = openLog(options.data);
  const filtered = options.from !== undefined || options.to !== undefined;
  const newest = await newestCdrs(reader, filtered ? Number.POSITIVE_INFINITY : options.limit + 1);
  // A credit is newer than what it takes back.
  const credited = new Set(newest.map(({ body }) => body.credit_reference_id));
  const all = newest.filter(({ body }) => wanted(body));
  const issued = all.slice(0, options.limit);
  const sealed = await summariesOf(reader, (issued.at(-1)?.offset ?? 1) - 1);
  await reader.close();
  const rows = issued.map((event) => rowOf(event, credited.has(event.body.id), sealed.get(event.body.id)));
  if (options.json) io.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  else {
    const head = ["CDR", "station", "start", "kWh", "total", "", "state", "summary"];
    const cells = rows.map((row) => [
      row.id,
      row.evse_uid,
      row.start,
      row.total_energy,
      row.total_incl_vat,
      row.currency,
      row.state,
      row.summary ? `${row.summary.epoch}/${row.summary.seq} ${row.summary.state}` : "",
    ]);
    io.stdout.write(`${table([head, ...cells])}\n`);
    if (all.length > rows.length)
      io.stderr.write(`showing the newest ${rows.length}; --limit <n> shows more\n`);
    if (rows.length === 0 && options.limit > 0)
      io.stderr.write(filtered ? "no CDR is of that time\n" : "no CDR has been issued yet\n");
  }
  return EXIT.ok;
}

function rowOf({ body }: Issued, credited: boolean, summary: Sealed | undefined) {
  return {
    id: body.id,
    session_id: body.session_id,
    evse_uid: body.cdr_location.evse_uid,
    /** In the site's zone. */
    start: localTime(body.time_zone ?? "UTC", body.start_date_time),
    start_date_time: body.start_date_time,
    total_energy: body.total_energy,
    total_incl_vat: body.total_cost.incl_vat,
    currency: body.currency,
    state: body.credit ? "credit" : credited ? "credited" : "issued",
    summary: summary ?? null,
  };
}

/** @throws LaddportError LP803 when a bound is neither a day nor an instant. */
function within({ from, to }: ListOptions): (cdr: Cdr) => boolean {
  const [first, last] = [boundOf("--from", from), boundOf("--to", to)];
  return (cdr) => first(cdr) >= 0 && last(cdr) <= 0;
}

/** Where a CDR's start lies: below 0 before the bound, above 0 after it. */
function boundOf(option: string, text: string | undefined): (cdr: Cdr) => number {
  if (text === undefined) return () => 0;
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)))
    return ({ time_zone, start_date_time }) => {
      const day = localTime(time_zone ?? "UTC", start_date_time).slice(0, 10);
      return day < text ? -1 : day > text ? 1 : 0;
    };
  const ms = /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new LaddportError("LP803", `${option} ${text} is neither a day nor a time`, {
      fix: "Write a day such as 2026-11-25, or a time such as 2026-11-25T17:00:00Z.",
    });
  return ({ start_date_time }) => Date.parse(start_date_time) - ms;
}

export interface ShowOptions {
  data: string;
  id: string;
  /** For the audit trail. */
  reason?: string;
  json?: boolean;
}

export async function cdrShow(options: ShowOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const found = await findCdr(reader, options.id);
  await reader.close();
  if (!found) {
    io.stderr.write(await noCdr(options.data, options.id));
    return EXIT.failed;
  }
  await recordRead(options.data, { action: "cdr.read", object: found.body.id, reason: options.reason }, io);
  // As stored: amounts are decimal text, which a reader's floats cannot change.
  io.stdout.write(`${JSON.stringify(found.body, null, options.json ? 0 : 2)}\n`);
  // Beside it: the hash is of the CDR and so no part of it.
  io.stderr.write(`${found.body.id}: SHA-256 ${cdrHash(found.body)}\n`);
  return EXIT.ok;
}
