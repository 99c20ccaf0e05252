import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cdrHash } from "../../src/documents/cdr-hash.ts";
import type { Block, Document } from "../../src/documents/document.ts";
import { amountText, decimalsFor, figure } from "../../src/documents/figures.ts";
import { receiptOf } from "../../src/documents/receipt.ts";
import { keyFingerprint } from "../../src/documents/signed-values.ts";
import type { Cdr } from "../../src/model/cdr.ts";
import { exact } from "../../src/model/money.ts";
import { LANGUAGES, type Language } from "../../src/rules/explain-texts.ts";
import { anyCdr, creditFor, sampleCdr, withLines } from "./sample-cdr.ts";

const ISSUER = {
  site: "Ringöns depå",
  seller: {
    name: "Göteborgs Laddel AB",
    orgNo: "556677-8899",
    vatNo: "SE556677889901",
    address: "Ringögatan 12\n417 07 Göteborg",
  },
};

/** An amount as a reader would type it into a calculator. */
const read = (language: Language, text: string) => {
  const digits = text.replace("−", "-").replace(/\s?[A-Z]{3}$/, "");
  return exact(
    language === "sv" ? digits.replaceAll("\u00a0", "").replace(",", ".") : digits.replaceAll(",", ""),
  );
};

const tables = (document: Document) =>
  document.blocks.filter((block): block is Extract<Block, { kind: "table" }> => block.kind === "table");
const facts = (document: Document) =>
  new Map(
    document.blocks.flatMap((block) =>
      block.kind === "facts" ? block.facts.map(({ label, value }): [string, string] => [label, value]) : [],
    ),
  );
const notes = (document: Document, heading: string) =>
  document.blocks.flatMap((block) =>
    block.kind === "notes" && block.heading === heading ? block.notes : [],
  );

describe("a receipt", () => {
  it("has lines and VAT rates that both sum to the totals it prints, whatever the amounts", () => {
    fc.assert(
      fc.property(anyCdr, fc.constantFrom(...LANGUAGES), (cdr, language) => {
        const document = receiptOf(cdr, ISSUER, language);
        const [lines, vat] = tables(document);
        const sum = (rows: { cells: string[] }[], column: number) =>
          rows.reduce(
            (total, { cells }) => total.add(read(language, cells.at(column) as string)),
            exact("0"),
          );
        for (const column of [-3, -2, -1]) {
          const total = read(language, lines?.foot[0]?.cells.at(column) as string);
          expect(sum(lines?.rows ?? [], column).equals(total)).toBe(true);
          expect(sum(vat?.rows ?? [], column).equals(total)).toBe(true);
          expect(read(language, vat?.foot[0]?.cells.at(column) as string).equals(total)).toBe(true);
        }
        const [gross, rounding, payable] = (vat?.foot ?? []).map(({ cells }) =>
          read(language, cells.at(-1) as string),
        );
        expect(gross?.add(rounding ?? 0).equals(payable ?? -1)).toBe(true);
        expect(payable?.equals(exact(cdr.payable.amount))).toBe(true);
        expect(gross?.equals(exact(cdr.total_cost.incl_vat))).toBe(true);
      }),
    );
  });

  it("groups equal VAT rates however they are spelt, highest first", () => {
    const rates = ["6", "25.0", "25", null];
    const cdr = withLines(sampleCdr().lines.map((line, i) => ({ ...line, vat_percent: rates[i] ?? null })));
    const [, vat] = tables(receiptOf(cdr, ISSUER, "en"));
    expect(vat?.rows.map(({ cells }) => cells[0])).toEqual(["25\u00a0%", "6\u00a0%", "no rate stated"]);
  });

  it("says where, when with the offset to UTC, on which meter and how much", () => {
    const shown = facts(receiptOf(sampleCdr(), ISSUER, "sv"));
    expect(shown.get("Station / uttag")).toBe("cp-07/1");
    expect(shown.get("Start")).toBe("2026-11-22 17:00:10 +01:00");
    expect(shown.get("Slut")).toBe("2026-11-22 19:14:32 +01:00");
    expect(shown.get("Mätare 1ISK0003458291")).toBe(
      "från 18\u00a0234\u00a0567\u00a0Wh till 19\u00a0255\u00a0988\u00a0Wh",
    );
    expect(shown.get("Energi")).toContain("1\u00a0021,421\u00a0kWh");
    expect(shown.get("Kort (pseudonym)")).toBe("7QK2M4XW9B");
  });

  it("names the record by the SHA-256 of its JSON with sorted keys, and how to verify it", () => {
    const cdr = sampleCdr();
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : value !== null && typeof value === "object"
          ? Object.fromEntries(
              Object.entries(value)
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([key, item]) => [key, sorted(item)]),
            )
          : value;
    const hash = createHash("sha256")
      .update(JSON.stringify(sorted(cdr)))
      .digest("hex");
    expect(cdrHash(cdr)).toBe(hash);
    const document = receiptOf(cdr, ISSUER, "en");
    expect(facts(document).get("SHA-256 of the record")).toBe(hash);
    expect(facts(document).get("SHA-256 of the tariff")).toBe(cdr.tariff.hash);
    expect(facts(document).get("To verify")).toBe("laddport cdr verify cdr-s4711-88123");
    expect(document.footer).toContain(hash);
  });

  it("shows estimates, steps and why each price applied", () => {
    const [lines] = tables(receiptOf(sampleCdr(), ISSUER, "en"));
    const small = lines?.rows[2]?.notes?.join("\n") ?? "";
    expect(small).toContain("19,254,379.5\u00a0Wh (between two readings)");
    expect(small).toContain("Element 3 of 3");
    expect(small).toContain("500 Wh");
  });

  it("tells what was not billed and why, and what deserves a second look", () => {
    const document = receiptOf(sampleCdr(), ISSUER, "en");
    expect(notes(document, "What is not charged for")).toHaveLength(2);
    expect(notes(document, "What is not charged for")[0]).toContain("21 min");
    expect(notes(document, "Worth knowing")).toHaveLength(3);
    const plain = receiptOf(sampleCdr({ unbilled_time: [], flags: [], warnings: [] }), ISSUER, "en");
    expect(plain.blocks.map((block) => block.heading)).not.toContain("What is not charged for");
    expect(plain.blocks.map((block) => block.heading)).not.toContain("Worth knowing");
  });

  it("shows a record of an older release, under the hash of what is stored", () => {
    const { time_zone: _, payable: __, unbilled_time: ___, warnings: ____, ...older } = sampleCdr();
    const document = receiptOf(older as Cdr, ISSUER, "en");
    expect(facts(document).get("SHA-256 of the record")).toBe(cdrHash(older as Cdr));
    expect(facts(document).get("Start")).toBe("2026-11-22 16:00:10 +00:00");
    expect(document.highlights.at(-1)?.value).toBe("3,966.37\u00a0SEK");
  });

  it("warns when the lines do not sum to the total of the record", () => {
    const cdr = sampleCdr({ total_cost: { excl_vat: "1.0000", incl_vat: "1.2500" } });
    expect(notes(receiptOf(cdr, ISSUER, "en"), "Worth knowing")[0]).toContain("do not sum");
  });

  it("says of signed values whether they hold, and under which key", () => {
    const cdr = sampleCdr();
    const der = Buffer.from(cdr.signed_data?.public_key ?? "", "hex");
    const shown = facts(receiptOf(cdr, ISSUER, "en"));
    expect(shown.get("Signature")).toBe("verified");
    expect(shown.get("SHA-256 of the public key")).toBe(createHash("sha256").update(der).digest("hex"));
    const broken = sampleCdr({
      signed_data: {
        ...(cdr.signed_data as NonNullable<typeof cdr.signed_data>),
        public_key: null,
        verified: false,
        reasons: ["no key is registered"],
      },
    });
    const said = facts(receiptOf(broken, ISSUER, "en"));
    expect(said.get("Signature")).toBe("NOT verified: no key is registered");
    expect(said.get("SHA-256 of the public key")).toContain("not registered");
  });

  it("a key has one fingerprint, in hex, base64 or PEM", () => {
    const der = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");
    const base64 = der.toString("base64");
    const pem = `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`;
    const spaced = der.toString("hex").replace(/(.{8})/g, "$1 ");
    expect(new Set([der.toString("hex"), base64, pem, spaced].map(keyFingerprint)).size).toBe(1);
  });

  it("what the rating wrote in English stays out of a Swedish receipt", () => {
    const detail = "no current given from 2026-03-02T09:00:00.000Z";
    const warned = sampleCdr({ warnings: [{ code: "CURRENT_UNKNOWN", detail }], remark: "late stop" });
    expect(JSON.stringify(receiptOf(warned, ISSUER, "en"))).toContain(detail);
    const swedish = JSON.stringify(receiptOf(warned, ISSUER, "sv"));
    expect(swedish).not.toContain("no current given");
    expect(swedish).toContain("stationens stoppmeddelande kom i efterhand");
  });

  it("a credit looks like a credit note, with the amounts of its record", () => {
    const credit = creditFor(sampleCdr());
    const document = receiptOf(credit, ISSUER, "sv");
    expect(document.kind).toBe("credit_note");
    expect(document.title).toBe("Kreditnota");
    expect(tables(document)[0]?.heading).toBe("Vad som krediteras");
    expect(document.highlights.at(-1)).toEqual({
      label: "Kreditbelopp",
      value: "−3\u00a0966,37\u00a0SEK",
    });
    expect(facts(document).get("Krediterar")).toContain("cdr-s4711-88123");
    expect(facts(document).get("Anmärkning")).toBe("wrong tariff");
  });

  it("without a seller says what a full VAT invoice lacks; with one, only what a gateway cannot know", () => {
    const missing = (issuer: Parameters<typeof receiptOf>[1]) =>
      notes(receiptOf(sampleCdr(), issuer, "en"), "For a full VAT invoice").join(" ");
    expect(missing({ site: "Ringön" })).toContain("the seller's VAT number");
    expect(missing(ISSUER)).not.toContain("the seller's");
    expect(missing(ISSUER)).toContain("the buyer's name and address");
  });
});

describe("figures", () => {
  it("are grouped and signed as the language writes them", () => {
    expect(figure("sv", "-1234567.50")).toBe("−1\u00a0234\u00a0567,50");
    expect(figure("en", "-1234567.50")).toBe("−1,234,567.50");
    expect(figure("en", "999.1234")).toBe("999.1234");
  });

  it("have as many decimals as the most exact of a column, at least the minor unit's", () => {
    expect(decimalsFor("SEK", ["1.0000", "2.5000"])).toBe(2);
    expect(decimalsFor("SEK", ["1.0000", "2.5125"])).toBe(4);
    expect(decimalsFor("JPY", ["1.0000"])).toBe(0);
    expect(amountText("sv", "9.3750", 3)).toBe("9,375");
  });
});
