/** What command functions write to: data on stdout, talk on stderr. */
export interface CommandIo {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
}

/**
 * Exit codes: sysexits.h EX_CONFIG for a refused config, so that systemd does not restart it; `otherRules` for a bill
 * that was rated under rules that are not those here.
 */
export const EXIT = { ok: 0, failed: 1, usage: 2, otherRules: 3, config: 78 } as const;

/** Without characters that a terminal would obey: names and files come from others. Line feeds and tabs stay. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n\t\u{200c}\u{200d}]|[\u2028\u2029]/gu, "\u{fffd}");
}

const NUMBER = /^([-−]?\d[\d.,]*)?$/;

/** Columns as wide as their widest cell, numbers to the right. The first row is the head. */
export function table(given: readonly (readonly (string | number)[])[]): string {
  const rows = given.map((row) => row.map((cell) => printable(String(cell ?? ""))));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column] ?? "").length)),
  );
  const numeric = widths.map((_, column) => {
    const cells = rows.slice(1).map((row) => String(row[column] ?? ""));
    return cells.some((cell) => cell !== "") && cells.every((cell) => NUMBER.test(cell));
  });
  return rows
    .map((row) =>
      widths
        .map((width, column) => {
          const cell = String(row[column] ?? "");
          return numeric[column] ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Of an instant (RFC 3339): `Wed 06:30` on the clocks of `zone`. */
export function weekdayClock(zone: string): (instant: string) => string {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  return (instant) => format.format(new Date(instant));
}
