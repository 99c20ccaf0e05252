/** Local date as yyyy-mm-dd, weekday as OCPI's DayOfWeek, and the clock's reading in milliseconds. */
export interface WallClock {
  date: string;
  weekday: string;
  milliseconds: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    hourCycle: "h23",
    weekday: "long",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  });
  formats.set(timeZone, format);
  return format;
}

/** What a clock on the wall in `timeZone` shows at `instant`, milliseconds since 1970 UTC. */
export function wallClock(instant: number, timeZone: string): WallClock {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  ) as Record<string, string>;
  const { year, month, day, weekday, hour, minute, second, fractionalSecond } = parts;
  return {
    date: `${year}-${month}-${day}`,
    weekday: String(weekday).toUpperCase(),
    milliseconds:
      ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 + Number(fractionalSecond),
  };
}
