/** Instants as a bill shows them: the wall clock of the site with its offset to UTC, and UTC. */

/** Both ends of a stretch of time: `2026-11-25 17:00:05 +01:00` and `2026-11-25T16:00:05.000Z`. */
export interface ExplainedInterval {
  local_from: string;
  local_to: string;
  utc_from: string;
  utc_to: string;
}

/** @throws RangeError when the zone is unknown or an instant is none. */
export function explainedInterval(zone: string, from: string, to: string): ExplainedInterval {
  return { local_from: localTime(zone, from), local_to: localTime(zone, to), utc_from: from, utc_to: to };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** `2026-10-25 02:30:00 +01:00`: with the offset, so that the hour that comes twice in autumn is told apart. */
export function localTime(zone: string, utc: string): string {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
      timeZoneName: "longOffset",
    });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(
    format.formatToParts(new Date(utc)).map(({ type, value }) => [type, value]),
  );
  // "GMT+01:00", and "GMT" alone for no offset.
  const offset = String(parts.timeZoneName).slice(3) || "+00:00";
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second} ${offset}`;
}

/** Whole seconds as `1 h 5 min 3 s`; exact for fractions of a second too, given as decimal text. */
export function durationText(seconds: string): string {
  const [, sign = "", whole = "0", fraction = ""] = /^(-?)(\d+)(\.\d+)?$/.exec(seconds) ?? [];
  const total = Number(whole);
  const h = Math.floor(total / 3600);
  const min = Math.floor((total % 3600) / 60);
  const rest = total % 60;
  const parts = [
    ...(h > 0 ? [`${h} h`] : []),
    ...(min > 0 ? [`${min} min`] : []),
    ...(rest > 0 || fraction !== "" || total === 0 ? [`${rest}${fraction} s`] : []),
  ];
  return `${sign === "-" ? "−" : ""}${parts.join(" ")}`;
}
