/**
 * Changes of the config in the audit trail: at each start the config is compared with the one that the last start
 * adopted, by hashes of its top-level keys. What the values are stays in the file, and secrets are in files of their own.
 */
import { createHash } from "node:crypto";
import type { Config } from "../config.ts";
import { type AuditEntry, type AuditRecord, CONFIG_ADOPTED } from "../model/audit.ts";
import { canonicalJson } from "../model/canonical-json.ts";
import type { Parts } from "./parts.ts";

/** Enough to see that a section changed. */
const SHORT = 16;

/** The entry that this start adds; undefined when it runs with what the last one ran with. */
export function configEntry(config: Config, last: AuditRecord | undefined): AuditEntry | undefined {
  const hashes = Object.entries(config)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, string] => [key, sha256(value).slice(0, SHORT)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = hashes.map(([key, hash]) => `${key}:${hash}`).join(" ");
  const before = String(last?.detail.sections ?? "");
  if (before === sections) return undefined;
  const changed = changedKeys(new Map(hashes), sectionsOf(before));
  const what = last ? changed.join(" ") : "all";
  return {
    actor: "gateway",
    action: CONFIG_ADOPTED,
    object: sha256(hashes),
    detail: { changed: what, sections },
  };
}

/** Adds this start's entry to the trail, if there is one. Never rejects. */
export async function recordConfig({ config, outbox, audit, log }: Parts): Promise<void> {
  try {
    const entry = configEntry(
      config,
      (await outbox.ask("lastAudit", { action: CONFIG_ADOPTED })) ?? undefined,
    );
    if (entry) void audit(entry);
  } catch (error) {
    log.error({ err: error }, "the config was not compared with the last one");
  }
}

function sectionsOf(text: string): Map<string, string> {
  return new Map(text.split(" ").map((part) => part.split(":") as [string, string]));
}

function changedKeys(now: Map<string, string>, before: Map<string, string>): string[] {
  const keys = new Set([...now.keys(), ...before.keys()]);
  return [...keys].filter((key) => key !== "" && now.get(key) !== before.get(key)).sort();
}

const sha256 = (value: unknown) => createHash("sha256").update(canonicalJson(value)).digest("hex");
