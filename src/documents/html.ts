/**
 * A document as one HTML file: no script, nothing loaded from elsewhere, which its Content-Security-Policy says too. It
 * can be mailed, kept and printed.
 */
import { createHash } from "node:crypto";
import type { Block, Document, Row } from "./document.ts";
import { webFont } from "./fonts.ts";
import { STYLE } from "./html-style.ts";

const CHARACTERS: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that can stand anywhere in HTML, in attributes too. Control characters and lone surrogates become U+FFFD. */
export function escapeHtml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a page.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd")
      .replace(/[&<>"']/g, (character) => CHARACTERS[character] ?? "")
  );
}

const e = escapeHtml;

/** The whole page, UTF-8. */
export function htmlOf(document: Document): string {
  const style = `${fontFaces()}${STYLE}`;
  const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; font-src data:`;
  const [name = "", ...address] = document.issuer;
  return `<!doctype html>
<html lang="${document.language}" class="${document.kind}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${e(`${document.title} ${document.number}`)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header>
<div><h1>${e(document.title)}</h1>
<p class="number">${e(document.number)}</p></div>
<address><strong>${e(name)}</strong>${address.map(e).join("<br>")}</address>
</header>
<dl class="highlights">
${document.highlights.map(({ label, value }) => `<div><dt>${e(label)}</dt><dd>${e(value)}</dd></div>`).join("\n")}
</dl>
${document.blocks.map(blockHtml).join("\n")}
<footer>${e(document.footer)}</footer>
</main>
</body>
</html>
`;
}

function fontFaces(): string {
  return ([400, 600] as const)
    .map(
      (weight) =>
        `@font-face { font-family: "Source Sans 3"; font-weight: ${weight}; src: url(data:font/woff2;base64,${webFont(weight)}) format("woff2"); }\n`,
    )
    .join("");
}

function blockHtml(block: Block, index: number): string {
  const id = `part-${index + 1}`;
  return `<section aria-labelledby="${id}" class="${classOf(block)}">
<h2 id="${id}">${e(block.heading)}</h2>
${contentHtml(block)}
</section>`;
}

/** `whole`: on paper such a part is not split over pages. */
function classOf(block: Block): string {
  if (block.kind === "notes") return block.attention ? "attention whole" : "plain";
  if (block.kind === "facts") return "plain";
  return block.rows.length <= 8 && block.rows.every((row) => (row.notes ?? []).length === 0)
    ? "whole"
    : "plain";
}

function contentHtml(block: Block): string {
  switch (block.kind) {
    case "facts":
      return `<dl class="facts">
${block.facts.map(({ label, value }) => `<dt>${e(label)}</dt><dd>${e(value)}</dd>`).join("\n")}
</dl>`;
    case "notes":
      return `<ul class="notes">
${block.notes.map((note) => `<li>${e(note)}</li>`).join("\n")}
</ul>`;
    case "table":
      return tableHtml(block);
  }
}

function tableHtml({ caption, columns, rows, foot }: Extract<Block, { kind: "table" }>): string {
  const css = (column: number) => (columns[column]?.align === "end" ? ' class="end"' : "");
  const cells = (row: Row) =>
    row.cells
      .map((cell, i) =>
        i === 0 ? `<th scope="row"${css(i)}>${e(cell)}</th>` : `<td${css(i)}>${e(cell)}</td>`,
      )
      .join("");
  const notes = (row: Row) =>
    (row.notes ?? []).length === 0
      ? ""
      : `\n<tr><td class="small" colspan="${columns.length}">${row.notes?.map((note) => `<p>${e(note)}</p>`).join("")}</td></tr>`;
  const body = (row: Row) => `<tbody>\n<tr class="first">${cells(row)}</tr>${notes(row)}\n</tbody>`;
  const last = (row: Row) => `<tr${row.strong ? ' class="strong"' : ""}>${cells(row)}</tr>${notes(row)}`;
  return `<div class="scroll" tabindex="0" role="group" aria-label="${e(caption)}"><table>
<caption>${e(caption)}</caption>
<thead><tr>${columns.map(({ head }, i) => `<th scope="col"${css(i)}>${e(head)}</th>`).join("")}</tr></thead>
${rows.map(body).join("\n")}
${foot.length > 0 ? `<tfoot>\n${foot.map(last).join("\n")}\n</tfoot>` : ""}
</table></div>`;
}
