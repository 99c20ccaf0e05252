/** The data directory before anything runs in it. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { SubjectStore } from "../identity/subject-store.ts";
import { readTokenList } from "../identity/token-list.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { lockDirectory } from "../log/lock.ts";
import { logFileIn, readLogFile } from "./log-file.ts";

/** There as long as a backup is being restored: half a log, and erasures that are yet to be done again. */
export const RESTORING = "restoring";

/**
 * Makes the directory and takes it for this process; returns how to let go.
 * @throws LaddportError LP504 when another gateway has it, LP508 when a restoration into it did not end well.
 */
export function takeDataDirectory(config: Config, dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (existsSync(join(dataDir, RESTORING)))
    throw new LaddportError("LP508", `a backup was not wholly restored into ${dataDir}`);
  const unlock = lockDirectory(dataDir);
  if (!unlock) throw new LaddportError("LP504", `another gateway writes to ${dataDir}`);
  keepSigner(config.signer.certFile, join(dataDir, "signer.pem"));
  return unlock;
}

/** So that the log can be proven from the data directory alone. Written when it differs, whole or not at all. */
function keepSigner(certFile: string, kept: string): void {
  if (existsSync(kept) && readFileSync(kept).equals(readFileSync(certFile))) return;
  copyFileSync(certFile, `${kept}.next`);
  renameSync(`${kept}.next`, kept);
}

/** @throws LaddportError LP505 when a newer release wrote the log. Here, because the ledger thread can only die of it. */
export async function refuseNewerLog(dataDir: string): Promise<void> {
  if (existsSync(logFileIn(dataDir))) await readLogFile(dataDir).close();
}

/** The list of the config replaces what was known; a list imported later by the command line lasts until then. */
export function knowTokens(config: Config, dataDir: string): void {
  if (!config.tokens.file) return;
  const store = new SubjectStore(join(dataDir, "subjects.db"), new Vault(readKek(config.identity.kekFile)));
  store.known.replace(readTokenList(config.tokens.file));
  store.close();
}
