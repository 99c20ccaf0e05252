import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeHtml, htmlOf } from "../../src/documents/html.ts";
import { receiptOf } from "../../src/documents/receipt.ts";
import { LANGUAGES } from "../../src/rules/explain-texts.ts";
import { CHROMIUM, domOf, PDFTOTEXT, printed, textOfPdf } from "./programs.ts";
import { packed, textsOf } from "./said.ts";
import { sampleCdr } from "./sample-cdr.ts";

const ISSUER = { site: "Ringöns depå" };
const HOSTILE = `"><img src=x onerror=alert(1)></style><script>alert(2)</script>&amp;'{{x}}`;

function hostileCdr() {
  const cdr = sampleCdr({ remark: HOSTILE, cdr_token: HOSTILE, token_group: HOSTILE, meter_id: HOSTILE });
  cdr.tariff.body.id = HOSTILE;
  cdr.cdr_location = { id: HOSTILE, evse_uid: HOSTILE, connector_id: HOSTILE };
  cdr.registers = cdr.registers.map((register) => ({ ...register, meter_serial: HOSTILE }));
  cdr.warnings = [{ code: "POWER_DERIVED", detail: HOSTILE }];
  cdr.id = HOSTILE;
  return cdr;
}

/** Text of a page by its entities alone: no HTML parser of ours could hide a mistake of ours. */
const unescaped = (html: string) =>
  html
    .replace(/<[^>]*>/g, "\n")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

/** Text of what HTML gives a meaning, and of what must not reach it. */
const markup = fc.string({
  unit: fc.constantFrom("&", "<", ">", '"', "'", "amp;", "#39;", "a", "\u0000", "\u001b", "\ud800", "\n"),
});

describe("a receipt as HTML", () => {
  it.each(LANGUAGES)("says everything that the document says (%s)", (language) => {
    const document = receiptOf(sampleCdr(), ISSUER, language);
    const text = packed(unescaped(htmlOf(document)));
    for (const said of textsOf(document)) expect(text).toContain(packed(said));
  });

  it("has a language, one h1, headings in order, captions and scopes", () => {
    const html = htmlOf(receiptOf(sampleCdr(), ISSUER, "sv"));
    expect(html).toMatch(/^<!doctype html>\n<html lang="sv"/);
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect([...html.matchAll(/<h(\d)/g)].map(([, level]) => level).join("")).toMatch(/^12+$/);
    expect(html.match(/<caption>/g)).toHaveLength(html.match(/<table>/g)?.length ?? 0);
    expect([...html.matchAll(/<th(?![a-z])[^>]*>/g)].every(([th]) => th.includes("scope="))).toBe(true);
  });

  it("loads nothing and runs nothing, and its policy says so", () => {
    const html = htmlOf(receiptOf(sampleCdr(), ISSUER, "sv"));
    expect(html).not.toMatch(/<script|javascript:|\son[a-z]+=|<link|<iframe|@import|https?:/i);
    expect([...html.matchAll(/url\(([^)]{5})/g)].every(([, start]) => start === "data:")).toBe(true);
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(html).toContain(`default-src 'none'; style-src 'sha256-${hash}'; font-src data:`);
  });

  it("shows hostile texts as text", () => {
    const html = htmlOf(receiptOf(hostileCdr(), { site: HOSTILE, seller: { name: HOSTILE } }, "en"));
    expect(html).not.toContain("<img");
    expect(html).not.toContain("<script");
    expect(html.match(/<\/style>/g)).toHaveLength(1);
    expect(packed(unescaped(html))).toContain(packed(HOSTILE));
  });

  it("escapes any text so that it can stand in text and attributes and reads back", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), markup), (text) => {
        const html = escapeHtml(text);
        expect(html).not.toMatch(/[<>"']/);
        expect(html.replace(/&(amp|lt|gt|quot|#39);/g, "")).not.toContain("&");
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
        const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
        expect(unescaped(html)).toBe(text.toWellFormed().replace(controls, "\ufffd"));
      }),
    );
  });
});

describe.skipIf(!CHROMIUM)("in Chromium, a receipt", () => {
  it("makes hostile texts no elements", () => {
    const dom = domOf(htmlOf(receiptOf(hostileCdr(), { site: HOSTILE, seller: { name: HOSTILE } }, "en")));
    expect(dom).not.toMatch(/<(img|script)/);
    expect(dom).toContain("&lt;img src=x onerror=alert(1)&gt;");
  }, 60_000);

  it.skipIf(!PDFTOTEXT)(
    "prints every text and figure, in its own font",
    () => {
      const document = receiptOf(sampleCdr(), ISSUER, "sv");
      const paper = printed(htmlOf(document));
      const text = packed(textOfPdf(paper));
      for (const said of textsOf(document)) expect(text).toContain(packed(said));
      expect(Buffer.from(paper).toString("latin1")).toContain("SourceSans3");
    },
    60_000,
  );
});
