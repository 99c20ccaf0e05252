/** Asks the running gateway, the only writer of the log, to take a fact. */
import { loadConfig, readSecret } from "../config.ts";
import type { CommandIo } from "./output.ts";

const PATIENCE_MS = 10_000;

/**
 * Posts JSON to `/api/v1/{path}`. Undefined, with the reason on stderr, when the gateway does not run or refuses.
 * `what` needs it, as the reader is told: `A decision`.
 */
export async function askGateway(
  configFile: string,
  path: string,
  body: object,
  what: string,
  io: CommandIo,
): Promise<Record<string, unknown> | undefined> {
  const config = loadConfig(configFile, { env: process.env });
  const { host, port } = config.api.listen;
  const base = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  let answer: Response;
  try {
    answer = await fetch(`${base}/api/v1/${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${readSecret(config.api.tokenFile)}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
    io.stderr.write(
      `no gateway answers at ${base}: ${cause}. ${what} needs it, since it alone writes the log. Start it: laddport run\n`,
    );
    return undefined;
  }
  const said = (await answer.json()) as Record<string, unknown>;
  if (answer.ok) return said;
  io.stderr.write(`${said.code} ${said.message} ${said.fix}\n`);
  return undefined;
}
