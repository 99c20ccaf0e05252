/**
 * A document as a tagged PDF 1.7: a structure tree with headings, lists and tables, language and title, embedded fonts
 * with their Unicode maps. The same document gives the same bytes, whenever it is made.
 */
import type { Block, Document, Labelled } from "./document.ts";
import { drawFacts } from "./pdf-facts.ts";
import {
  artifact,
  CONTENT_WIDTH,
  content,
  drawText,
  drawWrapped,
  element,
  ensure,
  fitted,
  newSheet,
  PAGE,
  type Sheet,
  type Style,
  widthOf,
  wrap,
} from "./pdf-sheet.ts";
import { COLORS, LINE, TEXT } from "./pdf-style.ts";
import { drawTable, wholeHeight } from "./pdf-table.ts";
import { wordsOf } from "./texts.ts";

/** The bytes of the file. */
export async function pdfOf(document: Document): Promise<Uint8Array> {
  const sheet = newSheet({
    title: `${document.title} ${document.number}`,
    author: document.issuer[0] ?? "",
    language: document.language === "sv" ? "sv-SE" : "en",
    datedMs: document.datedMs,
  });
  const chunks: Buffer[] = [];
  const done = new Promise<void>((resolve, reject) => {
    sheet.pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
    sheet.pdf.on("end", resolve);
    sheet.pdf.on("error", reject);
  });
  const root = sheet.pdf.struct("Document");
  sheet.pdf.addStructure(root);
  drawMasthead(sheet, root, document);
  drawHighlights(sheet, root, document.highlights);
  for (const block of document.blocks) drawBlock(sheet, element(sheet, root, "Sect"), block);
  root.end();
  drawFooters(sheet, document);
  sheet.pdf.end();
  await done;
  return Buffer.concat(chunks);
}

function drawMasthead(sheet: Sheet, root: PDFKit.PDFStructureElement, document: Document): void {
  const tone = document.kind === "credit_note" ? COLORS.warn : COLORS.accent;
  artifact(sheet, "Layout", () => sheet.pdf.rect(0, 0, PAGE.width, 7).fill(tone));
  const half = CONTENT_WIDTH / 2;
  // A long title takes what a short issuer leaves free.
  const widest = Math.max(...document.issuer.map((line) => widthOf(sheet, line, TEXT.total)));
  const room = Math.max(half, CONTENT_WIDTH - widest - 20);
  const color = document.kind === "credit_note" ? COLORS.warn : COLORS.ink;
  const heading = element(sheet, root, "H1");
  const top = sheet.y;
  const title = { ...TEXT.title, color };
  drawWrapped(sheet, heading, document.title, PAGE.left, room, title, 30);
  sheet.y += 2;
  drawWrapped(sheet, element(sheet, root, "P"), document.number, PAGE.left, half, TEXT.soft, LINE.body);
  const left = sheet.y;
  sheet.y = top + 4;
  for (const [i, line] of document.issuer.entries()) {
    const style = i === 0 ? { ...TEXT.strong, size: 11 } : TEXT.soft;
    drawWrapped(
      sheet,
      element(sheet, root, "P"),
      line,
      PAGE.left + half,
      half,
      style,
      i === 0 ? 15 : LINE.body,
      "end",
    );
  }
  sheet.y = Math.max(sheet.y, left) + 13;
}

function drawHighlights(
  sheet: Sheet,
  root: PDFKit.PDFStructureElement,
  highlights: readonly Labelled[],
): void {
  const height = 49;
  const pad = 14;
  artifact(sheet, "Layout", () =>
    sheet.pdf.roundedRect(PAGE.left, sheet.y, CONTENT_WIDTH, height, 5).fill(COLORS.accentSoft),
  );
  const list = element(sheet, root, "L");
  const room = (CONTENT_WIDTH - 2 * pad) / highlights.length;
  for (const [i, { label, value }] of highlights.entries()) {
    const last = i === highlights.length - 1;
    const look: Style = fitted(sheet, value, room + (last ? 20 : -6), last ? TEXT.amount : TEXT.highlight);
    const x = (style: Style, text: string) =>
      last ? PAGE.left + CONTENT_WIDTH - pad - widthOf(sheet, text, style) : PAGE.left + pad + i * room;
    const item = element(sheet, list, "LI");
    const top = sheet.y + 8.5;
    content(sheet, element(sheet, item, "Lbl"), () =>
      drawText(sheet, label, x(TEXT.small, label), top, TEXT.small),
    );
    // Values of several sizes stand on one line.
    const base = top + 14 + (TEXT.amount.size - look.size) * 0.9;
    content(sheet, element(sheet, item, "LBody"), () => drawText(sheet, value, x(look, value), base, look));
  }
  sheet.y += height + 6;
}

const HEADING = 15;

function drawBlock(sheet: Sheet, section: PDFKit.PDFStructureElement, block: Block): void {
  const attention = block.kind === "notes" && block.attention === true;
  const color = attention ? COLORS.warn : COLORS.accent;
  sheet.y += 6;
  ensure(sheet, HEADING + Math.max(28, block.kind === "table" ? wholeHeight(sheet, block) : 0));
  const heading = element(sheet, section, "H2");
  content(sheet, heading, () =>
    drawText(sheet, block.heading, PAGE.left, sheet.y, { ...TEXT.heading, color }),
  );
  sheet.y += HEADING;
  if (block.kind === "table") drawTable(sheet, section, block);
  else if (block.kind === "facts") drawFacts(sheet, section, block.facts);
  else drawNotes(sheet, section, block.notes, color);
}

function drawNotes(
  sheet: Sheet,
  section: PDFKit.PDFStructureElement,
  notes: readonly string[],
  color: string,
): void {
  const list = element(sheet, section, "L");
  for (const note of notes) {
    ensure(sheet, LINE.body);
    artifact(sheet, "Layout", () => sheet.pdf.circle(PAGE.left + 3, sheet.y + 6.4, 1.6).fill(color));
    const body = element(sheet, element(sheet, list, "LI"), "LBody");
    drawWrapped(sheet, body, note, PAGE.left + 13, CONTENT_WIDTH - 13, TEXT.body, LINE.body);
    sheet.y += 2;
  }
}

function drawFooters(sheet: Sheet, document: Document): void {
  const words = wordsOf(document.language);
  const { start, count } = sheet.pdf.bufferedPageRange();
  for (let page = start; page < start + count; page++) {
    sheet.pdf.switchToPage(page);
    artifact(sheet, "Pagination", () => {
      const pages = words.page(page - start + 1, count);
      const y = PAGE.height - 38;
      const free = CONTENT_WIDTH - widthOf(sheet, pages, TEXT.small) - 14;
      const [first = ""] = wrap(sheet, document.footer, free, TEXT.small);
      drawText(sheet, first, PAGE.left, y, TEXT.small);
      drawText(sheet, pages, PAGE.width - PAGE.right - widthOf(sheet, pages, TEXT.small), y, TEXT.small);
    });
  }
}
