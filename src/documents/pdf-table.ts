/** Tables in a PDF: rows stay whole, the head is repeated on every page, small print runs below its row. */
import type { Block, Row } from "./document.ts";
import {
  artifact,
  CONTENT_WIDTH,
  content,
  drawRule,
  drawText,
  element,
  ensure,
  fitted,
  PAGE,
  type Sheet,
  type Style,
  widthOf,
  wrap,
} from "./pdf-sheet.ts";
import { COLORS, LINE, TEXT } from "./pdf-style.ts";

type Table = Extract<Block, { kind: "table" }>;
const GAP = 8;
const PAD = 3.5;

interface Place {
  x: number;
  width: number;
  end: boolean;
}

export function drawTable(sheet: Sheet, parent: PDFKit.PDFStructureElement, table: Table): void {
  const places = placesOf(table);
  const root = element(sheet, parent, "Table");
  const caption = element(sheet, root, "Caption");
  ensure(sheet, 60);
  content(sheet, caption, () => drawText(sheet, table.caption, PAGE.left, sheet.y, TEXT.small));
  sheet.y += LINE.small + 3;
  const head: Row = { cells: table.columns.map((column) => column.head) };
  const group = element(sheet, root, "THead");
  drawRow(sheet, head, places, TEXT.small, headTags(sheet, group));
  drawRule(sheet, COLORS.ink, 0.9);
  sheet.onContinued = () => {
    drawRow(sheet, head, places, TEXT.small, undefined);
    drawRule(sheet, COLORS.ink, 0.9);
  };
  const body = element(sheet, root, "TBody");
  for (const [index, row] of table.rows.entries()) {
    fit(sheet, row, places, TEXT.body);
    if (index > 0 && sheet.y > PAGE.top + 40) drawRule(sheet, COLORS.line, 0.5);
    drawRow(sheet, row, places, TEXT.body, rowTags(sheet, body));
  }
  if (table.foot.length > 0) drawFoot(sheet, element(sheet, root, "TFoot"), table, places);
  delete sheet.onContinued;
  sheet.y += 4;
}

/** Of a table that is better kept on one page; 0 of one that had better be split. */
export function wholeHeight(sheet: Sheet, table: Table): number {
  const places = placesOf(table);
  const head = LINE.small * 2 + 3 + 2 * PAD;
  const rows = table.rows.reduce((sum, row) => sum + heightOf(sheet, row, places, TEXT.body), 0);
  const foot = table.foot.reduce((sum, row) => sum + heightOf(sheet, row, places, styleOf(row)), 0);
  return head + rows + foot > PAGE.height / 3 ? 0 : head + rows + foot;
}

/** Sums stay together: a page with nothing but a total says little. */
function drawFoot(sheet: Sheet, foot: PDFKit.PDFStructureElement, table: Table, places: Place[]): void {
  const height = table.foot.reduce((sum, row) => sum + heightOf(sheet, row, places, styleOf(row)), 0);
  ensure(sheet, height + 4);
  if (table.rows.length > 0) drawRule(sheet, COLORS.ink, 0.9);
  for (const row of table.foot) drawRow(sheet, row, places, styleOf(row), rowTags(sheet, foot));
}

const styleOf = (row: Row): Style => (row.strong ? TEXT.total : TEXT.body);

function placesOf({ columns }: Table): Place[] {
  const shares = columns.reduce((sum, column) => sum + column.share, 0);
  let x = PAGE.left;
  return columns.map(({ share, align }) => {
    const whole = (CONTENT_WIDTH * share) / shares;
    const place = { x, width: whole, end: align === "end" };
    x += whole;
    return place;
  });
}

type CellTag = (column: number) => PDFKit.PDFStructureElement;

function headTags(sheet: Sheet, group: PDFKit.PDFStructureElement): CellTag {
  const row = element(sheet, group, "TR");
  return () => element(sheet, row, "TH", "Column");
}

function rowTags(sheet: Sheet, group: PDFKit.PDFStructureElement): CellTag {
  const row = element(sheet, group, "TR");
  return (column) => (column === 0 ? element(sheet, row, "TH", "Row") : element(sheet, row, "TD"));
}

const cellStyle = (style: Style, column: number): Style =>
  column === 0 && style === TEXT.body ? TEXT.strong : style;

/** The first cell may run into what empty ones leave free: labels of sums stand beside their figure. */
function cellWidth(row: Row, places: Place[], column: number): number {
  const place = places[column] as Place;
  let { width } = place;
  if (column === 0) for (let next = 1; row.cells[next] === ""; next++) width += places[next]?.width ?? 0;
  return width - (column === 0 ? 0 : GAP);
}

function linesOf(sheet: Sheet, row: Row, places: Place[], style: Style): string[][] {
  return row.cells.map((cell, column) => {
    if (cell === "") return [];
    // A figure that is broken is another figure: it gets smaller instead (see `fitted`).
    if (places[column]?.end && !cell.includes(" ")) return [cell];
    return wrap(sheet, cell, cellWidth(row, places, column), cellStyle(style, column));
  });
}

const noteLines = (sheet: Sheet, row: Row): string[][] =>
  (row.notes ?? []).map((note) => wrap(sheet, note, CONTENT_WIDTH - 40, TEXT.small));

function heightOf(sheet: Sheet, row: Row, places: Place[], style: Style): number {
  const lines = Math.max(1, ...linesOf(sheet, row, places, style).map((cell) => cell.length));
  return 2 * PAD + lines * style.size * 1.3 + noteLines(sheet, row).flat().length * LINE.small;
}

const fit = (sheet: Sheet, row: Row, places: Place[], style: Style): void =>
  ensure(sheet, Math.min(heightOf(sheet, row, places, style), PAGE.height / 2));

/** Without `tag` the row is an artifact: a head that was said before. */
function drawRow(sheet: Sheet, row: Row, places: Place[], style: Style, tag: CellTag | undefined): void {
  const lines = linesOf(sheet, row, places, style);
  const step = style.size * 1.3;
  const tall = Math.max(1, ...lines.map((cell) => cell.length));
  const top = sheet.y + PAD;
  const owners: (PDFKit.PDFStructureElement | undefined)[] = [];
  for (const [column, place] of places.entries()) {
    const owner = tag?.(column);
    owners.push(owner);
    const draw = () => {
      for (const [i, line] of (lines[column] ?? []).entries()) {
        const look = fitted(sheet, line, cellWidth(row, places, column), cellStyle(style, column));
        const x = place.end ? place.x + place.width - widthOf(sheet, line, look) : place.x;
        drawText(sheet, line, x, top + i * step, look);
      }
    };
    if (owner) content(sheet, owner, draw);
    else artifact(sheet, "Pagination", draw);
  }
  sheet.y = top + tall * step + ((row.notes ?? []).length > 0 ? 1.5 : 0);
  const [first] = owners;
  if (first) drawNotes(sheet, row, first);
  sheet.y += PAD;
}

/** Belongs to the cell that heads the row, and may run over pages. */
function drawNotes(sheet: Sheet, row: Row, owner: PDFKit.PDFStructureElement): void {
  for (const line of noteLines(sheet, row).flat()) {
    ensure(sheet, LINE.small);
    content(sheet, owner, () => drawText(sheet, line, PAGE.left, sheet.y, TEXT.small));
    sheet.y += LINE.small;
  }
}
