/** `laddport grid order|list|end|forecast`: what the grid side orders, by way of the running gateway. */
import { type Config, circuits, loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { GRID_ORDER_KINDS, type GridOrderKind } from "../model/grid-order.ts";
import type { GridOrderRequest, GridOrderShown } from "../model/grid-request.ts";
import { momentIn } from "../rules/departures/read-time.ts";
import { localTime } from "../rules/explain-time.ts";
import { gatewayBody } from "./ask-gateway.ts";
import { type GatewayCall, runningAddress } from "./gateway-call.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

export interface GridOptions {
  config: string;
  data: string;
  json?: boolean;
}

export interface OrderOptions extends GridOptions {
  kind: string;
  kw?: string;
  circuit?: string;
  from?: string;
  until?: string;
  /** Commander's spelling of `--for`. */
  for?: string;
  id?: string;
  reference?: string;
}

export async function gridOrder(options: OrderOptions, io: CommandIo): Promise<number> {
  const taken = (await call(options, "grid-orders", {
    method: "POST",
    body: requestOf(options, loadConfig(options.config, { env: process.env })),
  })) as unknown as GridOrderShown;
  if (options.json) io.stdout.write(`${JSON.stringify(taken)}\n`);
  else io.stdout.write(`${said(taken, zoneOf(options))}\n`);
  return EXIT.ok;
}

export async function gridList(options: GridOptions, io: CommandIo): Promise<number> {
  const zone = zoneOf(options);
  const { orders } = (await call(options, "grid-orders")) as unknown as { orders: GridOrderShown[] };
  if (options.json) io.stdout.write(orders.map((order) => `${JSON.stringify(order)}\n`).join(""));
  else if (orders.length > 0)
    io.stdout.write(
      `${table([
        ["order", "circuit", "kind", "kW", "from", "until", "source", "state"],
        ...orders.map((o) => [
          o.id,
          o.circuit,
          o.kind,
          kw(o.power_w),
          localTime(zone, o.from),
          o.until === null ? "taken back" : localTime(zone, o.until),
          o.source,
          o.after_s === undefined ? o.state : `${o.state} after ${o.after_s} s`,
        ]),
      ])}\n`,
    );
  else io.stderr.write("no order stands\n");
  return EXIT.ok;
}

export async function gridEnd(options: GridOptions & { order: string }, io: CommandIo): Promise<number> {
  const ended = await call(options, `grid-orders/${encodeURIComponent(options.order)}`, { method: "DELETE" });
  if (options.json) io.stdout.write(`${JSON.stringify(ended)}\n`);
  else io.stdout.write(`${options.order} is ended\n`);
  return EXIT.ok;
}

interface Forecast {
  circuit: string;
  history_days: number;
  error: Record<"hour_ahead" | "day_ahead", { mae_kw: number }> | null;
  steps: { from: string; other_a: number[]; high_a: number[]; other_kw: number }[];
}

export async function gridForecast(
  options: GridOptions & { circuit?: string },
  io: CommandIo,
): Promise<number> {
  if (options.circuit !== undefined)
    checkCircuit(options.circuit, loadConfig(options.config, { env: process.env }));
  const query = options.circuit === undefined ? "" : `?circuit=${encodeURIComponent(options.circuit)}`;
  const found = (await call(options, `forecast${query}`)) as unknown as Forecast;
  if (options.json) {
    io.stdout.write(`${JSON.stringify(found)}\n`);
    return EXIT.ok;
  }
  const { steps, error, history_days, circuit } = found;
  const zone = zoneOf(options);
  io.stdout.write(
    `${table([
      ["from", "L1 A", "L2 A", "L3 A", "kW", "more in 1 of 20: L1 A", "L2 A", "L3 A"],
      ...steps.map((s) => [
        localTime(zone, s.from),
        ...s.other_a.map((a) => a.toFixed(1)),
        s.other_kw.toFixed(1),
        ...s.high_a.map((a) => a.toFixed(1)),
      ]),
    ])}\n`,
  );
  const wrong = error
    ? `wrong by ${error.hour_ahead.mae_kw} kW an hour ahead and ${error.day_ahead.mae_kw} kW a day ahead in the last week`
    : "nothing to judge it by yet";
  io.stderr.write(
    `${circuit}: other load from ${history_days} ${history_days === 1 ? "day" : "days"} of readings, ${wrong}\n`,
  );
  return EXIT.ok;
}

const kw = (watts: number) => String(watts / 1_000);

/** People read times on the site's clocks; `--json` has them in UTC. */
const zoneOf = ({ config }: GridOptions) => loadConfig(config, { env: process.env }).site.timezone;

function said(order: GridOrderShown, zone: string): string {
  const { id, circuit, kind, power_w, from, until, state, in_force_w } = order;
  const end = until === null ? "until it is taken back" : `until ${localTime(zone, until)}`;
  const lower =
    in_force_w !== null && in_force_w < power_w ? `; another order leaves ${kw(in_force_w)} kW` : "";
  const start = state === "ahead" ? `from ${localTime(zone, from)} ` : "";
  return `${id}: ${kind} on ${circuit}, ${kw(power_w)} kW, ${start}${end}${lower}`;
}

/** @throws LaddportError LP803 for what does not make an order. */
function requestOf(
  { kind, circuit, id, reference, ...given }: OrderOptions,
  config: Config,
): GridOrderRequest {
  if (!GRID_ORDER_KINDS.some((one) => one === kind))
    throw usage(`--kind ${kind} is no kind of order`, `Use one of: ${GRID_ORDER_KINDS.join(", ")}.`);
  const power = given.kw === undefined ? undefined : Number(given.kw);
  if (power !== undefined && !(Number.isFinite(power) && power >= 0))
    throw usage(`--kw ${given.kw} is no power`, "Give kW, such as 40 or 40.1.");
  if (circuit !== undefined) checkCircuit(circuit, config);
  const zone = config.site.timezone;
  const from =
    given.from === undefined || given.from === "now" ? undefined : instant("--from", given.from, zone);
  const startMs = from === undefined ? Date.now() : Date.parse(from);
  const until = given.until === undefined ? undefined : instant("--until", given.until, zone, startMs);
  return {
    kind: kind as GridOrderKind,
    ...(circuit === undefined ? {} : { circuit }),
    ...(id === undefined ? {} : { id }),
    ...(reference === undefined ? {} : { reference }),
    ...(power === undefined ? {} : { kw: power }),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(given.for === undefined ? {} : { for_s: seconds(given.for) }),
  };
}

/** As departures are written: a time of day is the next one after `nowMs`. */
function instant(option: string, text: string, zone: string, nowMs = Date.now()): string {
  const ms = momentIn(text, { zone, nowMs }, () => {
    throw usage(
      `${option} ${text} is no time`,
      "Give 18:30 or 2026-12-01 17:00 on the site's clocks, or RFC 3339 such as 2026-12-01T17:00+01:00.",
    );
  });
  return new Date(ms as number).toISOString();
}

function checkCircuit(circuit: string, config: Config): void {
  const known = circuits(config).map(({ id }) => id);
  if (!known.includes(circuit))
    throw usage(`--circuit ${circuit} is no circuit`, `There are: ${known.join(", ")}.`);
}

const UNIT_S: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3_600, d: 86_400 };

function seconds(text: string): number {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)(s|min|h|d)$/.exec(text) ?? [];
  const of = Number(count) * (UNIT_S[unit] ?? Number.NaN);
  if (!(of > 0))
    throw usage(`--for ${text} is no length of time`, "Give a number and s, min, h or d: 90min, 2h.");
  return of;
}

const usage = (message: string, fix: string) => new LaddportError("LP803", message, { fix });

/** @throws LaddportError LP806 when the gateway refuses, or none answers. */
function call(
  { config: file, data }: GridOptions,
  path: string,
  what?: GatewayCall,
): Promise<Record<string, unknown>> {
  return gatewayBody(runningAddress(loadConfig(file, { env: process.env }), data), `/api/v1/${path}`, what);
}
