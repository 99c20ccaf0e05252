import { inflateSync } from "node:zlib";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Document } from "../../src/documents/document.ts";
import { pdfOf } from "../../src/documents/pdf.ts";
import { receiptOf } from "../../src/documents/receipt.ts";
import { LANGUAGES } from "../../src/rules/explain-texts.ts";
import { askPdf, PDFTOTEXT, textOfPdf } from "./programs.ts";
import { packed, textsOf } from "./said.ts";
import { creditFor, manyLines, sampleCdr, withLines } from "./sample-cdr.ts";

const ISSUER = { site: "Ringöns depå", seller: { name: "Göteborgs Laddel AB", address: "Å-vägen 1\nÖ" } };

/** The objects of a PDF as text; streams are left out. */
const objects = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString("latin1")
    .replace(/stream\r?\n[\s\S]*?endstream/g, "");

/** Every stream that inflates. */
function streams(bytes: Uint8Array): string[] {
  const found: string[] = [];
  const buffer = Buffer.from(bytes);
  for (let at = buffer.indexOf("stream\n"); at >= 0; at = buffer.indexOf("stream\n", at + 1)) {
    const end = buffer.indexOf("endstream", at);
    try {
      found.push(inflateSync(buffer.subarray(at + 7, end)).toString("latin1"));
    } catch {
      // Not compressed: not what is looked for here.
    }
  }
  return found;
}

describe.each(LANGUAGES)("a receipt as PDF (%s)", (language) => {
  const document = receiptOf(sampleCdr(), ISSUER, language);

  it("is tagged, has a language and a title, and embeds its fonts with Unicode maps", async () => {
    const bytes = await pdfOf(document);
    const text = objects(bytes);
    expect(Buffer.from(bytes.subarray(0, 8)).toString()).toBe("%PDF-1.7");
    expect(text).toMatch(/\/MarkInfo \d+ 0 R/);
    expect(text).toMatch(/\/Marked true/);
    expect(text).toMatch(/\/StructTreeRoot \d+ 0 R/);
    expect(text).toContain(language === "sv" ? "/Lang (sv-SE)" : "/Lang (en)");
    expect(text).toContain("/DisplayDocTitle true");
    const fonts = text.match(/\/Type \/Font\n/g) ?? [];
    expect(fonts.length).toBeGreaterThan(0);
    expect(text.match(/\/FontFile2 \d+ 0 R/g)?.length).toBeGreaterThan(1);
    expect(text.match(/\/ToUnicode \d+ 0 R/g)?.length).toBeGreaterThan(1);
    expect(text).not.toContain("Helvetica");
    for (const tag of ["H1", "H2", "Table", "Caption", "TR", "TH", "TD", "L", "LI", "Lbl", "LBody"])
      expect(text).toMatch(new RegExp(`/S /${tag}\\n`));
    expect(text).toMatch(/\/Scope \/Column/);
    expect(text).toMatch(/\/Scope \/Row/);
  });

  it("draws nothing outside of a tag", async () => {
    const pages = streams(await pdfOf(document)).filter((stream) => stream.includes(" Tf"));
    expect(pages.length).toBeGreaterThan(0);
    for (const page of pages) {
      let depth = 0;
      for (const [operator] of page.matchAll(/\b(BDC|BMC|EMC|TJ|Tj)\b/g)) {
        if (operator === "BDC" || operator === "BMC") depth++;
        else if (operator === "EMC") depth--;
        else expect(depth).toBe(1);
      }
      expect(depth).toBe(0);
    }
  });

  it.skipIf(!PDFTOTEXT)("contains every text and figure of the document", async () => {
    const text = packed(textOfPdf(await pdfOf(document)));
    for (const said of textsOf(document)) expect(text).toContain(packed(said));
  });

  it("is the same file whenever it is made", async () => {
    const first = await pdfOf(document);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 400 * 86_400_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(Buffer.from(await pdfOf(document)).equals(Buffer.from(first))).toBe(true);
  });
});

describe.skipIf(!PDFTOTEXT)("a PDF, read by poppler", () => {
  const pagesOf = (bytes: Uint8Array) => textOfPdf(bytes).split("\f").slice(0, -1);

  it("of many lines repeats the head, numbers its pages and loses no line", async () => {
    const cdr = withLines(manyLines(60));
    const document = receiptOf(cdr, ISSUER, "en");
    const pages = pagesOf(await pdfOf(document));
    expect(pages.length).toBeGreaterThan(3);
    for (const [i, page] of pages.entries()) {
      expect(page).toContain(`Page ${i + 1} of ${pages.length}`);
      if (page.includes("2.45/kWh")) expect(page).toContain("Measured Billed Price");
    }
    expect(pages.join("").match(/2\.45\/kWh/g)).toHaveLength(60);
    const text = packed(pages.join(""));
    for (const line of document.blocks.flatMap((block) => (block.kind === "table" ? block.rows : [])))
      for (const cell of line.cells) expect(text).toContain(packed(cell));
  });

  it("has a structure tree whose text is that of the document, in its order", async () => {
    const document = receiptOf(sampleCdr(), ISSUER, "sv");
    const tree = askPdf("pdfinfo", await pdfOf(document), "-struct-text");
    let at = 0;
    for (const { heading } of document.blocks) {
      const next = tree.indexOf(heading, at);
      expect(next).toBeGreaterThan(at);
      at = next;
    }
    expect(tree).not.toContain("Sida 1");
  });

  it("shows letters of other scripts, and names what no font has", async () => {
    const cdr = sampleCdr({ remark: "Łódź Ελλάδα Привет 充电 🔌 a\u0000b" });
    const bytes = await pdfOf(receiptOf(cdr, ISSUER, "en"));
    const text = textOfPdf(bytes);
    expect(text).toContain("Łódź Ελλάδα Привет [U+5145][U+7535] [U+1F50C] a b");
    for (const row of askPdf("pdffonts", bytes).trim().split("\n").slice(2))
      expect(row).toMatch(/yes yes yes/);
  });

  it("breaks words that are wider than the page, and remarks over pages", async () => {
    const remark = `${"x".repeat(400)} ${"a long remark ".repeat(900)}end`;
    const pages = pagesOf(await pdfOf(receiptOf(sampleCdr({ remark }), ISSUER, "en")));
    expect(packed(pages.map((page) => page.replace(/^.*SHA-256.*Page \d+ of \d+$/m, "")).join(""))).toContain(
      packed(remark),
    );
  });

  it("of a credit says so, with negative amounts", async () => {
    const document: Document = receiptOf(creditFor(sampleCdr()), ISSUER, "sv");
    const text = textOfPdf(await pdfOf(document));
    expect(text).toContain("Kreditnota");
    expect(packed(text)).toContain("−3966,37SEK");
  });
});
