/**
 * Reads RFC 3339 times. Every message of every station passes here, and `Date.parse` costs microseconds, so the form
 * that stations send (`2026-03-01T07:31:22Z`, with or without a fraction) is read digit by digit.
 */

/** Before this no gateway of ours ran: such a clock was never set (stations without a battery wake up in 1970). */
const FIRST_SANE_MS = Date.UTC(2020, 0, 1);

/** True when a station's clock cannot have been set. Not-a-number counts as unset. */
export function clockUnset(ms: number): boolean {
  return !(ms >= FIRST_SANE_MS);
}

/** Milliseconds since the epoch; `NaN` when the text is not a time. Digits past the millisecond are cut. */
export function instantMs(text: string): number {
  const n = text.length;
  if (n < 20 || n > 30 || text.charCodeAt(n - 1) !== 90 || text.charCodeAt(10) !== 84)
    return Date.parse(text);
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  let ms = 0;
  if (n > 20) {
    if (text.charCodeAt(19) !== 46) return Date.parse(text);
    for (let i = 20, scale = 100; i < n - 1 && scale >= 1; i++, scale /= 10) ms += digit(text, i) * scale;
  }
  const seconds = two(text, 11) * 3600 + two(text, 14) * 60 + two(text, 17);
  return (daysFromCivil(year, month, day) * 86_400 + seconds) * 1000 + ms;
}

function digit(text: string, at: number): number {
  const d = text.charCodeAt(at) - 48;
  return d >= 0 && d <= 9 ? d : Number.NaN;
}

function two(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1);
}

/** Days since 1970-01-01 of a Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms"). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}
