/**
 * Price files: CSV with the columns `from,to,price` or `start,price`, or a JSON list of objects with such keys, as
 * Nordic and ENTSO-E exports have them. Every price keeps the line that it stands on.
 */
import { isMap, isScalar } from "yaml";
import type { GivenPrice } from "../rules/price-points.ts";
import { type CsvRows, csvRows, jsonItems, openList } from "./list-file.ts";

/** A file that is no list of prices at all. The message names file and line. */
export class NotPrices extends Error {}

const FROM = ["from", "start", "time_start", "start_time", "startsat"];
const TO = ["to", "end", "time_end", "end_time", "endsat"];
const pricesIn = (currency: string) => ["price", "value", `${currency.toLowerCase()}_per_kwh`];

/** `currency` also names the column of files that give several (`SEK_per_kWh`). @throws NotPrices */
export function readPriceFile(text: string, file: string, currency: string): GivenPrice[] {
  const { body, isJson } = openList(text, file);
  return isJson ? fromJson(body, file, currency) : fromCsv(body, file, currency);
}

function fromCsv(text: string, file: string, currency: string): GivenPrice[] {
  let csv: CsvRows;
  try {
    csv = csvRows(text);
  } catch (error) {
    throw new NotPrices(`${file}: ${(error as Error).message}`);
  }
  const { delimiter, names, rows } = csv;
  const find = (wanted: readonly string[]) => names.findIndex((name) => wanted.includes(name));
  const [from, to, price] = [find(FROM), find(TO), find(pricesIn(currency))];
  if (from < 0 || price < 0)
    throw new NotPrices(
      `${file}:1 has the columns ${names.join(", ") || "(none)"}; write from,to,price or start,price`,
    );
  return rows.map(({ line, cells }) => ({
    at: `${file}:${line}`,
    from: cells[from] ?? "",
    ...(to < 0 ? {} : { to: cells[to] ?? "" }),
    price: withPoint(cells[price] ?? "", delimiter),
  }));
}

/** Where fields end at semicolons or tabs, a comma is the decimal sign. */
const withPoint = (text: string, delimiter: string) =>
  delimiter !== "," && /^-?\d+,\d+$/.test(text) ? text.replace(",", ".") : text;

function fromJson(text: string, file: string, currency: string): GivenPrice[] {
  let items: ReturnType<typeof jsonItems>;
  try {
    items = jsonItems(text);
  } catch (error) {
    throw new NotPrices(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (items === null)
    throw new NotPrices(`${file}:1 is not a list; write [{"from": ..., "to": ..., "price": ...}, ...]`);
  return items.map(({ line, item }, i) => {
    const at = `${file}:${line}`;
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
