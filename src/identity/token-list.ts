/** The token list as CSV: `uid,type,status,valid_until`. Who may charge under the policy `known`, and who never may. */
import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { Token } from "../model/messages.ts";

const Row = z.object({
  uid: Token.shape.uid,
  type: Token.shape.type,
  status: z.enum(["accepted", "blocked"]).default("accepted"),
  valid_until: z.iso.datetime({ offset: true }).or(z.iso.date()).optional(),
});

export interface ListedToken {
  uid: string;
  type: string;
  status: "accepted" | "blocked";
  validUntilMs: number | null;
}

/** @throws an error that names line and column; never the token itself. */
export function readTokenList(file: string): ListedToken[] {
  const records = parse(readFileSync(file), {
    columns: true,
    skip_empty_lines: true,
    trim: true,
    bom: true,
  }) as Record<string, string>[];
  return records.map((record, i) => {
    const filled = Object.fromEntries(Object.entries(record).filter(([, v]) => v !== ""));
    const row = Row.safeParse(filled);
    if (!row.success) {
      const issue = row.error.issues[0];
      throw new Error(`${file}:${i + 2} column ${issue?.path.join(".") || "uid"}: ${issue?.message}`);
    }
    const { uid, type, status, valid_until } = row.data;
    return { uid, type, status, validUntilMs: valid_until ? Date.parse(valid_until) : null };
  });
}
