/** The highest mean import of a demand window (15, 30 or 60 minutes) from quarter hours and parts of them. */

/** Of one quarter hour or a part of it. */
export interface ImportPart {
  fromMs: number;
  coveredMs: number;
  importWh: number;
}

/** A window with less than this share of readings says nothing of its mean. */
const LEAST_COVERED = 1 / 3;

/** Highest mean of the complete windows that begin in `[fromMs, toMs)`, kW; 0 without any. */
export function highestMeanKw(
  parts: readonly ImportPart[],
  windowMs: number,
  fromMs: number,
  toMs: number,
): number {
  const windows = new Map<number, ImportPart>();
  for (const part of parts) {
    const start = Math.floor(part.fromMs / windowMs) * windowMs;
    if (start < fromMs || start + windowMs > toMs) continue;
    const sum = windows.get(start) ?? { fromMs: start, coveredMs: 0, importWh: 0 };
    sum.coveredMs += part.coveredMs;
    sum.importWh += part.importWh;
    windows.set(start, sum);
  }
  let highest = 0;
  for (const { coveredMs, importWh } of windows.values())
    if (coveredMs >= LEAST_COVERED * windowMs) highest = Math.max(highest, (importWh * 3_600) / coveredMs);
  return highest;
}

/** Imported in the window that begins at `fromMs`, kWh. */
export function importKwh(parts: readonly ImportPart[], windowMs: number, fromMs: number): number {
  let wh = 0;
  for (const part of parts) if (part.fromMs >= fromMs && part.fromMs < fromMs + windowMs) wh += part.importWh;
  return wh / 1_000;
}
