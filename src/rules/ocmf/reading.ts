/** Meter readings of a signed record (OCMF 1.4.1, "Readings", table 7). */
import { OcmfError } from "./error.ts";
import { isObject, type JsonObject, textField } from "./fields.ts";

export interface OcmfReading {
  /** TM without its status letter, as written: `2018-07-24T13:22:04,000+0200`. */
  time: string | null;
  /** The same instant, milliseconds since the epoch. */
  timeMs: number | null;
  /** U unknown, I informative, S synchronised, R relative (table 19). */
  timeStatus: string | null;
  /** TX: B begin, C charging, X exception, S suspended, T tariff change; E, L, R, A, P end. Null: no transaction. */
  tx: string | null;
  /** RV: the digits as written, without surrounding spaces. Null when the reading only tells of an event. */
  value: string | null;
  /** RI, an OBIS code. */
  register: string | null;
  /** RU, such as `kWh`. */
  unit: string | null;
  /** RT: AC or DC. */
  currentType: string | null;
  /** CL: cumulated cable loss in `unit`, as written. Belongs to this reading alone. */
  cumulatedLoss: string | null;
  /** EF: `E` energy, `t` time no longer usable. Empty: none. */
  errorFlags: string;
  /** ST: state of the meter, G for good (table 10). */
  status: string | null;
  /** EI: event counter of drafts up to 0.4. */
  eventCounter: string | null;
}

const BEFORE_FIRST: OcmfReading = {
  time: null,
  timeMs: null,
  timeStatus: null,
  tx: null,
  value: null,
  register: null,
  unit: null,
  currentType: null,
  cumulatedLoss: null,
  errorFlags: "",
  status: null,
  eventCounter: null,
};

/** Readings with what each left out taken from the one before it in the same record. Throws `OcmfError`. */
export function parseReadings(list: unknown): OcmfReading[] {
  if (!Array.isArray(list) || list.length === 0)
    throw new OcmfError("RD", "must be a list of at least one reading", list ?? null);
  const readings: OcmfReading[] = [];
  for (const [index, item] of list.entries()) {
    if (!isObject(item)) throw new OcmfError(`RD[${index}]`, "must be an object", item);
    readings.push(reading(item, `RD[${index}].`, readings.at(-1) ?? BEFORE_FIRST));
  }
  return readings;
}

function reading(item: JsonObject, where: string, previous: OcmfReading): OcmfReading {
  const own = (key: string) => textField(item, key, where);
  const time = own("TM");
  const value = own("RV");
  const errorFlags = own("EF");
  const status = own("ST");
  // Values may be missing when only an error condition is to be shown; the value before it is no reading then.
  const eventOnly = value === null && ((errorFlags ?? "") !== "" || (status ?? "G") !== "G");
  return {
    ...(time === null
      ? { time: previous.time, timeMs: previous.timeMs, timeStatus: previous.timeStatus }
      : instant(time, `${where}TM`)),
    tx: own("TX")?.trim() ?? previous.tx,
    value: value !== null ? decimal(value, `${where}RV`) : eventOnly ? null : previous.value,
    register: own("RI")?.trim() ?? previous.register,
    unit: own("RU")?.trim() ?? previous.unit,
    currentType: own("RT") ?? previous.currentType,
    cumulatedLoss: own("CL")?.trim() ?? null,
    errorFlags: errorFlags ?? previous.errorFlags,
    status: status ?? previous.status,
    eventCounter: own("EI") ?? previous.eventCounter,
  };
}

const TIME =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?:(Z)|([+-]\d\d):?(\d\d))(?:\s*([A-Za-z]))?$/;

function instant(text: string, field: string): Pick<OcmfReading, "time" | "timeMs" | "timeStatus"> {
  const trimmed = text.trim();
  const [, seconds, fraction = "0", zulu, hours, minutes, letter] = TIME.exec(trimmed) ?? [];
  const timeMs = Date.parse(`${seconds}.${fraction.slice(0, 3)}${zulu ?? `${hours}:${minutes}`}`);
  if (seconds === undefined || Number.isNaN(timeMs))
    throw new OcmfError(field, "must be a time such as 2018-07-24T13:22:04,000+0200 S", text);
  const time = letter === undefined ? trimmed : trimmed.slice(0, -1).trimEnd();
  return { time, timeMs, timeStatus: letter?.toUpperCase() ?? null };
}

/** Longer digits than any register has would only serve to keep a processor busy. */
const DECIMAL = /^[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?$/;

function decimal(text: string, field: string): string {
  const trimmed = text.trim();
  if (!DECIMAL.test(trimmed)) throw new OcmfError(field, "must be a decimal number with a point", text);
  return trimmed;
}
