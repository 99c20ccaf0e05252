/** `laddport tokens import`: replaces the list of known tokens. Raw tokens go no further than this process. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { z } from "zod";
import { loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { SubjectStore } from "../identity/subject-store.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { Token } from "../model/messages.ts";
import { type CommandIo, EXIT } from "./output.ts";

const Row = z.object({
  uid: Token.shape.uid,
  type: Token.shape.type,
  status: z.enum(["accepted", "blocked"]).default("accepted"),
  valid_until: z.iso.datetime({ offset: true }).or(z.iso.date()).optional(),
});

/** @throws LaddportError LP803 naming line and column; never the token itself. */
export function readTokens(file: string) {
  const records = parse(readFileSync(file), { columns: true, skip_empty_lines: true, trim: true, bom: true }) as Record<string, string>[];
  return records.map((record, i) => {
    const filled = Object.fromEntries(Object.entries(record).filter(([, v]) => v !== ""));
    const row = Row.safeParse(filled);
    if (!row.success) {
      const issue = row.error.issues[0];
      throw new LaddportError("LP803", `${file}:${i + 2} column ${issue?.path.join(".") || "uid"}: ${issue?.message}`);
    }
    const { uid, type, status, valid_until } = row.data;
    return { uid, type, status, validUntilMs: valid_until ? Date.parse(valid_until) : null };
  });
}

export async function tokensImport(
  options: { file: string; config: string; data: string },
  io: CommandIo,
): Promise<number> {
  const config = loadConfig(options.config, { env: process.env });
  const tokens = readTokens(options.file);
  const store = new SubjectStore(join(options.data, "subjects.db"), new Vault(readKek(config.identity.kekFile)));
  const n = store.setKnownTokens(tokens);
  store.close();
  io.stderr.write(`${n} tokens are known now; policy ${config.tokens.policy}. A running gateway uses them at once.\n`);
  return EXIT.ok;
}
