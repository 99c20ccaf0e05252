/** `laddport status`: asks the running gateway over its API. */
import { loadConfig } from "../config.ts";
import { callGateway, gatewayAddress } from "./gateway-call.ts";
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
  const address = gatewayAddress(config);
  const get = async (path: string) =>
    (await callGateway(address, path, { patienceMs: PATIENCE_MS })).body as unknown;
  let health: Health;
  let figures: Record<string, unknown>;
  try {
    health = (await get("/health")) as Health;
    figures = (await get("/api/v1/status")) as Record<string, unknown>;
  } catch (error) {
    const cause = (error as Error).message;
    if (!options.quiet)
      io.stderr.write(`no gateway answers at ${address.base}: ${cause}. Start it: laddport run\n`);
    return EXIT.failed;
  }
  const serves = health.status !== "failing";
  if (options.quiet) return serves ? EXIT.ok : EXIT.failed;
  if (options.json) io.stdout.write(`${JSON.stringify({ ...health, ...figures })}\n`);
  else {
    const rows = Object.entries(health.checks).map(([name, c]) => [name, c.status, c.detail ?? ""]);
    io.stdout.write(`${config.site.name}: ${health.status}\n${table([["part", "state", ""], ...rows])}\n\n`);
    io.stdout.write(describe(figures));
  }
  return serves ? EXIT.ok : EXIT.failed;
}

interface Circuit {
  id: string;
  limit_a: number[];
  measured_a: number[] | null;
  allocated_a: number[];
  meter: string;
}
interface RaisedAlert {
  severity: string;
  kind: string;
  subject: string;
  cause: string;
}

/** What has parts of its own as tables, the rest one figure a line. */
function describe({ circuits, alerts, consumers, ...figures }: Record<string, unknown>): string {
  const lines = (a: number[] | null) => (a ? a.map((n) => Math.round(n * 10) / 10).join("/") : "");
  const facts = Object.entries(figures).map(([k, v]) => [k, Array.isArray(v) ? lines(v) : String(v)]);
  const lags = Object.entries((consumers ?? {}) as Record<string, { lagEvents: number }>);
  const raised = (alerts ?? []) as RaisedAlert[];
  const sections = [
    table([["figure", "value"], ...facts]),
    table([
      ["circuit", "limit A", "measured A", "allocated A", "meter"],
      ...((circuits ?? []) as Circuit[]).map((c) => [
        c.id,
        lines(c.limit_a),
        lines(c.measured_a),
        lines(c.allocated_a),
        c.meter,
      ]),
    ]),
    ...(lags.length > 0
      ? [table([["consumer", "events behind"], ...lags.map(([k, v]) => [k, v.lagEvents])])]
      : []),
    raised.length === 0
      ? "no alert of the gateway is open"
      : table([
          ["alert", "about", "severity", "cause"],
          ...raised.map((a) => [a.kind, a.subject, a.severity, a.cause]),
        ]),
  ];
  return `${sections.join("\n\n")}\n`;
}
