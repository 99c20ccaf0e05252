/**
 * Wall clocks of IANA zones: which offset holds at an instant and when it changes next. `Intl` is slow, so a year's
 * changes are looked up once and kept.
 */

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Shorter than any zone ever kept an offset in our time (Morocco's Ramadan lasts four weeks). */
const STEP_MS = 7 * DAY_MS;

/** Time with one offset: local = UTC + offsetMs for `fromMs <= UTC < toMs`. */
export interface OffsetSpan {
  fromMs: number;
  toMs: number;
  offsetMs: number;
}

export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;
  readonly #years = new Map<number, OffsetSpan[]>();
  #last: OffsetSpan = { fromMs: 0, toMs: 0, offsetMs: 0 };

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** What holds at `ms`. `toMs` is at most the end of the UTC year: then the offset may go on. */
  at(ms: number): OffsetSpan {
    const last = this.#last;
    if (ms >= last.fromMs && ms < last.toMs) return last;
    const year = new Date(ms).getUTCFullYear();
    let spans = this.#years.get(year);
    if (!spans) {
      spans = this.#spansOf(year);
      this.#years.set(year, spans);
    }
    const found = spans.find((span) => ms < span.toMs);
    if (!found) throw new RangeError(`${ms} is no instant that a calendar knows`);
    this.#last = found;
    return found;
  }

  #spansOf(year: number): OffsetSpan[] {
    const endMs = Date.UTC(year + 1, 0, 1);
    const spans: OffsetSpan[] = [];
    let fromMs = Date.UTC(year, 0, 1);
    let offsetMs = this.#offset(fromMs);
    for (let ms = fromMs; ms < endMs; ) {
      const next = Math.min(ms + STEP_MS, endMs);
      const after = this.#offset(next);
      if (after !== offsetMs) {
        const changeMs = this.#change(ms, next, offsetMs);
        if (changeMs < endMs) {
          spans.push({ fromMs, toMs: changeMs, offsetMs });
          fromMs = changeMs;
          offsetMs = this.#offset(changeMs);
        }
        ms = changeMs;
        if (changeMs >= endMs) break;
      } else ms = next;
    }
    spans.push({ fromMs, toMs: endMs, offsetMs });
    return spans;
  }

  /** The first instant in `(low, high]` whose offset is not `before`. */
  #change(low: number, high: number, before: number): number {
    let [from, to] = [low, high];
    while (to - from > 1) {
      const middle = Math.floor((from + to) / 2);
      if (this.#offset(middle) === before) from = middle;
      else to = middle;
    }
    return to;
  }

  #offset(ms: number): number {
    const wholeMs = Math.floor(ms / 1000) * 1000;
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(wholeMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
  }
}

const clocks = new Map<string, ZoneClock>();

/** The clock of a zone. Throws `RangeError` when the time zone data has no such zone. */
export function zoneClock(timeZone: string): ZoneClock {
  let clock = clocks.get(timeZone);
  if (!clock) {
    clock = new ZoneClock(timeZone);
    clocks.set(timeZone, clock);
  }
  return clock;
}
