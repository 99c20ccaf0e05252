/** `laddport subject find|export|erase|hold`: through the running gateway, or on a stopped one's files. */
import { existsSync, writeFileSync } from "node:fs";
import { loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import type { Actor } from "../identity/access.ts";
import { Token } from "../model/messages.ts";
import type { ErasureReport } from "../model/subject.ts";
import type { SubjectDoor, SubjectVerdict } from "../web/subjects.ts";
import { readHidden } from "./hidden-input.ts";
import { cliActor } from "./os-user.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { openSubjectDoor } from "./subject-doors.ts";

interface Place {
  config: string;
  data: string;
  json?: boolean;
}

async function withDoor<T>(
  options: Place,
  work: (door: SubjectDoor, by: Actor) => Promise<SubjectVerdict<T>>,
  io: CommandIo,
  show: (done: T) => number,
): Promise<number> {
  const { door, close } = openSubjectDoor(loadConfig(options.config, { env: process.env }), options.data);
  let verdict: SubjectVerdict<T>;
  try {
    verdict = await work(door, { name: cliActor() });
  } finally {
    close();
  }
  if ("done" in verdict) return show(verdict.done);
  const { code, message, fix } = verdict.answer;
  io.stderr.write(`${code} ${message} ${fix}\n`);
  return EXIT.failed;
}

export interface FindOptions extends Place {
  /** The token itself, or `-`: from standard input, or asked for without an echo. */
  token: string;
  type: string;
}

/** Exit 1 when the token is not known. */
export async function subjectFind(options: FindOptions, io: CommandIo): Promise<number> {
  const uid = options.token === "-" ? await readHidden("Token: ", io.stderr) : options.token;
  const token = Token.safeParse({ uid, type: options.type });
  if (!token.success) {
    const what = token.error.issues[0]?.path[0] === "type" ? `--type ${options.type}` : "the token";
    throw new LaddportError("LP803", `${what} is none that a station could read`, {
      fix: "Give 1 to 64 characters, and a type: rfid, app, emaid, vin or other.",
    });
  }
  return withDoor(
    options,
    (door, by) => door.find(token.data, { by }),
    io,
    ({ subject, sessions, cdrs }) => {
      if (options.json) io.stdout.write(`${JSON.stringify({ subject, sessions, cdrs })}\n`);
      else if (subject !== null)
        io.stdout.write(
          `${table([
            ["subject", "sessions", "bills"],
            [subject, sessions.length, cdrs.length],
          ])}\n`,
        );
      if (subject === null) io.stderr.write("this token is not known here\n");
      return subject === null ? EXIT.failed : EXIT.ok;
    },
  );
}

export interface ExportOptions extends Place {
  subject: string;
  out: string;
  reason: string;
}

export async function subjectExport(options: ExportOptions, io: CommandIo): Promise<number> {
  const { subject, out, reason, json } = options;
  if (existsSync(out))
    throw new LaddportError("LP802", `${out} is there already`, { fix: "Choose another --out." });
  return withDoor(
    options,
    (door, by) => door.export(subject, { by, reason }),
    io,
    (zip) => {
      // It names a person: nobody else reads it, and nothing is overwritten.
      writeFileSync(out, zip, { mode: 0o600, flag: "wx" });
      if (json) io.stdout.write(`${JSON.stringify({ subject, file: out, bytes: zip.length })}\n`);
      else io.stdout.write(`${out}: ${zip.length} bytes. Delete it once it is handed over.\n`);
      return EXIT.ok;
    },
  );
}

export interface EraseOptions extends Place {
  subject: string;
  /** Only a preview goes without. */
  reason?: string;
  preview?: boolean;
}

/** Exit 1 when the subject is on hold or not known. */
export async function subjectErase(options: EraseOptions, io: CommandIo): Promise<number> {
  const { subject, preview = false } = options;
  const reason = options.reason ?? (preview ? "preview" : undefined);
  if (reason === undefined)
    throw new LaddportError("LP803", "an erasure needs a reason", { fix: "Say why with --reason." });
  return withDoor(
    options,
    (door, by) => door.erase(subject, { by, reason, preview }),
    io,
    (report) => {
      if (options.json) io.stdout.write(`${JSON.stringify(report)}\n`);
      else io.stdout.write(`${reportText(report)}\n`);
      return EXIT.ok;
    },
  );
}

function reportText({ subject, erased, kept }: ErasureReport): string {
  const head = erased
    ? `${subject} is erased: the token, its keys, and all that was sealed under them.`
    : `${subject} would lose the token, its keys, and all that is sealed under them. Nothing is done yet.`;
  if (kept.length === 0) return head;
  const rows = kept.map(({ what, until, ground }) => [what, until ?? "", ground]);
  return `${head}\n\n${table([["what stays", "until", "why"], ...rows])}`;
}

export interface HoldOptions extends Place {
  subject: string;
  reason: string;
  until?: string;
  release?: boolean;
}

/** Exit 1 when there is no such subject, or no hold to release. */
export function subjectHold(options: HoldOptions, io: CommandIo): Promise<number> {
  const { subject, reason, release, json } = options;
  const untilMs = options.until === undefined ? null : instantOf(options.until);
  return withDoor<{ subject: string; until?: string | null; released?: boolean }>(
    options,
    (door, by) =>
      release ? door.release(subject, { by, reason }) : door.hold(subject, { by, reason, untilMs }),
    io,
    (done) => {
      if (json) io.stdout.write(`${JSON.stringify(done)}\n`);
      else if (release) io.stdout.write(`the hold on ${subject} is released\n`);
      else
        io.stdout.write(
          `${subject} is on hold ${done.until ? `until ${done.until}` : "until it is released"}\n`,
        );
      return EXIT.ok;
    },
  );
}

/** A day means its end. */
function instantOf(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) + 86_400_000 : Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new LaddportError("LP803", `--until ${text} is no date`, { fix: "Write one such as 2027-06-30." });
}
