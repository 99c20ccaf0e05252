/** Names a CDR by its content, as tariffs are named: SHA-256 of canonical JSON. */
import { createHash } from "node:crypto";
import { canonicalJson } from "../model/canonical-json.ts";
import type { Cdr } from "../model/cdr.ts";

/** Hex. */
export function cdrHash(cdr: Cdr): string {
  return createHash("sha256").update(canonicalJson(cdr)).digest("hex");
}
