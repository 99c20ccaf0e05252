/** `laddport ocmf verify`: signed meter values in a file, checked without a running gateway. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { LaddportError } from "../errors.ts";
import { algorithmOf, DEFAULT_ALGORITHM } from "../rules/ocmf/curves.ts";
import { type SignedEnergy, signedEnergy } from "../rules/ocmf/energy.ts";
import { OcmfError } from "../rules/ocmf/error.ts";
import { readPublicKey } from "../rules/ocmf/keys.ts";
import { type OcmfRecord, parseOcmf } from "../rules/ocmf/record.ts";
import { findRecords } from "../rules/ocmf/sources.ts";
import type { CheckedRecord } from "../rules/ocmf/transaction.ts";
import { verifyOcmf } from "../rules/ocmf/verify.ts";
import { transparencyXml } from "../rules/ocmf/xml.ts";
import { type OcmfReport, report, unreadable } from "./ocmf-report.ts";
import { ocmfText } from "./ocmf-text.ts";
import { type CommandIo, EXIT } from "./output.ts";

export interface OcmfOptions {
  file: string;
  key?: string;
  lenient?: boolean;
  xml?: string;
  json?: boolean;
}

export async function ocmfVerify(options: OcmfOptions, io: CommandIo): Promise<number> {
  const file = read(options.file);
  const givenKey = options.key === undefined ? null : keyGiven(options.key);
  let checked: CheckedRecord<OcmfRecord>[];
  try {
    const found = findRecords(file).map(({ bytes, key }) => ({ record: parseOcmf(bytes), key }));
    if (givenKey !== null && found[0]) refuseUnreadable(givenKey, found[0].record);
    const lenient = { lenient: options.lenient ?? false };
    checked = found.map(({ record, key }) => ({
      record,
      verification: verifyOcmf(record, givenKey ?? key, lenient),
    }));
  } catch (error) {
    if (!(error instanceof OcmfError)) throw error;
    return tell(unreadable(error.message), null, options, io);
  }
  if (options.xml !== undefined) {
    const key = checked.find(({ verification }) => verification.key)?.verification.key ?? null;
    const records = checked.map(({ record }) => record);
    writeText(options.xml, transparencyXml(records, key));
  }
  const energy = signedEnergy(...checked);
  return tell(report(checked, energy), energy, options, io);
}

function tell(result: OcmfReport, energy: SignedEnergy | null, options: OcmfOptions, io: CommandIo): number {
  io.stdout.write(options.json ? `${JSON.stringify(result)}\n` : ocmfText(result, energy, io));
  return result.verified === true ? EXIT.ok : EXIT.failed;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LaddportError("LP805", `${file} cannot be read (${code})`, { cause });
  }
}

/** The key itself, or the content of the file that is named. */
function keyGiven(option: string): string | Buffer {
  return isFile(option) ? readFileSync(option) : option;
}

export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // A key is longer than a file's name may be, or names nothing.
    return false;
  }
}

/** A key that cannot be read is a slip on the command line, not a bad signature. */
function refuseUnreadable(key: string | Buffer, { signature }: OcmfRecord): void {
  try {
    readPublicKey(key, algorithmOf(signature.algorithm ?? DEFAULT_ALGORITHM)?.curve ?? null);
  } catch (error) {
    if (!(error instanceof OcmfError)) throw error;
    throw new LaddportError("LP803", `--key: the ${error.message}`, {
      fix:
        typeof key === "string"
          ? `Give it as hex or base64, or name a file that holds it: ${JSON.stringify(short(key))} is no file.`
          : "Give it as hex, base64, PEM or DER.",
    });
  }
}

const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new LaddportError("LP802", `${file} cannot be written (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
}
