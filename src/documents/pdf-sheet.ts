/**
 * Pages to draw tagged text on: measures, wraps, draws, and keeps the structure tree beside the drawing (PDF 1.7,
 * section 14.8). Everything that is no content (rules, fills, repeated heads, page numbers) is an artifact.
 */
import PDFDocument from "pdfkit";
import { printFont, type Run, runsOf, type Script, type Weight } from "./fonts.ts";

/** A4 in points, with margins that a hole punch leaves alone. */
export const PAGE = { width: 595.28, height: 841.89, left: 54, right: 54, top: 38, bottom: 46 } as const;
export const CONTENT_WIDTH = PAGE.width - PAGE.left - PAGE.right;

/** No ligatures: what is read out of the file is what was written, character by character. */
const LAYOUT = { features: { liga: false } as unknown as PDFKit.Mixins.OpenTypeFeatures[] };

export interface Style {
  size: number;
  weight?: Weight;
  color: string;
}

export interface Sheet {
  pdf: PDFKit.PDFDocument;
  /** Top of what comes next. */
  y: number;
  /** Whether a font has a character, by font; made when a text first needs it. */
  fonts: Map<string, (codePoint: number) => boolean>;
  /** Of texts at size 1. */
  widths: Map<string, number>;
  /** Drawn at the top of a page that a block goes on to. */
  onContinued?: () => void;
}

export interface SheetMeta {
  title: string;
  author: string;
  /** BCP 47. */
  language: string;
  datedMs: number;
}

export function newSheet(meta: SheetMeta): Sheet {
  const dated = new Date(meta.datedMs);
  const pdf = new PDFDocument({
    size: [PAGE.width, PAGE.height],
    margin: 0,
    pdfVersion: "1.7",
    tagged: true,
    lang: meta.language,
    displayTitle: true,
    bufferPages: true,
    // Without this a built-in font that is not embedded becomes part of the file.
    font: null as unknown as string,
    info: {
      Title: meta.title,
      Author: meta.author,
      Creator: "Laddport",
      CreationDate: dated,
      ModDate: dated,
    },
  });
  return { pdf, y: PAGE.top, fonts: new Map(), widths: new Map() };
}

const nameOf = (script: Script, { weight = 400 }: Style) => `${script}-${weight}`;

/** Whether the font of a script, in the weight of `style`, has a character. */
function has(sheet: Sheet, script: Script, style: Style, codePoint: number): boolean {
  const name = nameOf(script, style);
  let known = sheet.fonts.get(name);
  if (!known) {
    sheet.pdf.registerFont(name, printFont(script, style.weight ?? 400));
    sheet.pdf.font(name);
    const { font: face } = (sheet.pdf as unknown as { _font: { font: { characterSet: number[] } } })._font;
    const characters = new Set(face.characterSet);
    known = (asked) => characters.has(asked);
    sheet.fonts.set(name, known);
  }
  return known(codePoint);
}

function runs(sheet: Sheet, text: string, style: Style): Run[] {
  return runsOf(text, (script, codePoint) => has(sheet, script, style, codePoint));
}

export function widthOf(sheet: Sheet, text: string, style: Style): number {
  const key = `${style.weight ?? 400} ${text}`;
  let width = sheet.widths.get(key);
  if (width === undefined) {
    width = runs(sheet, text, style).reduce(
      (sum, run) =>
        sum + sheet.pdf.font(nameOf(run.script, style)).fontSize(1).widthOfString(run.text, LAYOUT),
      0,
    );
    sheet.widths.set(key, width);
  }
  return width * style.size;
}

/** The style, smaller when `text` would not fit into `width`. */
export function fitted(sheet: Sheet, text: string, width: number, style: Style): Style {
  const wide = widthOf(sheet, text, style);
  return wide <= width ? style : { ...style, size: Math.max(6, (style.size * width) / wide) };
}

/** One line of text whose top is `y`. */
export function drawText(sheet: Sheet, text: string, x: number, y: number, style: Style): void {
  let at = x;
  for (const run of runs(sheet, text, style)) {
    sheet.pdf.font(nameOf(run.script, style)).fontSize(style.size).fillColor(style.color);
    sheet.pdf.text(run.text, at, y, { ...LAYOUT, lineBreak: false });
    at += sheet.pdf.widthOfString(run.text, LAYOUT);
  }
}

/** Lines no wider than `width`, broken at spaces, and inside of a word that is wider by itself. */
export function wrap(sheet: Sheet, text: string, width: number, style: Style): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/[ \t\r\n]+/)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(sheet, longer, style) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    if (widthOf(sheet, word, style) <= width) {
      line = word;
      continue;
    }
    for (const character of word) {
      if (line !== "" && widthOf(sheet, line + character, style) > width) {
        lines.push(line);
        line = "";
      }
      line += character;
    }
  }
  if (line !== "" || lines.length === 0) lines.push(line);
  return lines;
}

/** Starts a page when `height` does not fit on this one. */
export function ensure(sheet: Sheet, height: number): void {
  if (sheet.y + height <= PAGE.height - PAGE.bottom) return;
  sheet.pdf.addPage();
  sheet.y = PAGE.top;
  sheet.onContinued?.();
}

/** Adds an element of the structure tree below `parent`; whoever asks for it fills it with `content`. */
export function element(
  { pdf }: Sheet,
  parent: PDFKit.PDFStructureElement,
  type: string,
  scope?: "Row" | "Column",
): PDFKit.PDFStructureElement {
  const made = pdf.struct(type, (scope ? { scope } : {}) as PDFKit.Mixins.StructureElementOptions);
  parent.add(made);
  return made;
}

/** What `draw` draws on this page belongs to `owner`. May be called again, on another page too. */
export function content({ pdf }: Sheet, owner: PDFKit.PDFStructureElement, draw: () => void): void {
  const marked = pdf.markStructureContent(structType(owner));
  draw();
  pdf.endMarkedContent();
  owner.add(marked);
}

function structType(owner: PDFKit.PDFStructureElement): string {
  return (owner as unknown as { dictionary: { data: { S: string } } }).dictionary.data.S;
}

export function artifact({ pdf }: Sheet, type: "Layout" | "Pagination", draw: () => void): void {
  pdf.markContent("Artifact", { type });
  draw();
  pdf.endMarkedContent();
}

/** Text in lines that start, or end, at one edge; each may go on to the next page. */
export function drawWrapped(
  sheet: Sheet,
  owner: PDFKit.PDFStructureElement,
  text: string,
  x: number,
  width: number,
  style: Style,
  step: number,
  align: "start" | "end" = "start",
): void {
  for (const line of wrap(sheet, text, width, style)) {
    ensure(sheet, step);
    const at = align === "end" ? x + width - widthOf(sheet, line, style) : x;
    content(sheet, owner, () => drawText(sheet, line, at, sheet.y, style));
    sheet.y += step;
  }
}

/** Across the page, at `sheet.y`. */
export function drawRule(sheet: Sheet, color: string, width: number): void {
  artifact(sheet, "Layout", () => {
    sheet.pdf
      .lineWidth(width)
      .strokeColor(color)
      .moveTo(PAGE.left, sheet.y)
      .lineTo(PAGE.width - PAGE.right, sheet.y)
      .stroke();
  });
}
