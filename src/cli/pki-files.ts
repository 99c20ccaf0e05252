/** What `laddport pki` hands out, as files. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LaddportError } from "../errors.ts";
import type { Issued } from "../identity/depot-authority.ts";
import { writeWhole } from "../identity/whole-file.ts";

/** Absolute names of what was written; the key's is absent where it is somebody else's. */
export interface HandedOut {
  key_file?: string;
  cert_file: string;
  ca_file: string;
}

/** Looked at before anything is issued: an old key that is overwritten is lost. @throws LaddportError LP801. */
export function refuseOverwriting(dir: string): void {
  const there = ["key.pem", "cert.pem"].filter((name) => existsSync(join(dir, name)));
  if (there.length === 0) return;
  throw new LaddportError("LP801", `${resolve(dir)} already has ${there.join(", ")}.`, {
    fix: "Choose another --out.",
  });
}

export async function handOut(dir: string, { keyPem, certPem, authorityPem }: Issued): Promise<HandedOut> {
  const at = (name: string) => resolve(dir, name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (keyPem) await writeWhole(at("key.pem"), keyPem, 0o600);
  await writeWhole(at("ca.pem"), authorityPem, 0o644);
  await writeWhole(at("cert.pem"), certPem, 0o644);
  return {
    ...(keyPem ? { key_file: at("key.pem") } : {}),
    cert_file: at("cert.pem"),
    ca_file: at("ca.pem"),
  };
}
