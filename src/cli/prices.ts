/** `laddport prices import|list`: hands prices to the running gateway, and shows those that its log has. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { type Config, loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { newestPrices } from "../gateway/price-book.ts";
import { SeriesId } from "../model/ids.ts";
import { MAX_POINTS, type PricePoint, type PriceRequest, type PricesTaken } from "../model/prices.ts";
import { readPrices, utcText } from "../rules/price-points.ts";
import type { PriceSeries } from "../rules/price-series.ts";
import { gatewayBody } from "./ask-gateway.ts";
import { gatewayAddress } from "./gateway-call.ts";
import { openLog } from "./log.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { NotPrices, readPriceFile } from "./price-file.ts";

export interface ImportOptions {
  file: string;
  series: string;
  currency?: string;
  config: string;
  json?: boolean;
}

/** Sends nothing of a file that has a fault. A long one goes in parts of a month, each taken or refused whole. */
export async function pricesImport(options: ImportOptions, io: CommandIo): Promise<number> {
  const { file, series } = options;
  if (!SeriesId.safeParse(series).success)
    throw new LaddportError("LP803", `--series ${series} is no id of a series`, {
      fix: "Use 1 to 64 letters, digits, '.', '_' or '-', as in the tariff's price_source.",
    });
  const config = loadConfig(options.config, { env: process.env });
  const { currency } = config.site;
  if (options.currency !== undefined && options.currency !== currency)
    throw new LaddportError("LP803", `--currency ${options.currency} is not the site's currency`, {
      fix: `Give prices in ${currency}.`,
    });
  const points = pointsOf(file, currency);
  for (let at = 0; at < points.length; at += MAX_POINTS) {
    const part = {
      series,
      currency,
      points: points.slice(at, at + MAX_POINTS),
      source: basename(file).slice(0, 80),
    };
    const taken = await post(config, part);
    if (options.json) io.stdout.write(`${JSON.stringify(taken)}\n`);
    else io.stdout.write(`${describe(taken)}\n`);
    if (taken.tariffs.length === 0)
      io.stderr.write(
        `no tariff of the gateway takes prices from the series ${series}; check price_source\n`,
      );
  }
  return EXIT.ok;
}

/** @throws LaddportError LP803 with every fault of the file, `file:line` first. */
function pointsOf(file: string, currency: string): PricePoint[] {
  let read: ReturnType<typeof readPrices>;
  try {
    read = readPrices(readPriceFile(readFileSync(file, "utf8"), file, currency), currency);
  } catch (error) {
    if (!(error instanceof NotPrices)) throw error;
    throw new LaddportError("LP803", error.message, {
      fix: "Correct the file and import it again.",
      cause: error,
    });
  }
  if ("points" in read) return read.points;
  const lines = read.faults.map(({ at, message, fix }) => `${at || file} ${message}. ${fix}`);
  throw new LaddportError("LP803", `no price was taken from ${file}:\n${lines.join("\n")}`, {
    fix: "Then import it again.",
  });
}

function post(config: Config, request: PriceRequest): Promise<PricesTaken> {
  return gatewayBody(gatewayAddress(config), "/api/v1/prices", { method: "POST", body: request });
}

function describe(t: PricesTaken): string {
  const gaps = t.gaps > 0 ? `, ${t.gaps} ${t.gaps === 1 ? "gap" : "gaps"} between them` : "";
  const what = t.known ? "known already" : `taken as fact ${t.log_offset}`;
  return `${t.series}: ${t.points} prices of ${t.step_s / 60} min in ${t.currency}, ${t.from} to ${t.to}${gaps}, ${what}`;
}

export interface ListOptions {
  data: string;
  series?: string;
  json?: boolean;
}

export async function pricesList(options: ListOptions, io: CommandIo): Promise<number> {
  const reader = openLog(options.data);
  const known = await newestPrices(reader);
  await reader.close();
  const chosen = [...known].filter(([series]) => options.series === undefined || series === options.series);
  const rows = chosen.sort().flatMap(([series, { currency, points }]) => rowsOf(series, currency, points));
  if (options.json) io.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  else {
    const cells = rows.map(({ series, from, to, price, currency }) => [
      series,
      from,
      to,
      price ?? "gap",
      currency,
    ]);
    io.stdout.write(`${table([["series", "from (UTC)", "to (UTC)", "price", ""], ...cells])}\n`);
  }
  if (rows.length === 0)
    io.stderr.write(
      options.series === undefined || known.size === 0
        ? "the log has no prices yet; laddport prices import brings some\n"
        : `the log has no series ${options.series}; there are: ${[...known.keys()].sort().join(", ")}\n`,
    );
  return EXIT.ok;
}

interface Row {
  series: string;
  from: string;
  to: string;
  /** Null: a gap. */
  price: string | null;
  currency: string;
}

function rowsOf(series: string, currency: string, points: PriceSeries["points"]): Row[] {
  return points.flatMap(([from, to, price], i) => {
    const before = points[i - 1]?.[1] ?? from;
    const row = (a: number, b: number, of: string | null) => ({
      series,
      from: utcText(a),
      to: utcText(b),
      price: of,
      currency,
    });
    return before < from ? [row(before, from, null), row(from, to, price)] : [row(from, to, price)];
  });
}
