/**
 * `gateway.json` in the data directory: how a command on this machine finds the gateway that runs there, or, when none
 * runs, the key that signs the log's mark. Names of files, never what is in them.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

/**
 * Whole or not at all, and only where something changed: a start must not need room. Answers false when a full disk did
 * not take it; commands then need to be told where the gateway is.
 */
export function writeGatewayFile(dataDir: string, content: GatewayFile): boolean {
  const { api, token_file, cert_file, signer_key_file } = content;
  const absolute = {
    api,
    token_file: resolve(token_file),
    ...(cert_file === undefined ? {} : { cert_file: resolve(cert_file) }),
    signer_key_file: resolve(signer_key_file),
  };
  const file = fileIn(dataDir);
  const text = `${JSON.stringify(absolute)}\n`;
  if (existsSync(file) && readFileSync(file, "utf8") === text) return true;
  try {
    writeFileSync(`${file}.next`, text, { mode: 0o600 });
    renameSync(`${file}.next`, file);
    return true;
  } catch (error) {
    rmSync(`${file}.next`, { force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}

/** Undefined when no gateway of this release ever ran on the directory, or the file is not readable as one. */
export function readGatewayFile(dataDir: string): GatewayFile | undefined {
  try {
    return GatewayFile.parse(JSON.parse(readFileSync(fileIn(dataDir), "utf8")));
  } catch {
    return undefined;
  }
}
