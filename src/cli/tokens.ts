/** `laddport tokens import`: replaces the list of known tokens. Raw tokens go no further than this process. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { SubjectStore } from "../identity/subject-store.ts";
import { readTokenList } from "../identity/token-list.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { commandAudit } from "./offline-log.ts";
import { cliActor } from "./os-user.ts";
import { type CommandIo, EXIT } from "./output.ts";

export async function tokensImport(
  options: { file: string; config: string; data: string },
  io: CommandIo,
): Promise<number> {
  const config = loadConfig(options.config, { env: process.env });
  const tokens = readList(options.file);
  if (!existsSync(options.data)) {
    throw new LaddportError("LP803", `there is no data directory ${options.data}`, {
      fix: "Name the gateway's own with --data.",
    });
  }
  const store = new SubjectStore(
    join(options.data, "subjects.db"),
    new Vault(readKek(config.identity.kekFile)),
  );
  const n = store.known.replace(tokens);
  store.close();
  const audit = commandAudit({ data: options.data, signerKeyFile: config.signer.keyFile });
  await audit({ actor: cliActor(), action: "tokens.imported", detail: { tokens: n } });
  io.stderr.write(
    `${n} tokens are known now; policy ${config.tokens.policy}. A running gateway uses them at once.\n`,
  );
  if (config.tokens.file)
    io.stderr.write(`At its next start the gateway reads ${config.tokens.file} instead (tokens.file).\n`);
  return EXIT.ok;
}

function readList(file: string): ReturnType<typeof readTokenList> {
  try {
    return readTokenList(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) throw error;
    throw new LaddportError("LP803", (error as Error).message, {
      fix: "Correct that line and import again.",
      cause: error,
    });
  }
}
