import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvCell, csvOf } from "../../src/documents/csv.ts";

const hostile = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
  fc
    .tuple(fc.constantFrom("=", "+", "-", "@", "\t", "\r", "\n", "＝"), fc.string())
    .map(([start, rest]) => start + rest),
  fc.constantFrom(
    '=HYPERLINK("http://x","y")',
    "-1+1",
    '","',
    "'",
    '"',
    "\r\n",
    "a;b",
    "+46 70",
    "-12.50",
    "-",
  ),
);

const isNumber = (text: string) => /^[+-]?\d+(\.\d+)?$/.test(text);

describe("CSV", () => {
  it("comes back from a parser as it was, but for the apostrophe before what could be a formula", () => {
    const table = fc
      .integer({ min: 1, max: 5 })
      .chain((width) =>
        fc.array(fc.array(hostile, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }),
      );
    fc.assert(
      fc.property(table, fc.boolean(), (rows, bom) => {
        const read = parse(csvOf(rows, { bom }), {
          bom,
          record_delimiter: "\r\n",
          relax_column_count: false,
        }) as string[][];
        const back = read.map((row, i) =>
          row.map((cell, j) =>
            cell.startsWith("'") && cell.slice(1) === rows[i]?.[j] ? cell.slice(1) : cell,
          ),
        );
        expect(back).toEqual(rows);
        for (const cell of read.flat())
          if (!isNumber(cell)) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
      }),
    );
  });

  it("leaves numbers alone, signs included, and quotes only what needs it", () => {
    expect(["-12.50", "+3", "0", "1234.5"].map(csvCell)).toEqual(["-12.50", "+3", "0", "1234.5"]);
    expect(csvCell("=1+1")).toBe("'=1+1");
    expect(csvCell("-1+1")).toBe("'-1+1");
    expect(csvCell("1e5")).toBe("1e5");
    expect(csvCell('a "b", c')).toBe('"a ""b"", c"');
    expect(csvCell('=HYPERLINK("x")')).toBe('"\'=HYPERLINK(""x"")"');
  });

  it("ends every row with CRLF and begins with a byte order mark only when asked", () => {
    expect(csvOf([["å", "1"]])).toBe("å,1\r\n");
    expect(csvOf([["å"]], { bom: true })).toBe("\ufeffå\r\n");
  });
});
