import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvOf } from "../../src/documents/csv.ts";
import { statementOf } from "../../src/documents/statement.ts";
import { STATEMENT_COLUMNS, statementRows } from "../../src/documents/statement-csv.ts";
import { statementDocument } from "../../src/documents/statement-document.ts";
import type { Cdr } from "../../src/model/cdr.ts";
import { exact, fixed } from "../../src/model/money.ts";
import { textsOf } from "./said.ts";
import { anyCdr, creditFor, sampleCdr } from "./sample-cdr.ts";

const NOVEMBER = { month: "2026-11" };
const ids = (cdrs: Cdr[], scope: Parameters<typeof statementOf>[1]) =>
  statementOf(cdrs, scope).currencies.flatMap((sums) => sums.bills.map(({ cdr }) => cdr.id));

const sum = (amounts: string[]) =>
  fixed(
    amounts.reduce((total, amount) => total.add(exact(amount)), exact("0")),
    4,
  );

describe("a statement", () => {
  it("reconciles exactly: rates sum to the total, the total with the rounding is what the bills ask for", () => {
    fc.assert(
      fc.property(fc.array(anyCdr, { minLength: 1, maxLength: 8 }), (drawn) => {
        const cdrs = drawn.map((cdr, i) => ({ ...cdr, id: `cdr-${i}` }));
        const [sums] = statementOf(cdrs, NOVEMBER).currencies;
        if (!sums) throw new Error("nothing was billed");
        const { vat, total, rounding, payable } = sums;
        expect(sum(vat.map((rate) => rate.net))).toBe(total.net);
        expect(sum(vat.map((rate) => rate.tax))).toBe(total.tax);
        expect(sum(vat.map((rate) => rate.gross))).toBe(total.gross);
        expect(sum([total.net, total.tax])).toBe(total.gross);
        expect(sum([total.gross, rounding])).toBe(sum([payable]));
        expect(sum(cdrs.map((cdr) => cdr.payable.amount))).toBe(sum([payable]));
        expect(sum(cdrs.map((cdr) => cdr.total_cost.incl_vat))).toBe(total.gross);
      }),
    );
  });

  it("a bill and its credit come to nothing, in money and in energy", () => {
    const cdr = sampleCdr();
    const [sums] = statementOf([cdr, creditFor(cdr)], NOVEMBER).currencies;
    expect(sums).toMatchObject({ energy_wh: 0, payable: "0.00", rounding: "0.0000" });
    expect(sums?.total).toEqual({ net: "0.0000", tax: "0.0000", gross: "0.0000" });
  });

  it("a session belongs to the month in which it ended where it stood", () => {
    const end = (id: string, end_date_time: string, time_zone = "Europe/Stockholm") =>
      sampleCdr({ id, end_date_time, time_zone });
    const cdrs = [
      end("late October", "2026-10-31T22:59:59.999Z"),
      end("first of November", "2026-10-31T23:00:00.000Z"),
      end("last of November", "2026-11-30T22:59:59.999Z"),
      end("December", "2026-11-30T23:00:00.000Z"),
      end("November in New York", "2026-12-01T04:59:59.999Z", "America/New_York"),
    ];
    expect(ids(cdrs, NOVEMBER)).toEqual(["first of November", "last of November", "November in New York"]);
    expect(ids(cdrs, { month: "2026-10" })).toEqual(["late October"]);
  });

  it("is of one group, one token, or all, in order of their ends", () => {
    const cdrs = [
      sampleCdr({
        id: "b",
        token_group: "north",
        cdr_token: "t2",
        end_date_time: "2026-11-03T10:00:00.000Z",
      }),
      sampleCdr({
        id: "a",
        token_group: "north",
        cdr_token: "t1",
        end_date_time: "2026-11-02T10:00:00.000Z",
      }),
      sampleCdr({ id: "c", cdr_token: "t1", end_date_time: "2026-11-03T10:00:00.000Z" }),
    ];
    expect(ids(cdrs, NOVEMBER)).toEqual(["a", "b", "c"]);
    expect(ids(cdrs, { ...NOVEMBER, group: "north" })).toEqual(["a", "b"]);
    expect(ids(cdrs, { ...NOVEMBER, tokenRef: "t1" })).toEqual(["a", "c"]);
    expect(ids(cdrs, { ...NOVEMBER, group: "south" })).toEqual([]);
  });

  it("keeps currencies apart", () => {
    const cdrs = [sampleCdr({ id: "a" }), sampleCdr({ id: "b", currency: "EUR" })];
    expect(statementOf(cdrs, NOVEMBER).currencies.map(({ currency }) => currency)).toEqual(["EUR", "SEK"]);
  });

  it("refuses a bill that does not add up, by name", () => {
    const off = sampleCdr({ id: "cdr-off", payable: { amount: "3966.38", rounding: "-0.0015" } });
    expect(() => statementOf([sampleCdr(), off], NOVEMBER)).toThrow(
      'cdr-off does not add up: payable.amount is "3966.38", its total with the rounding is ',
    );
  });

  it.each<[string, (cdr: Cdr) => void]>([
    [
      "total_cost.excl_vat",
      (cdr) => {
        cdr.total_cost.excl_vat = "1.0000";
      },
    ],
    [
      "total_cost.incl_vat",
      (cdr) => {
        cdr.total_cost.incl_vat = "many";
      },
    ],
    [
      "lines",
      (cdr) => {
        for (const line of cdr.lines) line.amount.incl_vat = "1/3";
      },
    ],
  ])("names %s where that is wrong", (path, spoil) => {
    const off = structuredClone(sampleCdr({ id: "cdr-off" }));
    spoil(off);
    expect(() => statementOf([off], NOVEMBER)).toThrow(`cdr-off does not add up: ${path} is `);
  });

  it("as a document shows each bill with its hash, the credits as such, and what is to be paid", () => {
    const cdr = sampleCdr();
    const other = sampleCdr({ id: "cdr-other" });
    const made = statementOf([cdr, creditFor(cdr), other], { ...NOVEMBER, group: "north" });
    expect(made.currencies).toEqual([]);
    const all = statementOf([cdr, creditFor(cdr), other], NOVEMBER);
    const document = statementDocument(all, { site: "Ringön" }, "en");
    const texts = textsOf(document);
    expect(document.highlights.at(-1)).toEqual({ label: "To pay", value: "3,966.37\u00a0SEK" });
    expect(texts).toContain("Credits cdr-s4711-88123");
    expect(texts.filter((text) => /^SHA-256 [0-9a-f]{64}$/.test(text))).toHaveLength(3);
    expect(texts).toContain("−3,966.3715");
    expect(texts).toContain("−1,021.421");
  });

  it("as CSV has the columns that are documented, and figures that sum to its total", () => {
    const cdr = sampleCdr({ token_group: "=cmd|'/c calc'!A1" });
    const made = statementOf([cdr, creditFor(sampleCdr()), sampleCdr({ id: "c" })], NOVEMBER);
    const rows = parse(csvOf(statementRows(made)), { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(3);
    expect(sum(rows.map((row) => row.payable ?? ""))).toBe(sum([made.currencies[0]?.payable ?? ""]));
    expect(sum(rows.map((row) => row.energy_kwh ?? ""))).toBe("1021.4210");
    expect(rows.map((row) => row.token_group).filter((group) => group?.startsWith("="))).toEqual([]);
    expect(rows.find((row) => row.credit_of)?.net).toBe("-3173.5532");
    const page = readFileSync(new URL("../../docs/documents.md", import.meta.url), "utf8");
    const documented = [...page.matchAll(/^\| `([a-z0-9_]+)` \|/gm)].map(([, name]) => name);
    expect(documented).toEqual(Object.keys(STATEMENT_COLUMNS));
  });
});
