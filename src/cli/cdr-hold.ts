/**
 * `laddport cdr hold list|release|void` and `laddport cdr credit`: lists from the log, beside a running gateway or on a
 * stopped one's files; decides through the running gateway, the only writer of the log.
 */
import { LaddportError } from "../errors.ts";
import { type DecidedSession, type HeldSession, HoldBook } from "../gateway/session-standing.ts";
import { holdSentence } from "../rules/explain-notes.ts";
import { type Decision, Reasoned } from "../web/holds.ts";
import { askGateway } from "./ask-gateway.ts";

import { openLog } from "./log.ts";
import { type CommandIo, EXIT, printable, table } from "./output.ts";

export interface HoldListOptions {
  data: string;
  /** What was decided too. */
  all?: boolean;
  json?: boolean;
}

export async function holdList(options: HoldListOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const { open, decided } = await new HoldBook(reader).read();
  await reader.close();
  const shown = options.all ? decided : [];
  if (options.json) {
    const lines = [
      ...open.map((hold) => ({ state: "held", ...hold })),
      ...shown.map((d) => ({ state: d.decision, ...d })),
    ];
    io.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  } else {
    if (open.length > 0) io.stdout.write(`${heldText(open)}\n`);
    if (shown.length > 0) io.stdout.write(`${open.length > 0 ? "\n" : ""}${decidedTable(shown)}\n`);
  }
  if (open.length === 0) io.stderr.write("no session is held\n");
  return EXIT.ok;
}

const minute = (iso: string) => iso.slice(0, 16).replace("T", " ");

/** A table, and below it why each of them waits: details are sentences of their own. */
function heldText(open: readonly HeldSession[]): string {
  const rows = open.map((hold) => [
    hold.session_id,
    `${hold.station}/${hold.evse}`,
    minute(hold.held_since),
    (hold.energy_wh / 1000).toFixed(3),
    hold.held.map(({ code }) => code).join(", "),
  ]);
  const why = open.flatMap(({ session_id, held }) =>
    held.map(({ code, detail }) => `${session_id}: ${holdSentence(code, "en")} (${printable(detail)})`),
  );
  return `${table([["session", "station", "held since (UTC)", "kWh", "why"], ...rows])}\n\n${why.join("\n")}`;
}

function decidedTable(decided: readonly DecidedSession[]): string {
  return table([
    ["session", "decision", "at (UTC)", "by", "was held for", "reason"],
    ...decided.map((d) => [d.session_id, d.decision, minute(d.at), d.by, d.held.join(", "), d.reason]),
  ]);
}

export interface DecideOptions {
  config: string;
  /** Of the session; of the CDR for `credit`. */
  id: string;
  by: string;
  reason: string;
  json?: boolean;
}

const DONE: Record<Decision, string> = { release: "released", void: "voided", credit: "credited" };

/** @throws LaddportError LP803 when what is asked for cannot be asked. */
function refuseSlips({ by, reason }: DecideOptions): void {
  const { by: id, reason: why } = Reasoned.shape;
  if (!id.safeParse(by).success)
    throw new LaddportError("LP803", `--by ${JSON.stringify(by)} is no operator's id.`, {
      fix: "Write 1 to 64 letters, digits or . _ @ -.",
    });
  if (!why.safeParse(reason).success)
    throw new LaddportError("LP803", `--reason ${JSON.stringify(reason)} does not say why.`, {
      fix: "Write 3 to 500 characters.",
    });
}

/** Exit 1 when the gateway does not run or refuses. */
export async function decide(decision: Decision, options: DecideOptions, io: CommandIo): Promise<number> {
  refuseSlips(options);
  const id = encodeURIComponent(options.id);
  const path = decision === "credit" ? `cdrs/${id}/credit` : `holds/${id}/${decision}`;
  const { by, reason } = options;
  const said = await askGateway(options.config, path, { by, reason }, "A decision", io);
  if (!said) return EXIT.failed;
  if (options.json) io.stdout.write(`${JSON.stringify(said)}\n`);
  else io.stdout.write(`${options.id} ${DONE[decision]} by ${said.by}: ${said.reason}\n`);
  return EXIT.ok;
}
