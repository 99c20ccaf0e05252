/** `laddport backup`: one sealed file of the log, the subjects and what proves them, also while the gateway runs. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { backup as copyDatabase, DatabaseSync } from "node:sqlite";
import { loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { logFileIn } from "../gateway/log-file.ts";
import { VERSION } from "../gateway/version.ts";
import { certificateFingerprint } from "../identity/certificates.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { openSqliteReader } from "../log/sqlite-reader.ts";
import { lockByVault, lockFor } from "../workers/backup-keys.ts";
import { type Manifest, packed } from "../workers/backup-parts.ts";
import { writeSealed } from "../workers/backup-stream.ts";
import { epochOf } from "../workers/ledger-open.ts";
import { commandAudit } from "./offline-log.ts";
import { cliActor } from "./os-user.ts";
import { type CommandIo, EXIT } from "./output.ts";

export interface BackupOptions {
  out: string;
  /** PEM files; without one the gateway's own KEK opens the backup. */
  recipient?: string[];
  config: string;
  data: string;
  json?: boolean;
}

/** All pages in one step: a copy in many begins again whenever the gateway writes in between. */
const ALL_PAGES = 0x7fff_ffff;
/** Of this moment or this machine alone; databases are copied through SQLite. */
const LEFT_OUT = /^(?:ballast|gateway\.json|.*\.next|.*\.db(?:-wal|-shm|-journal)?)$/;
const MAX_FILE = 64 * 1024 * 1024;

export async function backup(options: BackupOptions, io: CommandIo): Promise<number> {
  const { out, data } = options;
  const config = loadConfig(options.config, { env: process.env });
  if (!existsSync(logFileIn(data)))
    throw new LaddportError("LP803", `there is no log in ${data}`, { fix: "Name it with --data." });
  if (existsSync(out))
    throw new LaddportError("LP802", `${out} is there already`, { fix: "Choose another --out." });
  const vault = new Vault(readKek(config.identity.kekFile));
  const lock = options.recipient ? lockFor(options.recipient.map(certificateIn)) : lockByVault(vault);
  // Beside the backup, where there must be room for it anyway.
  const scratch = mkdtempSync(join(dirname(resolve(out)), ".laddport-backup-"));
  try {
    const files = await copies(data, scratch);
    const reader = openSqliteReader(join(scratch, "log.db"));
    const { offset, factHash, sampleHash } = reader.readHead();
    const manifest: Manifest = {
      version: 1,
      laddport: VERSION,
      site: config.site.id,
      created_at: new Date().toISOString(),
      epoch: epochOf(reader),
      head: { offset, fact_hash: factHash, sample_hash: sampleHash },
      kek_check: vault.check,
      signer: certificateFingerprint(readFileSync(config.signer.certFile, "utf8")),
      config_sha256: createHash("sha256").update(readFileSync(options.config)).digest("hex"),
    };
    await reader.close();
    const head = { created_at: manifest.created_at, keys: lock.keys };
    const bytes = await writeSealed(out, head, lock.key, packed(manifest, files));
    const audit = commandAudit({ data, signerKeyFile: config.signer.keyFile });
    await audit({ actor: cliActor(), action: "backup.made", detail: { offset, bytes } });
    const said = { file: out, bytes, offset, epoch: manifest.epoch, files: files.map(({ name }) => name) };
    if (options.json) io.stdout.write(`${JSON.stringify(said)}\n`);
    else io.stdout.write(`${out}: ${bytes} bytes, the log up to offset ${offset}\n`);
    if (!options.recipient)
      io.stderr.write(
        `It opens with ${config.identity.kekFile} alone: keep a copy of the config's secrets away from this machine.\n`,
      );
    return EXIT.ok;
  } catch (error) {
    rmSync(out, { force: true });
    throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function certificateIn(file: string): string {
  const pem = readFileSync(file, "utf8");
  try {
    certificateFingerprint(pem);
    return pem;
  } catch (cause) {
    throw new LaddportError("LP803", `${file} is no certificate in PEM`, { cause });
  }
}

/**
 * The mark first, so that the log reaches at least as far; then the log; then the subjects, which are committed before
 * the log refers to them; the journal last, so that it knows every erasure that the log does.
 */
async function copies(data: string, scratch: string): Promise<{ name: string; file: string }[]> {
  const files: { name: string; file: string }[] = [];
  const copy = (name: string) => {
    copyFileSync(join(data, name), join(scratch, name));
    files.push({ name, file: join(scratch, name) });
  };
  const others = readdirSync(data).filter((name) => {
    const stat = statSync(join(data, name), { throwIfNoEntry: false });
    return stat?.isFile() && stat.size <= MAX_FILE && !LEFT_OUT.test(name);
  });
  const journal = others.filter((name) => name.endsWith(".jsonl"));
  for (const name of others) if (!journal.includes(name)) copy(name);
  for (const name of ["log.db", "subjects.db"]) {
    const file = join(scratch, name);
    const source = new DatabaseSync(join(data, name), { readOnly: true });
    source.exec("PRAGMA busy_timeout=10000");
    await copyDatabase(source, file, { rate: ALL_PAGES });
    source.close();
    files.push({ name, file });
  }
  for (const name of journal) copy(name);
  return files;
}
