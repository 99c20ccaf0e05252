/** Whether the escrow's private key still lies where the gateway runs: then it is no escrow. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Findings } from "./findings.ts";
import { valueAt } from "./issues.ts";

const PATH = ["upstream", "escrow_cert_file"] as const;
/** Where `init` writes the certificate. */
const WRITTEN_BY_INIT = "secrets/escrow.pem";
/** A private key in PEM is far smaller. */
const MAX_BYTES = 16_384;

/** Looks beside the config, in its `secrets` and beside the certificate, whatever the key's file is called. */
export function checkEscrow(raw: unknown, folder: string, findings: Findings): void {
  const named = valueAt(raw, [...PATH]);
  const file = resolve(folder, typeof named === "string" && named !== "" ? named : WRITTEN_BY_INIT);
  const cert = attempt(() => new X509Certificate(readFileSync(file)));
  if (!cert) return;
  const key = [...new Set([resolve(folder), resolve(folder, "secrets"), dirname(file)])]
    .flatMap(pemFiles)
    .find((candidate) => isKeyOf(cert, candidate));
  if (key !== undefined)
    findings.add(
      "LP325",
      typeof named === "string" ? PATH : ["upstream"],
      `the escrow's private key lies on this machine: ${key}.`,
    );
}

function pemFiles(folder: string): string[] {
  const names = attempt(() => readdirSync(folder)) ?? [];
  return names.filter((name) => /\.(key|pem)$/.test(name)).map((name) => join(folder, name));
}

function isKeyOf(cert: X509Certificate, file: string): boolean {
  return (
    attempt(() => {
      if (statSync(file).size > MAX_BYTES) return false;
      return cert.checkPrivateKey(createPrivateKey(readFileSync(file)));
    }) ?? false
  );
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // Not there, not ours to read, or of another kind.
    return undefined;
  }
}
