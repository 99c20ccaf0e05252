/**
 * Price files: CSV with the columns `from,to,price` or `start,price`, or a JSON list of objects with such keys, as
 * Nordic and ENTSO-E exports have them. Every price keeps the line that it stands on.
 */
import { extname } from "node:path";
import { parse } from "csv-parse/sync";
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { GivenPrice } from "../rules/price-points.ts";

/** A file that is no list of prices at all. The message names file and line. */
export class NotPrices extends Error {}

const FROM = ["from", "start", "time_start", "start_time", "startsat"];
const TO = ["to", "end", "time_end", "end_time", "endsat"];
const pricesIn = (currency: string) => ["price", "value", `${currency.toLowerCase()}_per_kwh`];

/** `currency` also names the column of files that give several (`SEK_per_kWh`). @throws NotPrices */
export function readPriceFile(text: string, file: string, currency: string): GivenPrice[] {
  const body = text.replace(/^\uFEFF/, "");
  const isJson = extname(file).toLowerCase() === ".json" || /^\s*[[{]/.test(body);
  return isJson ? fromJson(body, file, currency) : fromCsv(body, file, currency);
}

function fromCsv(text: string, file: string, currency: string): GivenPrice[] {
  const [head = ""] = text.split(/\r?\n/, 1);
  const delimiter = [";", "\t", ","].find((mark) => head.includes(mark)) ?? ",";
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parse(text, {
      delimiter,
      trim: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as typeof rows;
  } catch (error) {
    throw new NotPrices(`${file}: ${(error as Error).message}`);
  }
  const names = (rows[0]?.record ?? []).map((name) => name.toLowerCase());
  const find = (wanted: readonly string[]) => names.findIndex((name) => wanted.includes(name));
  const [from, to, price] = [find(FROM), find(TO), find(pricesIn(currency))];
  if (from < 0 || price < 0)
    throw new NotPrices(
      `${file}:1 has the columns ${names.join(", ") || "(none)"}; write from,to,price or start,price`,
    );
  return rows.slice(1).map(({ record, info }) => ({
    at: `${file}:${info.lines}`,
    from: record[from] ?? "",
    ...(to < 0 ? {} : { to: record[to] ?? "" }),
    price: withPoint(record[price] ?? "", delimiter),
  }));
}

/** Where fields end at semicolons or tabs, a comma is the decimal sign. */
const withPoint = (text: string, delimiter: string) =>
  delimiter !== "," && /^-?\d+,\d+$/.test(text) ? text.replace(",", ".") : text;

/** As YAML, of which JSON is a part: that parser knows lines, and the digits of numbers as they are written. */
function fromJson(text: string, file: string, currency: string): GivenPrice[] {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new NotPrices(`${file} is not JSON: ${(error as Error).message}`);
  }
  const lines = new LineCounter();
  const list = parseDocument(text, { lineCounter: lines, schema: "json", prettyErrors: false }).contents;
  if (!isSeq(list))
    throw new NotPrices(`${file}:1 is not a list; write [{"from": ..., "to": ..., "price": ...}, ...]`);
  return list.items.map((item, i) => {
    const offset = (item as { range?: [number, number, number] }).range?.[0] ?? 0;
    const at = `${file}:${lines.linePos(offset).line}`;
    if (!isMap(item)) throw new NotPrices(`${at} item ${i + 1} is not an object with from, to and price`);
    const fields = new Map(
      item.items.map(({ key, value }) => [
        String(isScalar(key) ? key.value : key).toLowerCase(),
        isScalar(value)
          ? typeof value.value === "string"
            ? value.value
            : (value.source ?? String(value.value))
          : "",
      ]),
    );
    const find = (wanted: readonly string[]) =>
      wanted.map((name) => fields.get(name)).find((v) => v !== undefined);
    const to = find(TO);
    return {
      at,
      from: find(FROM) ?? "",
      ...(to === undefined ? {} : { to }),
      price: find(pricesIn(currency)) ?? "",
    };
  });
}
