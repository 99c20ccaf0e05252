/** Asks the running gateway, the only writer of the log, to take a fact. */
import { loadConfig } from "../config.ts";
import { callGateway, type GatewayAnswer, gatewayAddress } from "./gateway-call.ts";
import type { CommandIo } from "./output.ts";

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
  const address = gatewayAddress(config);
  let answer: GatewayAnswer;
  try {
    answer = await callGateway(address, `/api/v1/${path}`, { method: "POST", body });
  } catch (error) {
    const cause = (error as Error).message;
    io.stderr.write(
      `no gateway answers at ${address.base}: ${cause}. ${what} needs it, since it alone writes the log. Start it: laddport run\n`,
    );
    return undefined;
  }
  const said = answer.body;
  if (answer.ok) return said;
  io.stderr.write(`${said.code} ${said.message} ${said.fix}\n`);
  return undefined;
}
