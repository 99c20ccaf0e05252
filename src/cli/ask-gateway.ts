/** Asks the running gateway: to take a fact, since it alone writes the log, or to show what it holds. */
import { loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import {
  callGateway,
  type GatewayAddress,
  type GatewayAnswer,
  type GatewayCall,
  gatewayAddress,
  runningAddress,
} from "./gateway-call.ts";
import { type CommandIo, EXIT } from "./output.ts";

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

/** What to do when none answers. */
export const START = "Start it: laddport run; or name its data directory: --data.";

/**
 * The body of its answer.
 *
 * @throws LaddportError LP806 when it refuses, or none answers.
 */
export async function gatewayBody<Body = Record<string, unknown>>(
  address: GatewayAddress,
  path: string,
  call: GatewayCall = {},
): Promise<Body> {
  const answer = await callGateway(address, path, call).catch((cause: Error) => {
    if (cause instanceof LaddportError) throw cause;
    throw new LaddportError("LP806", `no gateway answers at ${address.base}: ${cause.message}`, {
      fix: START,
      cause,
    });
  });
  if (answer.ok) return answer.body as Body;
  const { message, fix } = answer.body as { message?: string; fix?: string };
  throw new LaddportError(
    "LP806",
    `the gateway refused (${answer.status}): ${message ?? "no reason given"}`,
    fix === undefined ? {} : { fix },
  );
}

/** Prints what it says at `path`: as JSON, or in `words` with times of the site's `zone`. Exit 1 when none answers. */
export async function showFromGateway<Body>(
  { config: file, data, json }: { config: string; data: string; json?: boolean },
  path: string,
  words: (body: Body, zone: string) => string,
  io: CommandIo,
): Promise<number> {
  const config = loadConfig(file, { env: process.env });
  const address = runningAddress(config, data);
  let body: unknown;
  try {
    const answer = await callGateway(address, path);
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    body = answer.body;
  } catch (error) {
    io.stderr.write(`LP806 no gateway answers at ${address.base}: ${(error as Error).message}. ${START}\n`);
    return EXIT.failed;
  }
  io.stdout.write(json ? `${JSON.stringify(body)}\n` : words(body as Body, config.site.timezone));
  return EXIT.ok;
}
