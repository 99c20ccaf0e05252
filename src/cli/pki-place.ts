/** Opening the depot's authority for a command: where its files are, one command at a time, its passphrase. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type CertificatePlaces, certificatePlaces, readConfigText } from "../config.ts";
import { LaddportError } from "../errors.ts";
import type { DepotAuthority } from "../identity/depot-authority.ts";
import { lockDirectory } from "../log/lock.ts";

export interface PkiOptions {
  config: string;
  /** Where the authority's key is, when it is kept elsewhere. */
  caKey?: string;
  /** Holds the passphrase of the authority's key; `-` is stdin. */
  passphraseFile?: string;
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

/** @throws LaddportError LP805. */
export function read(file: string | number): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LaddportError("LP805", `${file === 0 ? "stdin" : file} cannot be read (${code}).`, { cause });
  }
}
