/** `laddport status`: asks the running gateway over its API. */
import { loadConfig, readSecret } from "../config.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

export interface StatusOptions {
  config: string;
  quiet?: boolean;
  json?: boolean;
}

interface Health {
  status: string;
  checks: Record<string, { status: string; detail?: string }>;
}

const PATIENCE_MS = 5_000;

/** Exit 0 when charging and billing are served (ok or degraded), 1 otherwise. */
export async function status(options: StatusOptions, io: CommandIo): Promise<number> {
  const config = loadConfig(options.config, { env: process.env });
  const { host, port } = config.api.listen;
  const base = `http://${host}:${port}`;
  const get = async (path: string) => {
    const headers = { authorization: `Bearer ${readSecret(config.api.tokenFile)}` };
    const answer = await fetch(`${base}${path}`, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.json();
  };
  let health: Health;
  let figures: Record<string, unknown>;
  try {
    health = (await get("/health")) as Health;
    figures = (await get("/api/v1/status")) as Record<string, unknown>;
  } catch (error) {
    const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
    if (!options.quiet) io.stderr.write(`no gateway answers at ${base}: ${cause}. Start it: laddport run\n`);
    return EXIT.failed;
  }
  const serves = health.status !== "failing";
  if (options.quiet) return serves ? EXIT.ok : EXIT.failed;
  if (options.json) io.stdout.write(`${JSON.stringify({ ...health, ...figures })}\n`);
  else {
    const rows = Object.entries(health.checks).map(([name, c]) => [name, c.status, c.detail ?? ""]);
    io.stdout.write(`${config.site.name}: ${health.status}\n${table([["part", "state", ""], ...rows])}\n\n`);
    const facts = Object.entries(figures).map(([k, v]) => [
      k,
      typeof v === "object" ? JSON.stringify(v) : String(v),
    ]);
    io.stdout.write(`${table([["figure", "value"], ...facts])}\n`);
  }
  return serves ? EXIT.ok : EXIT.failed;
}
