/**
 * `gateway.json` in the data directory: how a command on this machine finds the gateway that runs there, or, when none
 * runs, the key that signs the log's mark. Names of files, never what is in them.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";

const GatewayFile = z.object({
  /** Base URL of the API, as of the last start. */
  api: z.string(),
  token_file: z.string(),
  /** Of the API; absent: it speaks plain HTTP. */
  cert_file: z.string().optional(),
  signer_key_file: z.string(),
});

export type GatewayFile = z.output<typeof GatewayFile>;

const fileIn = (dataDir: string) => join(dataDir, "gateway.json");

/** Whole or not at all. */
export function writeGatewayFile(dataDir: string, content: GatewayFile): void {
  const { api, token_file, cert_file, signer_key_file } = content;
  const absolute = {
    api,
    token_file: resolve(token_file),
    ...(cert_file === undefined ? {} : { cert_file: resolve(cert_file) }),
    signer_key_file: resolve(signer_key_file),
  };
  const file = fileIn(dataDir);
  writeFileSync(`${file}.next`, `${JSON.stringify(absolute)}\n`, { mode: 0o600 });
  renameSync(`${file}.next`, file);
}

/** Undefined when no gateway of this release ever ran on the directory, or the file is not readable as one. */
export function readGatewayFile(dataDir: string): GatewayFile | undefined {
  try {
    return GatewayFile.parse(JSON.parse(readFileSync(fileIn(dataDir), "utf8")));
  } catch {
    return undefined;
  }
}
