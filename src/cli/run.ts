/** `laddport run`: the product. Ends on SIGTERM or SIGINT, in order; a second signal ends it at once. */
import { existsSync } from "node:fs";
import pino from "pino";
import { formatFault, loadConfig, logLevel } from "../config.ts";
import { logFileIn, readLogFile } from "../gateway/log-file.ts";
import { createGateway } from "../main.ts";
import { type CommandIo, EXIT } from "./output.ts";

/** Fields that might hold something personal or secret never reach a program log, whoever logs them. */
const REDACTED = [
  "uid",
  "token",
  "token_ref",
  "password",
  "key",
  "*.uid",
  "*.token",
  "*.token_ref",
  "*.password",
  "*.key",
];

export function createLog(level = "info", destination?: pino.DestinationStream): pino.Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: "[redacted]" },
  };
  return destination ? pino(options, destination) : pino(options);
}

export interface RunOptions {
  config: string;
  data: string;
}

/** Here and nowhere else: the gateway keeps a hash of it. */
function setupText(code: string): string {
  return `There is no user yet. Make the first administrator on this machine with: laddport user add NAME --role admin
or from elsewhere, within an hour, with POST /api/v1/setup {"code": "${code}", "user": ..., "password": ...}\n`;
}

export async function run(options: RunOptions, io: CommandIo): Promise<number> {
  const config = loadConfig(options.config, {
    env: process.env,
    warn: (fault) => void io.stderr.write(`${formatFault(fault)}\n`),
  });
  const log = createLog(logLevel(process.env));
  const gateway = createGateway({
    config,
    dataDir: options.data,
    log,
    setupCode: (code) => void io.stderr.write(setupText(code)),
    fatal: (code) => {
      log.flush();
      process.exit(code);
    },
  });
  const asked = new Promise<string>((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    process.once("SIGINT", () => resolve("SIGINT"));
  });
  try {
    await gateway.start();
  } catch (error) {
    // A thread that dies of a damaged log cannot say so; the file can.
    if (existsSync(logFileIn(options.data))) await readLogFile(options.data).close();
    throw error;
  }
  // What daemons take for "read your files again", though the files are watched, too. On a terminal it means its end.
  if (!process.stdin.isTTY) process.on("SIGHUP", () => void gateway.renewCertificates());
  const reason = await asked;
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(EXIT.failed));
  await gateway.stop(reason);
  return EXIT.ok;
}
