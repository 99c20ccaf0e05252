/**
 * InfluxDB line protocol (InfluxDB 2.x reference, "Line protocol"; the 1.x and VictoriaMetrics parsers read the same):
 * `measurement,tag=value field=value timestamp`. Strings go straight to text, about ten times faster than the client's
 * Point objects, and a value that cannot be written is left out instead of throwing.
 */

/** A field is absent when it is undefined. */
export type FieldValue = number | bigint | boolean | string | undefined;

/** A whole number that is written as an integer (`i`), exactly; every other number is a float. */
export function integer(value: number | undefined): bigint | undefined {
  return value === undefined || !Number.isSafeInteger(value) ? undefined : BigInt(value);
}

/**
 * Names and tag values: comma, `=` and space are escaped. A backslash or a control character has no form that all
 * servers read alike (a trailing backslash swallows the separator, a newline begins a forged line), so each becomes
 * `_`.
 */
export function escapeName(text: string): string {
  if (PLAIN.test(text)) return text;
  return replaceUnwritable(text).replace(/[,= ]/g, "\\$&");
}

/** Measurements escape comma and space only: `\=` would keep its backslash. A `#` in front would make a comment. */
export function escapeMeasurement(text: string): string {
  if (PLAIN.test(text)) return text;
  return replaceUnwritable(text).replace(/^#/, "_").replace(/[, ]/g, "\\$&");
}

/** String field values: quoted, with `"` and `\` escaped; control characters become a space. */
export function quoteString(text: string): string {
  return `"${replaceControls(text.toWellFormed(), " ").replace(/["\\]/g, "\\$&")}"`;
}

const PLAIN = /^[A-Za-z0-9_.:/-]+$/;

function replaceUnwritable(text: string): string {
  return replaceControls(text.toWellFormed(), "_").replaceAll("\\", "_");
}

function replaceControls(text: string, by: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through
  return text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]/g, by);
}

function fieldText(value: Exclude<FieldValue, undefined>): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? String(value) : undefined;
    case "bigint":
      return `${value}i`;
    case "boolean":
      return value ? "true" : "false";
    default:
      return quoteString(value);
  }
}

/** `measurement,tags` with tags sorted by key, as servers prefer; tags with an empty value are left out. */
export function seriesOf(measurement: string, tags: Readonly<Record<string, string>>): string {
  let series = escapeMeasurement(measurement);
  for (const key of Object.keys(tags).sort()) {
    const value = tags[key];
    if (value) series += `,${escapeName(key)}=${escapeName(value)}`;
  }
  return series;
}

/** One line without its newline; undefined when no field has a value that can be written. Time in whole ms. */
export function lineOf(
  series: string,
  fields: Readonly<Record<string, FieldValue>>,
  timeMs: number,
): string | undefined {
  let text = "";
  for (const key in fields) {
    const value = fields[key];
    const written = value === undefined ? undefined : fieldText(value);
    if (written !== undefined) text += `${text === "" ? "" : ","}${escapeName(key)}=${written}`;
  }
  return text === "" || !Number.isSafeInteger(timeMs) ? undefined : `${series} ${text} ${timeMs}`;
}

/** The timestamp at the end of a line, ms; NaN when it has none. */
export function timeOf(line: string): number {
  return Number(line.slice(line.lastIndexOf(" ") + 1));
}
