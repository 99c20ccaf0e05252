/**
 * What is probably not meant in a tariff that is valid: time or energy that would cost nothing, elements that are never
 * reached, overlaps in which only the order decides, odd steps. Every combination of what its restrictions look at is
 * tried, with the same matching as rating.
 */
import type { PriceLimit, Tariff, TariffElement } from "../model/tariff.ts";
import { type Component, compile, SLOT, type Slot } from "./rate/compile.ts";
import { cellsOf, describeCell } from "./rate/lint-cells.ts";
import { Matcher } from "./rate/match.ts";
import { zoneClock } from "./rate/zone.ts";

export interface TariffDoubt {
  /** Within the tariff: `["elements", 0, "restrictions"]`. */
  path: (string | number)[];
  message: string;
  fix: string;
}

const HOUR_S = 3600;
const KWH = 1000;

/** In the order of the tariff; empty when nothing is odd. Throws `RatingInputError` when it is no tariff. */
export function lintTariff(tariff: Tariff): TariffDoubt[] {
  return [
    ...limitDoubts(tariff),
    ...tariff.elements.flatMap((element, e) => elementDoubts(element, e)),
    ...taxDoubts(tariff),
    ...coverDoubts(tariff),
  ];
}

function limitDoubts({ min_price, max_price, start_date_time, end_date_time }: Tariff): TariffDoubt[] {
  const doubts: TariffDoubt[] = [];
  const net = (limit: PriceLimit) => Number("excl_vat" in limit ? limit.excl_vat : limit.before_taxes);
  if (min_price && max_price && net(min_price) > net(max_price))
    doubts.push({
      path: ["min_price"],
      message: "is more than max_price, so every session costs max_price.",
      fix: "Exchange them, or remove one.",
    });
  if (start_date_time && end_date_time && Date.parse(start_date_time) >= Date.parse(end_date_time))
    doubts.push({
      path: ["end_date_time"],
      message: `${end_date_time} is not after start_date_time ${start_date_time}: the tariff is never valid.`,
      fix: "Write a later end.",
    });
  return doubts;
}

function elementDoubts({ price_components, restrictions = {} }: TariffElement, e: number): TariffDoubt[] {
  const doubts: TariffDoubt[] = [];
  const say = (path: (string | number)[], message: string, fix: string): void => {
    doubts.push({ path: ["elements", e, ...path], message, fix });
  };
  for (const [c, { type, step_size }] of price_components.entries()) {
    const at = ["price_components", c, "step_size"];
    if (type === "ENERGY" && step_size > KWH)
      say(at, `${step_size} bills energy in blocks of ${step_size / KWH} kWh.`, "Steps of ENERGY are Wh.");
    if (type.endsWith("TIME") && step_size > HOUR_S)
      say(
        at,
        `${step_size} bills time in blocks of ${(step_size / 60).toFixed(0)} min.`,
        "Steps of time are s.",
      );
  }
  const pairs = [
    ["min_kwh", "max_kwh"],
    ["min_power", "max_power"],
    ["min_current", "max_current"],
    ["min_duration", "max_duration"],
  ] as const;
  for (const [min, max] of pairs) {
    const [low, high] = [restrictions[min], restrictions[max]];
    if (low !== undefined && high !== undefined && Number(low) >= Number(high))
      say(
        ["restrictions", min],
        `${low} is not below ${max} ${high}: the element never applies.`,
        "Exchange them.",
      );
  }
  const { start_time, end_time, start_date, end_date } = restrictions;
  if (start_time !== undefined && start_time === end_time)
    say(
      ["restrictions", "end_time"],
      `${end_time} equals start_time: taken as the whole day.`,
      "Remove both.",
    );
  if (start_date !== undefined && end_date !== undefined && start_date >= end_date)
    say(
      ["restrictions", "end_date"],
      `${end_date} is not after start_date: the element never applies.`,
      "The end date is the first day on which it no longer applies.",
    );
  if (restrictions.min_current !== undefined || restrictions.max_current !== undefined)
    say(
      ["restrictions"],
      "look at the current, which sessions of this gateway do not carry: there the element does not apply.",
      "Use min_power and max_power.",
    );
  return doubts;
}

function taxDoubts(tariff: Tariff): TariffDoubt[] {
  const all = tariff.elements.flatMap(({ price_components }, e) =>
    price_components.map((component, c) => ({ component, path: ["elements", e, "price_components", c] })),
  );
  const taxed = all.filter(({ component }) => component.vat !== undefined);
  if (tariff.tax_included === "N/A")
    return taxed.map(({ path, component }) => ({
      path: [...path, "vat"],
      message: `${component.vat} is not applied: tax_included is N/A.`,
      fix: "Remove vat, or write tax_included NO.",
    }));
  if (taxed.length === 0 && tariff.tax_included === "YES")
    return [
      {
        path: ["tax_included"],
        message: "is YES, and no component names a vat: net amounts equal gross ones.",
        fix: "Add vat to the components.",
      },
    ];
  if (taxed.length === 0) return [];
  return all
    .filter(({ component }) => component.vat === undefined && Number(component.price) !== 0)
    .map(({ path }) => ({
      path,
      message: "has no vat while others have: no tax is added to it.",
      fix: 'Add vat, "0" where the rate is zero.',
    }));
}

const BY_NAME: readonly ["ENERGY" | "TIME" | "PARKING_TIME", Slot][] = [
  ["ENERGY", SLOT.ENERGY],
  ["TIME", SLOT.TIME],
  ["PARKING_TIME", SLOT.PARKING_TIME],
];

/** Gaps, elements in the shadow of others, and overlaps, over every cell that the restrictions tell apart. */
function coverDoubts(tariff: Tariff): TariffDoubt[] {
  const compiled = compile(tariff);
  const cells = cellsOf(compiled);
  // Past that many combinations only a simulation would tell.
  if (cells === undefined) return [];
  const matcher = new Matcher(compiled, zoneClock("UTC"));
  const holes = new Map<Slot, { count: number; first: string }>();
  const reached = new Set<Component>();
  const overlaps = new Map<string, { component: Component; over: Component; first: string }>();
  for (const cell of cells) {
    Object.assign(matcher.moment, cell.moment);
    matcher.moved();
    for (const slot of Object.values(SLOT)) {
      const [found, second] = matcher.all(slot);
      if (found) reached.add(found);
      else if ((compiled.components[slot]?.length ?? 0) > 0) {
        const hole = holes.get(slot) ?? { count: 0, first: describeCell(cell, compiled) };
        holes.set(slot, { ...hole, count: hole.count + 1 });
      }
      if (found && second && compiled.restrictions[second.element] && found.price.text !== second.price.text)
        overlaps.set(`${slot}:${found.element}:${second.element}`, {
          component: second,
          over: found,
          first: describeCell(cell, compiled),
        });
    }
  }
  const gaps = BY_NAME.flatMap(([name, slot]): TariffDoubt[] => {
    const hole = holes.get(slot);
    if (!hole) return [];
    return [
      {
        path: ["elements"],
        message: `leave a gap: ${name} costs nothing ${hole.first}${hole.count > 1 ? ", and more" : ""}.`,
        fix: `End the list with an element for ${name} without restrictions, with price 0 if it is meant to be free.`,
      },
    ];
  });
  const shadowed = compiled.components.flat().filter((component) => !reached.has(component));
  return [
    ...gaps,
    ...shadowed.map(({ element, component, dimension }) => ({
      path: ["elements", element, "price_components", component],
      message: `is never reached: an earlier element prices ${dimension} whenever it could apply.`,
      fix: "Put it before that one, or remove it.",
    })),
    ...[...overlaps.values()].map(({ component, over, first }) => ({
      path: ["elements", component.element],
      message: `overlaps elements[${over.element}], which wins ${component.dimension} by standing first, such as ${first}.`,
      fix: "Give them restrictions that exclude each other, if that is not meant.",
    })),
  ];
}
