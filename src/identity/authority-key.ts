/** The authority's key on disk: PKCS #8, mode 0600, encrypted where a passphrase is given. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";

const MIN_PASSPHRASE = 12;

/** The encrypted or open PEM of a key. Throws when the passphrase is too short to be worth having. */
export function sealKey(keyPem: string, passphrase: string | undefined): string {
  if (passphrase === undefined) return keyPem;
  if (passphrase.length < MIN_PASSPHRASE)
    throw new Error(
      `the passphrase has ${passphrase.length} characters; use at least ${MIN_PASSPHRASE}, better random ones`,
    );
  const pem = createPrivateKey(keyPem).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase,
  });
  return pem.toString();
}

/** Throws naming the file when it is missing, encrypted and no passphrase is given, or the passphrase is not its own. */
export async function openKey(file: string, passphrase: string | undefined): Promise<KeyObject> {
  const pem = await readFile(file, "utf8");
  if (pem.includes("BEGIN ENCRYPTED PRIVATE KEY") && passphrase === undefined)
    throw new Error(`${file} is encrypted: name the file with its passphrase (--passphrase-file)`);
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    const why =
      passphrase === undefined ? "is not a private key in PEM" : "does not open with that passphrase";
    throw new Error(`${file} ${why}`, { cause });
  }
}
