/**
 * Keys of the sealed store. The key-encryption key (KEK) lies in a file outside of every database; each subject and
 * each day has a data key wrapped by it. Destroying a wrapped key destroys what it sealed.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** AES-256-GCM; nonce, tag and ciphertext in one buffer. `aad` binds it to its record and field. */
export function sealBytes(key: KeyObject, plain: Uint8Array, aad: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(aad));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** @throws when the bytes, the key or the record they are bound to differ. */
export function openBytes(key: KeyObject, sealed: Uint8Array, aad: string): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
}

export class Vault {
  readonly #kek: KeyObject;
  readonly #lookup: KeyObject;
  readonly #payer: KeyObject;
  readonly #journal: KeyObject;
  /** Shows whether two vaults have one KEK, and nothing else: base64url of 128 bits. */
  readonly check: string;

  /** `kek`: 32 bytes. */
  constructor(kek: Uint8Array) {
    if (kek.length !== KEY_BYTES) throw new Error(`the KEK has ${kek.length} bytes, 32 are needed`);
    this.#kek = createSecretKey(kek);
    const purpose = (name: string) =>
      createSecretKey(Buffer.from(hkdfSync("sha256", kek, "", name, KEY_BYTES)));
    this.#lookup = purpose("laddport token lookup 1");
    this.#payer = purpose("laddport upstream payer 1");
    this.#journal = purpose("laddport erasure journal 1");
    this.check = pseudonym(purpose("laddport kek check 1"), "");
  }

  newKey(aad: string): { key: KeyObject; wrapped: Buffer } {
    const bytes = randomBytes(KEY_BYTES);
    return { key: createSecretKey(bytes), wrapped: sealBytes(this.#kek, bytes, aad) };
  }

  unwrap(wrapped: Uint8Array, aad: string): KeyObject {
    return createSecretKey(openBytes(this.#kek, wrapped, aad));
  }

  /** Only a lookup key, never a pseudonym: it leads to the random `tokenRef` while the row exists. */
  lookupOf(text: string): Buffer {
    return createHmac("sha256", this.#lookup).update(text).digest();
  }

  /** The name that upstream knows a subject by: without this key nobody joins it with the log. */
  payerOf(tokenRef: string): string {
    return pseudonym(this.#payer, tokenRef);
  }

  /** The name of a subject in the erasure journal. */
  journalNameOf(tokenRef: string): string {
    return pseudonym(this.#journal, tokenRef);
  }
}

/** HMAC-SHA-256, of which 128 bits are kept; base64url. */
function pseudonym(key: KeyObject, text: string): string {
  return createHmac("sha256", key).update(text).digest().subarray(0, 16).toString("base64url");
}

/**
 * Reads the KEK (base64 text). @throws when others than the owner may read the file. In the folder of systemd
 * credentials (systemd.exec(5), `$CREDENTIALS_DIRECTORY`) an access list shows as a group's right: systemd guards it.
 */
export function readKek(file: string, credentialsDir = process.env.CREDENTIALS_DIRECTORY): Buffer {
  const mode = statSync(file).mode & 0o777;
  const open = credentialsDir && isWithin(credentialsDir, file) ? 0o007 : 0o077;
  if (mode & open) {
    throw new Error(`${file} has mode ${mode.toString(8)}: others can read the key. Run: chmod 600 ${file}`);
  }
  return Buffer.from(readFileSync(file, "utf8").trim(), "base64");
}

function isWithin(dir: string, file: string): boolean {
  const path = relative(resolve(dir), resolve(file));
  return path !== "" && !path.startsWith("..") && !isAbsolute(path);
}
