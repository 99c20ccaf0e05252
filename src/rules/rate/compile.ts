/** Makes a tariff ready for rating: restrictions as numbers, prices as integers, and which moments can matter at all. */
import { DAYS_OF_WEEK, Tariff, type TariffElement, type TariffRestrictions } from "../../model/tariff.ts";
import { compare, kwhOf, type Quantity, type Scaled, scaled } from "./exact.ts";
import { RatingInputError } from "./input-error.ts";
import { DAY_MS } from "./zone.ts";

/** What is billed apart: the dimensions of the tariff, those of a reservation by themselves. */
export const SLOT = {
  FLAT: 0,
  ENERGY: 1,
  TIME: 2,
  PARKING_TIME: 3,
  RESERVATION_FLAT: 4,
  RESERVATION_TIME: 5,
  EXPIRY_FLAT: 6,
  EXPIRY_TIME: 7,
} as const;
export type Slot = (typeof SLOT)[keyof typeof SLOT];

export interface Component {
  slot: Slot;
  dimension: "FLAT" | "ENERGY" | "TIME" | "PARKING_TIME";
  element: number;
  component: number;
  price: Scaled;
  /** Tax as `(100 + vat) / 100` in integers; null: no tax applies. */
  tax: { over: number; under: number; percent: string } | null;
  step: number;
  source: { series: string; factor: Scaled; add: Scaled; hold: boolean } | null;
}

/** Numbers that nothing reaches stand for limits that are not given. */
export interface Restrictions {
  /** Time of day in ms; `fromMs >= toMs` goes over midnight. Null: the whole day. */
  window: { fromMs: number; toMs: number } | null;
  fromDay: number;
  untilDay: number;
  /** Bit 0 is Monday. */
  weekdays: number;
  minWh: Quantity | null;
  maxWh: Quantity | null;
  minMs: number;
  maxMs: number;
  /** 10^-8 A and 10^-8 kW; null when not given. */
  minCurrent: number | null;
  maxCurrent: number | null;
  minPower: number | null;
  maxPower: number | null;
}

export interface CompiledTariff {
  tariff: Tariff;
  /** One for each element; null applies always. */
  restrictions: (Restrictions | null)[];
  /** By slot, in the order of the tariff. */
  components: Component[][];
  /** Times of day at which a restriction begins or ends, ms, ascending. */
  times: number[];
  /** Session lengths, ms, and energies at which one begins or ends, ascending. */
  durations: number[];
  energies: Quantity[];
  usesPower: boolean;
  usesCurrent: boolean;
  usesSeries: boolean;
}

const compiled = new WeakMap<object, CompiledTariff>();

/**
 * Of a tariff or of its plain JSON; kept for as long as the object lives, which must not change meanwhile.
 * Throws `RatingInputError` naming the field when it is no tariff.
 */
export function compile(body: Tariff): CompiledTariff {
  const known = compiled.get(body);
  if (known) return known;
  const fresh = compileTariff(readTariff(body));
  compiled.set(body, fresh);
  return fresh;
}

/** Throws `RatingInputError` naming the first field that is wrong. */
export function readTariff(body: unknown): Tariff {
  const parsed = Tariff.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  if (issue?.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => JSON.stringify(key)).join(", ");
    throw new RatingInputError(path, undefined, `has ${keys}, which OCPI does not know`, "remove the key");
  }
  const seen = path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown>)?.[step], body);
  throw new RatingInputError(path, seen, undefined, seen === undefined ? "add it" : adviceOf(issue?.message));
}

/** The last sentence says what to write; the schema's own messages, which only say what was expected, are put so. */
function adviceOf(message = ""): string {
  const expected = /^Invalid input: expected (\w+)/.exec(message)?.[1];
  if (expected) return EXPECTED[expected] ?? `write ${expected}`;
  const options = /^Invalid option: expected one of (.+)$/.exec(message)?.[1];
  if (options) return `write ${options.split("|").join(" or ")}`;
  if (/^Too small: expected array/.test(message)) return "list at least one";
  if (/^Too (?:small|big)/.test(message))
    return message
      .replace(/^.*expected \w+ to be|^.*expected \w+ to have/, "write")
      .replace(">=", "at least ")
      .replace("<=", "at most ");
  const advice = message.split(". ").at(-1) ?? "";
  if (advice === "Invalid input") return "write a decimal such as 2.50";
  return `${advice.charAt(0).toLowerCase()}${advice.slice(1)}`;
}

const EXPECTED: Readonly<Record<string, string>> = {
  array: "write a list: [...]",
  object: "write an object: {...}",
  record: "write an object: {...}",
  string: "write text in quotes",
  int: "write a whole number",
  number: "write a whole number",
};

function compileTariff(tariff: Tariff): CompiledTariff {
  const restrictions = tariff.elements.map(restrictionsOf);
  const components: Component[][] = Object.values(SLOT).map(() => []);
  tariff.elements.forEach((element, index) => {
    for (const component of componentsOf(element, index, tariff)) components[component.slot]?.push(component);
  });
  const given = restrictions.filter((r) => r !== null);
  const days = given.some((r) => r.weekdays !== 127 || r.fromDay > -Infinity || r.untilDay < Infinity);
  const times = given.flatMap(({ window }) => (window ? [window.fromMs, window.toMs % DAY_MS] : []));
  const durations = given.flatMap(({ minMs, maxMs }) => [minMs, maxMs]);
  const energies = given.flatMap(({ minWh, maxWh }) => [minWh, maxWh]).filter((q) => q !== null);
  return {
    tariff,
    restrictions,
    components,
    times: ascending(days ? [0, ...times] : times),
    durations: ascending(durations.filter((ms) => ms > 0 && ms < Infinity)),
    energies: energies.sort((a, b) => compare(a.units, a.parts, b)),
    usesPower: given.some((r) => r.minPower !== null || r.maxPower !== null),
    usesCurrent: given.some((r) => r.minCurrent !== null || r.maxCurrent !== null),
    usesSeries: components.some((slot) => slot.some((c) => c.source !== null)),
  };
}

const ascending = (values: number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

function componentsOf(element: TariffElement, index: number, tariff: Tariff): Component[] {
  return element.price_components.map((priced, component) => {
    const { type, price, vat, step_size, price_source: source } = priced;
    return {
      slot: slotOf(type, element.restrictions?.reservation),
      dimension: type,
      element: index,
      component,
      price: scaled(price),
      tax: vat === undefined || tariff.tax_included === "N/A" ? null : taxOf(vat),
      step: step_size,
      source: source
        ? {
            series: source.series,
            factor: scaled(source.factor),
            add: scaled(source.add),
            hold: source.on_missing === "hold",
          }
        : null,
    };
  });
}

function slotOf(type: Component["dimension"], reservation: TariffRestrictions["reservation"]): Slot {
  if (!reservation) return SLOT[type];
  const flat = type === "FLAT";
  if (reservation === "RESERVATION") return flat ? SLOT.RESERVATION_FLAT : SLOT.RESERVATION_TIME;
  return flat ? SLOT.EXPIRY_FLAT : SLOT.EXPIRY_TIME;
}

function taxOf(vat: string): Component["tax"] {
  const { n, digits, text } = scaled(vat);
  const under = 100 * 10 ** digits;
  return { over: under + n, under, percent: text };
}

function restrictionsOf({ restrictions: r }: TariffElement): Restrictions | null {
  if (!r || Object.keys(r).every((key) => key === "reservation")) return null;
  return {
    window: windowOf(r.start_time, r.end_time),
    fromDay: r.start_date === undefined ? -Infinity : dayOf(r.start_date),
    untilDay: r.end_date === undefined ? Infinity : dayOf(r.end_date),
    weekdays: r.day_of_week
      ? r.day_of_week.reduce((bits, day) => bits | (1 << DAYS_OF_WEEK.indexOf(day)), 0)
      : 127,
    minWh: r.min_kwh === undefined ? null : kwhOf(r.min_kwh),
    maxWh: r.max_kwh === undefined ? null : kwhOf(r.max_kwh),
    minMs: r.min_duration === undefined ? -Infinity : r.min_duration * 1000,
    maxMs: r.max_duration === undefined ? Infinity : r.max_duration * 1000,
    minCurrent: fine(r.min_current),
    maxCurrent: fine(r.max_current),
    minPower: fine(r.min_power),
    maxPower: fine(r.max_power),
  };
}

/** An end of 00:00 is the end of the day; equal times are the whole day: an empty window would be free energy. */
function windowOf(start: string | undefined, end: string | undefined): Restrictions["window"] {
  if (start === undefined && end === undefined) return null;
  const fromMs = msOfDay(start ?? "00:00");
  const toMs = msOfDay(end ?? "00:00") || DAY_MS;
  return fromMs === toMs % DAY_MS ? null : { fromMs, toMs };
}

function msOfDay(text: string): number {
  return (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * 60_000;
}

function dayOf(text: string): number {
  return Date.parse(`${text}T00:00:00Z`) / DAY_MS;
}

function fine(text: string | undefined): number | null {
  if (text === undefined) return null;
  const { n, digits } = scaled(text);
  const value = n * 10 ** (8 - digits);
  return Number.isSafeInteger(value) ? value : Number.MAX_SAFE_INTEGER;
}
