/** `laddport summary open`: reads files only and needs no running gateway. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { SummaryPayload } from "../model/summary.ts";
import { open } from "./cms.ts";

/** Far above 100 CDRs (about 300 KB); a file beyond this is not a summary. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface OpenedSummary {
  summary: SummaryPayload;
  /** `trusted` only when `signerFile` was given; a summary by anyone else is then refused. */
  signer: { subject: string; fingerprint: string; trusted: boolean };
}

/**
 * Opens a sealed summary (DER) with a recipient's private key (PEM). Throws an error that names the file when one
 * cannot be read or is of another kind, and `SummaryNotOpened` when the summary does not open.
 */
export async function openSummaryFile(files: {
  file: string;
  keyFile: string;
  signerFile?: string;
}): Promise<OpenedSummary> {
  const size = (await stat(files.file)).size;
  if (size > MAX_BYTES) throw new Error(`${files.file} has ${size} bytes: a sealed summary is far smaller`);
  const der = await readFile(files.file);
  if (der[0] !== 0x30)
    throw new Error(`${files.file} is not a sealed summary in DER (it does not start with byte 30)`);
  const key = await readFile(files.keyFile, "utf8");
  checkPem(files.keyFile, "an unencrypted private key in PEM", () => createPrivateKey(key));
  const signerCert = files.signerFile ? await readFile(files.signerFile, "utf8") : undefined;
  if (files.signerFile && signerCert !== undefined)
    checkPem(files.signerFile, "a certificate in PEM", () => new X509Certificate(signerCert));
  const { payload, signer } = open(der, { key }, signerCert);
  const { subject, fingerprint, trusted } = signer;
  return { summary: payload, signer: { subject, fingerprint, trusted } };
}

function checkPem(file: string, what: string, parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    throw new Error(`${file} is not ${what}`, { cause: error });
  }
}
