/** CSV that spreadsheets open without running anything in it: RFC 4180 with CRLF, decimal points, UTF-8. */

const BOM = "\ufeff";

/**
 * One cell. Text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, a tab, a line break, or
 * their full-width forms) gets an apostrophe in front, unless it is a plain number. Cells with separators, quotes or
 * line breaks stand in quotes.
 */
export function csvCell(text: string): string {
  const plain = /^[+-]?\d+(\.\d+)?$/.test(text);
  const safe = !plain && /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** `bom`: for spreadsheets that would otherwise not take the file for UTF-8. */
export function csvOf(rows: readonly (readonly string[])[], options: { bom?: boolean } = {}): string {
  const lines = rows.map((row) => `${row.map(csvCell).join(",")}\r\n`);
  return (options.bom ? BOM : "") + lines.join("");
}
