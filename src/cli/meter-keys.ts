/**
 * `laddport meter-keys list|accept`: lists from the log, beside a running gateway or on a stopped one's files; accepts
 * through the running gateway.
 */
import { readFileSync } from "node:fs";
import { LaddportError } from "../errors.ts";
import { KeyBook, type MeterKeys } from "../gateway/key-book.ts";
import { HoldBook } from "../gateway/session-standing.ts";
import { OcmfError } from "../rules/ocmf/error.ts";
import { readPublicKey } from "../rules/ocmf/keys.ts";
import { askGateway } from "./ask-gateway.ts";
import { openLog } from "./log.ts";
import { isFile } from "./ocmf.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

export interface KeyListOptions {
  data: string;
  json?: boolean;
}

/** `--json`: one line a key, `state` is `accepted`, `replaced` or `waiting`. */
export async function keyList(options: KeyListOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const keys = await new KeyBook(reader, new HoldBook(reader)).read();
  await reader.close();
  if (options.json) {
    const lines = [
      ...keys.accepted.map((key) => ({ state: key.current ? "accepted" : "replaced", ...key })),
      ...keys.waiting.map((key) => ({ state: "waiting", ...key })),
    ];
    io.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return EXIT.ok;
  }
  if (keys.accepted.length > 0) io.stdout.write(`${acceptedTable(keys)}\n`);
  else io.stderr.write("no key is accepted\n");
  if (keys.waiting.length > 0) io.stdout.write(`\n${waitingTable(keys)}\n`);
  return EXIT.ok;
}

/** Enough to tell two keys apart; `--json` has all of it. */
const short = (fingerprint: string | null) => fingerprint?.slice(0, 16) ?? "none came";

function acceptedTable({ accepted }: MeterKeys): string {
  return table([
    ["meter", "key (SHA-256)", "", "accepted (UTC)", "by", "reason"],
    ...accepted.map((key) => [
      key.meter_serial,
      short(key.fingerprint),
      key.current ? "" : "replaced",
      key.at.slice(0, 16).replace("T", " "),
      key.by,
      key.reason,
    ]),
  ]);
}

function waitingTable({ waiting }: MeterKeys): string {
  return table([
    ["meter", "key (SHA-256)", "holds", ""],
    ...waiting.map((key) => [
      key.meter_serial,
      short(key.fingerprint),
      key.sessions.join(", "),
      key.accepted ? "accepted: release them, laddport cdr hold release" : "not accepted",
    ]),
  ]);
}

export interface AcceptOptions {
  serial: string;
  key?: string;
  by: string;
  reason: string;
  config: string;
  json?: boolean;
}

/** Exit 1 when the gateway does not run or refuses. @throws LaddportError LP803 when the key cannot be read. */
export async function keyAccept(options: AcceptOptions, io: CommandIo): Promise<number> {
  const { serial, by, reason } = options;
  const key = options.key === undefined ? {} : { public_key: spkiOf(options.key) };
  const body = { meter_serial: serial, ...key, by, reason };
  const said = await askGateway(options.config, "meter-keys", body, "Accepting a key", io);
  if (!said) return EXIT.failed;
  const { sessions } = said as { sessions: string[] };
  if (options.json) io.stdout.write(`${JSON.stringify(said)}\n`);
  else {
    io.stdout.write(
      `the key ...${String(said.public_key).slice(-16)} of meter ${serial} is accepted by ${by}\n`,
    );
    for (const id of sessions) io.stdout.write(`waits for its release: laddport cdr hold release ${id}\n`);
  }
  return EXIT.ok;
}

/** Hex of the SubjectPublicKeyInfo: of the key itself, or of the file that holds it. */
function spkiOf(given: string): string {
  try {
    return readPublicKey(isFile(given) ? readFileSync(given) : given).spki.toString("hex");
  } catch (error) {
    if (!(error instanceof OcmfError)) throw error;
    throw new LaddportError("LP803", `--key: the ${error.message}`, {
      fix: "Give the public key as hex, base64 or PEM of a SubjectPublicKeyInfo, or name a file that holds it.",
      cause: error,
    });
  }
}
