/** Files with one thing a row: CSV whose first line names the columns, or a JSON list. Every row keeps its line. */
import { extname } from "node:path";
import { parse } from "csv-parse/sync";
import { isSeq, LineCounter, parseDocument } from "yaml";

export interface CsvRows {
  /** `;`, `,` or a tab: whichever stands in the first line. */
  delimiter: string;
  /** Of the columns, in lower case. */
  names: string[];
  rows: { line: number; cells: readonly string[] }[];
}

/** Without the mark that some programs put before text, and whether it is JSON: by its name or its first character. */
export function openList(text: string, file: string): { body: string; isJson: boolean } {
  const body = text.replace(/^\uFEFF/, "");
  return { body, isJson: extname(file).toLowerCase() === ".json" || /^\s*[[{]/.test(body) };
}

/** Lines count from 1. @throws Error when a field is not closed. */
export function csvRows(text: string): CsvRows {
  const [head = ""] = text.split(/\r?\n/, 1);
  const delimiter = [";", "\t", ","].find((mark) => head.includes(mark)) ?? ",";
  const [first, ...rest] = parse(text, {
    delimiter,
    trim: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
  }) as unknown as { record: string[]; info: { lines: number } }[];
  return {
    delimiter,
    names: (first?.record ?? []).map((name) => name.toLowerCase()),
    rows: rest.map(({ record, info }) => ({ line: info.lines, cells: record })),
  };
}

/**
 * As YAML, of which JSON is a part: that parser knows lines, and the digits of numbers as they are written. Null when it
 * is no list. @throws SyntaxError when it is no JSON.
 */
export function jsonItems(text: string): { line: number; item: unknown }[] | null {
  JSON.parse(text);
  const lines = new LineCounter();
  const list = parseDocument(text, { lineCounter: lines, schema: "json", prettyErrors: false }).contents;
  if (!isSeq(list)) return null;
  return list.items.map((item) => {
    const offset = (item as { range?: [number, number, number] }).range?.[0] ?? 0;
    return { line: lines.linePos(offset).line, item };
  });
}
