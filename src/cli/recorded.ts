/**
 * Reads of personal data by commands, in the audit trail before anything is shown. A copy of a log on another machine
 * is not the log: what is read there nobody can write down, and the command says so.
 */
import { LaddportError } from "../errors.ts";
import { readGatewayFile } from "../gateway/gateway-file.ts";
import type { AuditEntry } from "../model/audit.ts";
import { commandAudit } from "./offline-log.ts";
import { cliActor } from "./os-user.ts";
import type { CommandIo } from "./output.ts";

/** What stands in the way on a copy: rights, a read-only disk, the key of another machine, rows that are missing. */
const COPY = new Set(["LP501", "LP805"]);
const READ_ONLY = new Set(["EACCES", "EROFS", "EPERM"]);
/** SQLITE_READONLY, SQLITE_CANTOPEN: https://sqlite.org/rescode.html */
const UNWRITABLE = new Set([8, 14]);

/** @throws LaddportError LP806 when the gateway that has the log does not take the entry: nothing may be shown. */
export async function recordRead(
  data: string,
  entry: Omit<AuditEntry, "actor">,
  io: Pick<CommandIo, "stderr">,
): Promise<void> {
  if (!readGatewayFile(data)) return;
  try {
    await commandAudit({ data })({ actor: cliActor(), ...entry });
  } catch (error) {
    if (!isCopy(error)) throw error;
    io.stderr.write(`this read is in no audit trail: ${(error as Error).message}\n`);
  }
}

function isCopy(error: unknown): boolean {
  if (error instanceof LaddportError) return COPY.has(error.code);
  const { code, errcode } = error as { code?: string; errcode?: number };
  return READ_ONLY.has(code ?? "") || UNWRITABLE.has(Number(errcode) & 0xff);
}
