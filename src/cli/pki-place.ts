/** Opening the depot's authority for a command: where its files are, one command at a time, its passphrase. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type CertificatePlaces, certificatePlaces, readConfigText } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { readGatewayFile } from "../gateway/gateway-file.ts";
import type { IssuedCertificate } from "../identity/certificate-index.ts";
import type { DepotAuthority } from "../identity/depot-authority.ts";
import { lockDirectory } from "../log/lock.ts";
import { commandAudit } from "./offline-log.ts";
import { cliActor } from "./os-user.ts";
import type { CommandIo } from "./output.ts";

export interface PkiOptions {
  config: string;
  /** Where the authority's key is, when it is kept elsewhere. */
  caKey?: string;
  /** Holds the passphrase of the authority's key; `-` is stdin. */
  passphraseFile?: string;
  /** The data directory, whose log has the audit trail; `data` beside the config when absent. */
  data?: string;
  json?: boolean;
  /** Real time, ms. */
  nowMs?: () => number;
}

export function placesOf({ config, caKey }: PkiOptions): CertificatePlaces {
  const text = existsSync(config) ? readConfigText(config) : undefined;
  const places = certificatePlaces(resolve(config), text, process.env);
  return caKey ? { ...places, authority: { ...places.authority, key: resolve(caKey) } } : places;
}

export function passphraseOf({ passphraseFile }: PkiOptions): string | undefined {
  if (passphraseFile === undefined) return undefined;
  const passphrase = read(passphraseFile === "-" ? 0 : passphraseFile)
    .toString("utf8")
    .trim();
  if (passphrase === "") throw new LaddportError("LP303", `${passphraseFile} is empty.`);
  return passphrase;
}

const PATIENCE_MS = 15_000;
const AGAIN_MS = 50;

/**
 * Runs `work` while no other command changes the authority.
 * @throws LaddportError LP830 with what the authority said.
 */
export async function withAuthority<T>(
  places: CertificatePlaces,
  open: () => Promise<DepotAuthority>,
  work: (authority: DepotAuthority) => Promise<T>,
): Promise<T> {
  const folder = dirname(places.authority.index);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unlock = await locked(folder);
  try {
    return await work(await open());
  } catch (cause) {
    if (cause instanceof LaddportError || (cause as NodeJS.ErrnoException).syscall) throw cause;
    throw new LaddportError("LP830", (cause as Error).message, { cause });
  } finally {
    unlock();
  }
}

async function locked(folder: string): Promise<() => void> {
  for (const until = performance.now() + PATIENCE_MS; ; ) {
    const unlock = lockDirectory(folder);
    if (unlock) return unlock;
    if (performance.now() > until)
      throw new LaddportError("LP830", `another laddport pki has ${folder}`, { fix: "Wait for it to end." });
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

/**
 * Takes what was done to the audit trail, once a gateway has run here. The authority's own book has it already, so a
 * log that cannot be written does not undo it.
 */
export async function recordDone(
  options: PkiOptions,
  action: string,
  entries: readonly IssuedCertificate[],
  io: CommandIo,
): Promise<void> {
  const data = options.data ?? join(dirname(options.config), "data");
  if (!readGatewayFile(data)) return;
  try {
    for (const { subject, serial, purpose, not_after, revoked } of entries)
      await commandAudit({ data })({
        actor: cliActor(),
        action,
        object: subject,
        reason: revoked?.reason,
        detail: { serial, purpose, not_after },
      });
  } catch (error) {
    io.stderr.write(`Not in the audit trail, only in the authority's book: ${(error as Error).message}\n`);
  }
}

/** @throws LaddportError LP805. */
export function read(file: string | number): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LaddportError("LP805", `${file === 0 ? "stdin" : file} cannot be read (${code}).`, { cause });
  }
}
