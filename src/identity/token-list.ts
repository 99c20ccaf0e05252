/**
 * The token list as CSV: `uid,type,status,valid_until,group,vehicle`. Who may charge under the policy `known`, and who
 * never may; whose cost centre pays, and for which vehicle. `group` and `vehicle` stay readable in the log and in bills:
 * they are ids of the depot's own, never names of people.
 */
import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { Id } from "../model/ids.ts";
import { Token } from "../model/messages.ts";

const Row = z.object({
  uid: Token.shape.uid,
  type: Token.shape.type,
  status: z.enum(["accepted", "blocked"]).default("accepted"),
  valid_until: z.iso.datetime({ offset: true }).or(z.iso.date()).optional(),
  group: Id.optional(),
  vehicle: Id.optional(),
});

export interface ListedToken {
  uid: string;
  type: string;
  status: "accepted" | "blocked";
  validUntilMs: number | null;
  group: string | null;
  vehicle: string | null;
}

function recordsOf(file: string): Record<string, string>[] {
  const bytes = readFileSync(file);
  let head: string[] = [];
  const columns = (names: string[]) => {
    head = names;
    return names;
  };
  let records: Record<string, string>[];
  try {
    records = parse(bytes, { columns, skip_empty_lines: true, trim: true, bom: true });
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
  // An empty or foreign file would replace the whole list by nothing.
  const missing = ["uid", "type"].filter((name) => !head.includes(name));
  if (missing.length > 0)
    throw new Error(
      `${file}:1 lacks the column ${missing.join(" and ")}: write uid,type,status,valid_until,group,vehicle`,
    );
  return records;
}

/** @throws an error that names line and column; never the token itself. */
export function readTokenList(file: string): ListedToken[] {
  const records = recordsOf(file);
  return records.map((record, i) => {
    const filled = Object.fromEntries(Object.entries(record).filter(([, v]) => v !== ""));
    const row = Row.safeParse(filled);
    if (!row.success) {
      const issue = row.error.issues[0];
      throw new Error(`${file}:${i + 2} column ${issue?.path.join(".") || "uid"}: ${issue?.message}`);
    }
    const { uid, type, status, valid_until, group = null, vehicle = null } = row.data;
    return { uid, type, status, validUntilMs: valid_until ? Date.parse(valid_until) : null, group, vehicle };
  });
}
