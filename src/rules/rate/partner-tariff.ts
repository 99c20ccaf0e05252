/**
 * Reads a tariff as partners send it: absent fields as null, whole numbers as 60.0, fields of their own. What bears no
 * price is left out and said; what could change one (a restriction, a tax) is refused when it is not known.
 */
import { PriceComponent, Tariff, TariffElement, TariffId, TariffRestrictions } from "../../model/tariff.ts";
import { readTariff } from "./compile.ts";
import { RatingInputError, shown } from "./input-error.ts";
import type { InputNote } from "./ocpi-input.ts";

type Path = readonly (string | number)[];
type Fields = Record<string, unknown>;

/** They say who, what and when; none of them changes an amount. */
const WITHOUT_PRICE = [
  "country_code",
  "party_id",
  "type",
  "tariff_alt_text",
  "tariff_alt_url",
  "preauthorize_amount",
  "energy_mix",
  "last_updated",
] as const;

const KEYS = {
  tariff: Object.keys(Tariff.shape),
  element: Object.keys(TariffElement.shape),
  component: Object.keys(PriceComponent.shape),
  restrictions: Object.keys(TariffRestrictions.shape),
  limit: ["excl_vat", "incl_vat", "before_taxes", "after_taxes", "taxes"],
  text: ["language", "text"],
};

/** Throws `RatingInputError` naming the first field that is wrong. */
export function readPartnerTariff(body: unknown): { tariff: Tariff; notes: InputNote[] } {
  if (!isObject(body))
    throw new RatingInputError([], body, undefined, "write one OCPI Tariff, an object with id and elements");
  if ("data" in body && "status_code" in body)
    throw new RatingInputError(
      ["data"],
      body.data,
      "is in an OCPI response",
      "write the Tariff in it as the whole file",
    );
  const notes: InputNote[] = [];
  const fields = known(body, KEYS.tariff, [], notes);
  if (typeof fields.id === "string" && fields.id.length <= 36 && !TariffId.safeParse(fields.id).success)
    throw new RatingInputError(["id"], fields.id, undefined, "write an id of printable characters");
  for (const key of WITHOUT_PRICE) {
    if (key === "tariff_alt_text") fields[key] = listOf(fields[key], [key], readText(notes));
    if (key in fields && !Tariff.shape[key].safeParse(fields[key]).success) {
      if (fields[key] !== undefined) note(notes, [key], `is ${shown(fields[key])}, which OCPI does not know`);
      delete fields[key];
    }
  }
  for (const key of ["min_price", "max_price"])
    if (isObject(fields[key])) fields[key] = known(fields[key], KEYS.limit, [key], notes);
  fields.elements = listOf(fields.elements, ["elements"], (element, path) =>
    readElement(element, path, notes),
  );
  return { tariff: readTariff(fields), notes };
}

function readElement(element: unknown, path: Path, notes: InputNote[]): unknown {
  if (!isObject(element)) return element;
  refuse(element, path, /restrict/i, KEYS.element, "write restrictions");
  const fields = known(element, KEYS.element, path, notes);
  fields.price_components = listOf(
    fields.price_components,
    [...path, "price_components"],
    (component, place) => readComponent(component, place, notes),
  );
  if (isObject(fields.restrictions)) fields.restrictions = readRestrictions(fields.restrictions);
  return fields;
}

function readComponent(component: unknown, path: Path, notes: InputNote[]): unknown {
  if (!isObject(component)) return component;
  refuse(component, path, /^tax(es)?$/, KEYS.component, "write vat, in percent");
  const fields = known(component, KEYS.component, path, notes);
  wholeNumber(fields, "step_size");
  return fields;
}

/** Keys that are not known stay for the schema to refuse, unless they are null. */
function readRestrictions(restrictions: Fields): Fields {
  const fields = Object.fromEntries(Object.entries(restrictions).filter(([, value]) => value !== null));
  wholeNumber(fields, "min_duration");
  wholeNumber(fields, "max_duration");
  // A list of any length in OCPI (cardinality *): an empty one restricts nothing.
  if (Array.isArray(fields.day_of_week) && fields.day_of_week.length === 0) delete fields.day_of_week;
  return fields;
}

const readText =
  (notes: InputNote[]) =>
  (text: unknown, path: Path): unknown =>
    isObject(text) ? known(text, KEYS.text, path, notes) : text;

/** What is not null and known; the others are noted. */
function known(fields: Fields, keys: readonly string[], path: Path, notes: InputNote[]): Fields {
  const kept: Fields = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === null) continue;
    if (keys.includes(key)) kept[key] = value;
    else note(notes, [...path, key], "is no field of OCPI");
  }
  return kept;
}

function refuse(fields: Fields, path: Path, pattern: RegExp, keys: readonly string[], advice: string): void {
  for (const [key, value] of Object.entries(fields))
    if (value !== null && !keys.includes(key) && pattern.test(key))
      throw new RatingInputError(
        [...path, key],
        value,
        "is no field of OCPI, and may change the price",
        advice,
      );
}

function listOf(value: unknown, path: Path, read: (item: unknown, path: Path) => unknown): unknown {
  return Array.isArray(value) ? value.map((item, index) => read(item, [...path, index])) : value;
}

/** 60.0 and "60" are 60. */
function wholeNumber(fields: Fields, key: string): void {
  const value = fields[key];
  if (typeof value === "string" && /^\d{1,15}(?:\.0+)?$/.test(value)) fields[key] = Number(value);
}

function note(notes: InputNote[], path: Path, what: string): void {
  const { path: where } = new RatingInputError(path, undefined, what, "");
  notes.push({ code: "UNKNOWN_FIELD", detail: `${where} ${what}: it is not used` });
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
