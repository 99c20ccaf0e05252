/** `laddport summary open`: reads files only and needs no running gateway. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { SummaryPayload } from "../model/summary.ts";
import { openEnvelope } from "./envelope.ts";

/** Far above 100 CDRs (about 300 KB); a file beyond this is not a summary. */
const MAX_BYTES = 64 * 1024 * 1024;
const PEM = "-----BEGIN";

export interface SummaryFiles {
  file: string;
  keyFile: string;
  /** The key's own certificate: the summary must be addressed to it. */
  certFile?: string;
  /** The expected signer or the authority that issued it: a summary by anyone else is refused. */
  signerFile?: string;
}

export interface OpenedSummary {
  summary: SummaryPayload;
  /** `trusted` only when `signerFile` was given. */
  signer: { subject: string; fingerprint: string; trusted: boolean };
}

/**
 * Opens a sealed summary of either profile with a recipient's private key (PEM). Throws an error that names the file
 * when one cannot be read or is of another kind, and `SummaryNotOpened` when the summary does not open.
 */
export async function openSummaryFile(files: SummaryFiles): Promise<OpenedSummary> {
  const size = (await stat(files.file)).size;
  if (size > MAX_BYTES) throw new Error(`${files.file} has ${size} bytes: a sealed summary is far smaller`);
  const bytes = await readFile(files.file);
  if (bytes.subarray(0, PEM.length).toString("latin1") === PEM)
    throw new Error(`${files.file} is PEM: a sealed summary is DER (cms-1) or JSON (jose-1)`);
  const key = await readFile(files.keyFile, "utf8");
  checkPem(files.keyFile, "an unencrypted private key in PEM", () => createPrivateKey(key));
  const cert = await certificateIn(files.certFile);
  const signerCert = await certificateIn(files.signerFile);
  const { payload, signer } = openEnvelope(
    bytes,
    { key, ...(cert === undefined ? {} : { cert }) },
    signerCert,
  );
  const { subject, fingerprint, trusted } = signer;
  return { summary: payload, signer: { subject, fingerprint, trusted } };
}

async function certificateIn(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const pem = await readFile(file, "utf8");
  checkPem(file, "a certificate in PEM", () => new X509Certificate(pem));
  return pem;
}

function checkPem(file: string, what: string, parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    throw new Error(`${file} is not ${what}`, { cause: error });
  }
}
