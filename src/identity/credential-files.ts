/** Credentials on disk: `{name}.key` (PKCS #8, mode 0600) and `{name}.pem` (certificate) in one folder. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CertificateRequest, type Credentials, issueCertificate } from "./certificates.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

/** Reads a key and its certificate. Throws naming the file that is missing, unreadable or does not match. */
export async function readCredentials(keyFile: string, certFile: string): Promise<Credentials> {
  const [keyPem, certPem] = await Promise.all([readFile(keyFile, "utf8"), readFile(certFile, "utf8")]);
  const key = parsed(keyFile, "a private key in PEM", () => createPrivateKey(keyPem));
  const cert = parsed(certFile, "a certificate in PEM", () => new X509Certificate(certPem));
  if (!cert.checkPrivateKey(key)) throw new Error(`${certFile} does not belong to the key in ${keyFile}`);
  return { keyPem, certPem };
}

/**
 * Reads `{name}.key` and `{name}.pem` from `dir`, making what is missing. The key is written and flushed first, so a
 * cut between the two files costs a certificate, never a key that something was already sealed or signed with.
 */
export async function keepCredentials(
  dir: string,
  name: string,
  request: Omit<CertificateRequest, "keyPem">,
): Promise<Credentials> {
  const keyFile = join(dir, `${name}.key`);
  const certFile = join(dir, `${name}.pem`);
  const keyPem = await readIfThere(keyFile);
  const certPem = await readIfThere(certFile);
  if (keyPem !== undefined && certPem !== undefined) return readCredentials(keyFile, certFile);
  if (certPem !== undefined)
    throw new Error(
      `${keyFile} is missing beside ${certFile}: restore it, or remove the certificate as well`,
    );
  const made = issueCertificate(keyPem === undefined ? request : { ...request, keyPem });
  if (keyPem === undefined) await writeWhole(keyFile, made.keyPem, 0o600);
  await writeWhole(certFile, made.certPem, 0o644);
  return made;
}

function parsed<T>(file: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${file} is not ${what}`, { cause: error });
  }
}
