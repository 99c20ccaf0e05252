/**
 * Means of quarter hours from readings as they come: other load for the forecast, import for the demand charge. A
 * reading holds until the next one; a silence longer than `HELD_MS` is not covered.
 */

/** Length of a window, ms. Windows begin at whole quarter hours in UTC, as those of settlement do. */
export const WINDOW_MS = 900_000;

/** How long a reading holds without a next one, ms. */
const HELD_MS = 15_000;

export type LineAmps = [number, number, number];

export interface LoadReading {
  atMs: number;
  /** A that are not charging; null when nothing believable is measured. */
  otherA: Readonly<LineAmps> | null;
  /** W from the grid, negative for export. */
  powerW: number;
}

/** A window, or a part of it. */
export interface LoadWindow {
  fromMs: number;
  /** When its first reading came: names the part. */
  firstMs: number;
  coveredMs: number;
  /** Mean over what is covered. */
  otherA: LineAmps;
  /** Imported; export takes nothing off. */
  importWh: number;
}

interface Open {
  fromMs: number;
  firstMs: number;
  coveredMs: number;
  ampMs: LineAmps;
  importWms: number;
}

/** Windows of one circuit, one after another. */
export class LoadWindows {
  #open: Open | null = null;
  #last: LoadReading | null = null;

  /** The windows that this reading ends, oldest first. A reading that is older than the last one is left out. */
  read(reading: LoadReading): LoadWindow[] {
    const last = this.#last;
    if (last && reading.atMs < last.atMs) {
      // The clock was set back: what is open belongs to a time that comes again.
      const ended = this.end();
      this.#last = reading;
      return ended;
    }
    const ended: LoadWindow[] = [];
    const untilMs = last ? Math.min(reading.atMs, last.atMs + HELD_MS) : reading.atMs;
    for (let atMs = last?.atMs ?? untilMs; last && atMs < untilMs; ) {
      const fromMs = Math.floor(atMs / WINDOW_MS) * WINDOW_MS;
      const toMs = Math.min(untilMs, fromMs + WINDOW_MS);
      ended.push(...this.#add(last, fromMs, atMs, toMs - atMs));
      atMs = toMs;
    }
    const open = this.#open;
    if (open && reading.atMs >= open.fromMs + WINDOW_MS) ended.push(...this.end());
    this.#last = reading.otherA === null ? null : reading;
    return ended;
  }

  /** Imported in the window that holds `nowMs`, and what of it is covered. */
  underWay(nowMs: number): { importWh: number; coveredMs: number } {
    const open = this.#open;
    if (!open || nowMs >= open.fromMs + WINDOW_MS) return { importWh: 0, coveredMs: 0 };
    return { importWh: open.importWms / 3_600_000, coveredMs: open.coveredMs };
  }

  /** Ends the window under way, as far as it got. */
  end(): LoadWindow[] {
    const open = this.#open;
    this.#open = null;
    this.#last = null;
    if (!open || open.coveredMs <= 0) return [];
    const { fromMs, firstMs, coveredMs, ampMs, importWms } = open;
    const mean = (p: 0 | 1 | 2) => ampMs[p] / coveredMs;
    return [
      { fromMs, firstMs, coveredMs, otherA: [mean(0), mean(1), mean(2)], importWh: importWms / 3_600_000 },
    ];
  }

  #add({ otherA, powerW }: LoadReading, fromMs: number, atMs: number, ms: number): LoadWindow[] {
    let ended: LoadWindow[] = [];
    if (this.#open && this.#open.fromMs !== fromMs) ended = this.end();
    this.#open ??= { fromMs, firstMs: atMs, coveredMs: 0, ampMs: [0, 0, 0], importWms: 0 };
    const open = this.#open;
    open.coveredMs += ms;
    for (const p of [0, 1, 2] as const) open.ampMs[p] += (otherA?.[p] ?? 0) * ms;
    open.importWms += Math.max(0, powerW) * ms;
    return ended;
  }
}
