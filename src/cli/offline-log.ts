/**
 * Facts that a command brings. When a gateway runs on the data directory it alone writes the log, so an audit entry
 * goes through its API; when none runs the command takes the directory's lock and appends with the same chain, mark and
 * durability.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { LaddportError } from "../errors.ts";
import { type GatewayFile, readGatewayFile } from "../gateway/gateway-file.ts";
import { lockDirectory } from "../log/lock.ts";
import type { Placed } from "../log/log-store.ts";
import { damageOf, markNow, openLogNow, publicPemOf } from "../log/open-log.ts";
import { type Audit, type AuditEntry, auditFact } from "../model/audit.ts";
import type { NewEvent } from "../model/event.ts";
import { callGateway, type GatewayAnswer } from "./gateway-call.ts";

/** How long another command may hold the lock, and how long a gateway may take to answer, ms. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 50;

/** A log that this process alone writes, until `close`. */
export interface OfflineLog {
  /** Durable when it returns. A fact whose key exists is answered with its first place. */
  append(events: NewEvent[]): Placed[];
  /** Writes the mark and lets go of the directory. */
  close(): void;
}

export interface OfflineOptions {
  data: string;
  /** Signs the mark, PEM; by default the one that the last gateway on the directory used. */
  signerKeyFile?: string | undefined;
}

/**
 * Opens the log for writing, and makes it where there is none yet. Undefined when another process has the directory.
 * @throws LaddportError LP803 when the key that signs the mark is not known, LP501 when the log lost rows.
 */
export function openOfflineLog({ data, signerKeyFile }: OfflineOptions): OfflineLog | undefined {
  const keyFile = signerKeyFile ?? readGatewayFile(data)?.signer_key_file;
  if (keyFile === undefined)
    throw new LaddportError("LP803", `no gateway has run on ${data}, so the key of its log is not known`, {
      fix: "Name the config with --config.",
    });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const unlock = lockDirectory(data);
  if (!unlock) return undefined;
  try {
    return offlineLog(data, signerKeyOf(keyFile), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function signerKeyOf(file: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw new LaddportError("LP805", `${file} cannot be read as a private key: ${(cause as Error).message}`, {
      fix: "Run the command as the user of the gateway.",
      cause,
    });
  }
}

function offlineLog(data: string, signerKey: KeyObject, unlock: () => void): OfflineLog {
  const { store, mark } = openLogNow(data, { signerKey: () => signerKey, publicPem: publicPemOf(signerKey) });
  const damage = damageOf(mark, store.readHead());
  if (damage !== null) {
    // A new mark would hide what the old one proves.
    void store.close();
    throw new LaddportError("LP501", `${data}: ${damage}`);
  }
  return {
    append: (events) => store.commitNow({ events }),
    close() {
      markNow(data, store, signerKey, Date.now());
      void store.close();
      unlock();
    },
  };
}

/**
 * The audit trail as a command writes it. Each entry is durable when it resolves.
 * @throws LaddportError LP806 when neither the log nor the gateway that has it takes the entry.
 */
export function commandAudit(options: OfflineOptions): Audit {
  return async (entry) => {
    const until = Date.now() + PATIENCE_MS;
    for (let refused = ""; ; await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))) {
      const log = openOfflineLog(options);
      if (log) {
        try {
          log.append([auditFact(entry, Date.now())]);
        } finally {
          log.close();
        }
        return;
      }
      const gateway = readGatewayFile(options.data);
      refused = gateway ? await throughGateway(gateway, entry) : "it is locked";
      if (refused === "") return;
      if (Date.now() > until)
        throw new LaddportError("LP806", `the log in ${options.data} takes no entry: ${refused}`);
    }
  };
}

/**
 * Empty when it was taken; else why not: a gateway that is still starting is asked again.
 * @throws LaddportError LP806 when it refuses.
 */
async function throughGateway(file: GatewayFile, entry: AuditEntry): Promise<string> {
  const { api: base, token_file: tokenFile, cert_file: certFile } = file;
  let answer: GatewayAnswer;
  try {
    const call = { method: "POST", body: entry, patienceMs: PATIENCE_MS };
    answer = await callGateway({ base, tokenFile, certFile }, "/api/v1/audit", call);
  } catch (error) {
    if (error instanceof LaddportError) throw error;
    return (error as Error).message;
  }
  if (answer.ok) return "";
  const { message, fix } = answer.body as { message: string; fix: string };
  throw new LaddportError("LP806", `the gateway at ${base} refused the audit entry: ${message}`, { fix });
}
