/** Labelled facts in a PDF: two beside each other where both are short, so that most receipts are one page. */
import type { Labelled } from "./document.ts";
import {
  CONTENT_WIDTH,
  content,
  drawRule,
  drawText,
  drawWrapped,
  element,
  ensure,
  PAGE,
  type Sheet,
  widthOf,
  wrap,
} from "./pdf-sheet.ts";
import { COLORS, LINE, TEXT } from "./pdf-style.ts";

const LABEL_WIDTH = 106;
const GAP = 16;
const HALF = (CONTENT_WIDTH - GAP) / 2;

export function drawFacts(
  sheet: Sheet,
  section: PDFKit.PDFStructureElement,
  facts: readonly Labelled[],
): void {
  const list = element(sheet, section, "L");
  for (const row of paired(sheet, facts)) {
    ensure(sheet, Math.min(heightOf(sheet, row), PAGE.height / 2));
    drawRule(sheet, COLORS.line, 0.5);
    const top = sheet.y + 2.5;
    let bottom = top;
    for (const [i, fact] of row.entries()) {
      sheet.y = top;
      const whole = row.length === 1;
      drawFact(sheet, list, fact, PAGE.left + i * (HALF + GAP), whole ? CONTENT_WIDTH : HALF);
      bottom = Math.max(bottom, sheet.y);
    }
    sheet.y = bottom + 3;
  }
}

function paired(sheet: Sheet, facts: readonly Labelled[]): Labelled[][] {
  const rows: Labelled[][] = [];
  let open = false;
  for (const fact of facts) {
    const short = isShort(sheet, fact);
    if (short && open) rows.at(-1)?.push(fact);
    else rows.push([fact]);
    open = short && !open;
  }
  return rows;
}

function isShort(sheet: Sheet, { label, value }: Labelled): boolean {
  return (
    widthOf(sheet, label, TEXT.soft) <= LABEL_WIDTH - 8 &&
    widthOf(sheet, value, TEXT.body) <= HALF - LABEL_WIDTH
  );
}

const labelLines = (sheet: Sheet, label: string) => wrap(sheet, label, LABEL_WIDTH - 8, TEXT.soft);

function heightOf(sheet: Sheet, row: readonly Labelled[]): number {
  const lines = row.map(({ label, value }) =>
    Math.max(
      labelLines(sheet, label).length,
      wrap(sheet, value, CONTENT_WIDTH - LABEL_WIDTH, TEXT.body).length,
    ),
  );
  return Math.max(...lines) * LINE.body + 6;
}

function drawFact(
  sheet: Sheet,
  list: PDFKit.PDFStructureElement,
  { label, value }: Labelled,
  x: number,
  width: number,
): void {
  const item = element(sheet, list, "LI");
  const name = element(sheet, item, "Lbl");
  const top = sheet.y;
  const labels = labelLines(sheet, label);
  for (const [i, line] of labels.entries())
    content(sheet, name, () => drawText(sheet, line, x, top + i * LINE.body, TEXT.soft));
  const body = element(sheet, item, "LBody");
  drawWrapped(sheet, body, value, x + LABEL_WIDTH, width - LABEL_WIDTH, TEXT.body, LINE.body);
  sheet.y = Math.max(sheet.y, top + labels.length * LINE.body);
}
