/**
 * `laddport restore`: a backup becomes a data directory. Whoever was erased since is erased again, the log is proven,
 * and numbers go on in a new epoch that names the old head.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { RESTORING } from "../gateway/data-directory.ts";
import { certificateFingerprint } from "../identity/certificates.ts";
import { appendErasure, JOURNAL_FILE, readErasures } from "../identity/erasure-journal.ts";
import { SubjectStore } from "../identity/subject-store.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { openSqliteReader } from "../log/sqlite-reader.ts";
import { auditFact } from "../model/audit.ts";
import { unlock } from "../workers/backup-keys.ts";
import { type Manifest, unpack } from "../workers/backup-parts.ts";
import { BackupNotOpened, readSealed } from "../workers/backup-stream.ts";
import { replayErasures } from "../workers/subject-work.ts";
import { proveLog } from "./log.ts";
import { openOfflineLog } from "./offline-log.ts";
import { cliActor } from "./os-user.ts";
import { type CommandIo, EXIT } from "./output.ts";

export interface RestoreOptions {
  file: string;
  data: string;
  /** Private key of the recipient, PEM; without one the config's KEK opens the backup. */
  key?: string;
  /** A newer erasure journal, saved from the lost machine. */
  erasures?: string;
  config: string;
  json?: boolean;
}

/** Exit 1 when the restored log does not prove itself. */
export async function restore(options: RestoreOptions, io: CommandIo): Promise<number> {
  const { data } = options;
  const config = loadConfig(options.config, { env: process.env });
  if (existsSync(data) && readdirSync(data).length > 0)
    throw new LaddportError("LP802", `${data} is not empty`, {
      fix: "Restore into a new folder; move the old one away yourself.",
    });
  const vault = new Vault(readKek(config.identity.kekFile));
  const isNew = !existsSync(data);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const marker = join(data, RESTORING);
  let unpacked: { manifest: Manifest; names: string[] };
  try {
    writeFileSync(marker, "", { mode: 0o600 });
    unpacked = await unpackInto(options, config, vault);
  } catch (error) {
    for (const name of readdirSync(data)) rmSync(join(data, name));
    if (isNew) rmSync(data, { recursive: true });
    if (error instanceof BackupNotOpened)
      throw new LaddportError("LP807", `${options.file}: ${error.message}`, {
        fix: "Take another copy of the backup, the config of its gateway, or the --key of a recipient.",
        cause: error,
      });
    throw error;
  }
  const { manifest, names } = unpacked;
  const { verdict } = await proveLog({ data }, "both");
  if (verdict.damage.length > 0) {
    for (const { chain, offset, what } of verdict.damage) io.stdout.write(`${chain} ${offset}: ${what}\n`);
    io.stderr.write(
      `the files are in ${data}, but the log does not prove itself: do not run a gateway on it\n`,
    );
    return EXIT.failed;
  }
  mergeErasures(options.erasures, data);
  const erasedAgain = eraseAgain(data, vault);
  const epoch = beginEpoch(config, data, manifest);
  rmSync(marker);
  const said = {
    data,
    files: names,
    backup_at: manifest.created_at,
    offset: manifest.head.offset,
    facts: verdict.facts,
    samples: verdict.samples,
    erased_again: erasedAgain,
    epoch,
    from_epoch: manifest.epoch,
  };
  if (options.json) io.stdout.write(`${JSON.stringify(said)}\n`);
  else io.stdout.write(`${restoredText(said)}\n`);
  return EXIT.ok;
}

async function unpackInto({ file, key, data }: RestoreOptions, config: Config, vault: Vault) {
  const privateKey = key === undefined ? null : readFileSync(key, "utf8");
  const plain = readSealed(file, ({ keys }) => unlock(keys, privateKey, vault));
  const accept = (manifest: Manifest) => {
    const signer = certificateFingerprint(readFileSync(config.signer.certFile, "utf8"));
    if (manifest.kek_check !== vault.check)
      throw wrongConfig(`${config.identity.kekFile} is not the key of the backup's subjects`);
    if (manifest.signer !== signer)
      throw wrongConfig(`${config.signer.certFile} is not the certificate that signed the backup's log`);
  };
  try {
    return await unpack(plain, data, accept);
  } finally {
    // Closes the file also where the manifest was refused.
    await plain.return(undefined);
  }
}

const wrongConfig = (what: string) =>
  new LaddportError("LP807", what, {
    fix: "Restore the folder of the config with its secrets first; a backup does not hold them.",
  });

function mergeErasures(from: string | undefined, data: string): void {
  if (from === undefined) return;
  const journal = join(data, JOURNAL_FILE);
  const known = new Set(readErasures(journal).map(({ subject }) => subject));
  for (const line of readErasures(from)) if (!known.has(line.subject)) appendErasure(journal, line);
}

function eraseAgain(data: string, vault: Vault): number {
  const subjects = new SubjectStore(join(data, "subjects.db"), vault);
  const reader = openSqliteReader(join(data, "log.db"));
  const count = replayErasures(subjects, reader, data);
  subjects.close();
  void reader.close();
  return count;
}

/**
 * What the old gateway may have numbered after the backup is never numbered again; nor what a first restoration of the
 * same backup numbered, which is why an epoch is a minute of wall time and not just the next number.
 */
function beginEpoch(config: Config, data: string, { epoch: before, head, created_at }: Manifest): number {
  const log = openOfflineLog({ data, signerKeyFile: config.signer.keyFile });
  if (!log) throw new LaddportError("LP504", `another process has taken ${data}`);
  const atMs = Date.now();
  const epoch = Math.max(before + 1, Math.floor(atMs / 60_000));
  const body = {
    epoch,
    from_epoch: before,
    from_offset: head.offset,
    from_fact_hash: head.fact_hash,
    from_sample_hash: head.sample_hash,
    backup_at: created_at,
  };
  log.append([
    { type: "log.restored", atMs, station: null, key: `log.restored:${epoch}`, body },
    auditFact({ actor: cliActor(), action: "backup.restored", detail: { offset: head.offset, epoch } }, atMs),
  ]);
  log.close();
  return epoch;
}

interface Restored {
  data: string;
  files: string[];
  backup_at: string;
  offset: number;
  facts: number;
  samples: number;
  erased_again: number;
  epoch: number;
  from_epoch: number;
}

function restoredText(said: Restored): string {
  const { data, files, backup_at, offset, facts, samples, erased_again, epoch, from_epoch } = said;
  return [
    `${data} stands as of ${backup_at}: ${files.join(", ")}`,
    `${facts} facts and ${samples} samples up to offset ${offset}: both chains hold, the signed mark is met`,
    `${erased_again} subjects that were erased since are erased again`,
    `epoch ${epoch} begins; it names the head of epoch ${from_epoch}`,
  ].join("\n");
}
