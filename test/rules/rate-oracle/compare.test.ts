import { describe, expect, test } from "vitest";
import { type Candidate, compare, differences } from "./compare.ts";
import { rateByTheBook } from "./oracle.ts";
import type { PriceComponent, Restrictions, Session, Tariff } from "./shapes.ts";
import { EXAMPLES } from "./spec-examples.ts";

const RUNS = 3000;
const SEED = 20_260_329;

const withRestrictions = (change: (restrictions: Restrictions) => Restrictions): Candidate => {
  const changed = (tariff: Tariff) => ({
    ...tariff,
    elements: tariff.elements.map((element) => ({
      ...element,
      restrictions: change(element.restrictions ?? {}),
    })),
  });
  return (session, tariff) => rateByTheBook(session, changed(tariff));
};

const without = (key: keyof Restrictions) =>
  withRestrictions(({ [key]: _dropped, ...kept }) => kept as Restrictions);

const withComponents = (change: (component: PriceComponent) => PriceComponent): Candidate => {
  const changed = (tariff: Tariff) => ({
    ...tariff,
    elements: tariff.elements.map((element) => ({
      ...element,
      price_components: element.price_components.map(change),
    })),
  });
  return (session, tariff) => rateByTheBook(session, changed(tariff));
};

const withSession =
  (change: (session: Session) => Session): Candidate =>
  (session, tariff) =>
    rateByTheBook(change(session), tariff);

const withTariff =
  (change: (tariff: Tariff) => Tariff): Candidate =>
  (session, tariff) =>
    rateByTheBook(session, change(tariff));

const withVolumes = (change: (type: string, volume: number) => number) =>
  withSession((session) => ({
    ...session,
    charging_periods: session.charging_periods.map((period) => ({
      ...period,
      dimensions: period.dimensions.map(({ type, volume }) => ({
        type,
        volume: change(type, Number(volume)),
      })),
    })),
  }));

const isTime = (type: string) => type.endsWith("TIME");

/** Rating that is wrong in one thing each. */
const WRONG: [string, Candidate][] = [
  ...(
    [
      "start_time",
      "end_time",
      "start_date",
      "end_date",
      "min_kwh",
      "max_kwh",
      "min_current",
      "max_current",
      "min_power",
      "max_power",
      "min_duration",
      "max_duration",
      "day_of_week",
      "reservation",
    ] as const
  ).map((key): [string, Candidate] => [`ignores ${key}`, without(key)]),
  [
    "takes min_kwh as exclusive",
    withRestrictions(({ min_kwh, ...rest }) =>
      min_kwh === undefined ? rest : { ...rest, min_kwh: `${Number(min_kwh).toFixed(4)}01` },
    ),
  ],
  [
    "takes max_duration as inclusive",
    withRestrictions(({ max_duration, ...rest }) =>
      max_duration === undefined ? rest : { ...rest, max_duration: max_duration + 1 },
    ),
  ],
  ["takes the clock for UTC", withSession((session) => ({ ...session, time_zone: "UTC" }))],
  [
    "takes winter time for all year's",
    withSession((session) => ({
      ...session,
      time_zone: session.time_zone === "Europe/Stockholm" ? "Etc/GMT-1" : session.time_zone,
    })),
  ],
  ["ignores step_size", withComponents((component) => ({ ...component, step_size: 0 }))],
  [
    "takes step_size 0 for 1",
    withComponents((component) => ({ ...component, step_size: component.step_size || 1 })),
  ],
  ["ignores vat", withComponents(({ vat: _dropped, ...kept }) => kept)],
  ["takes gross prices for net ones", withTariff(({ tax_included: _dropped, ...kept }) => kept)],
  ["ignores min_price", withTariff(({ min_price: _dropped, ...kept }) => kept)],
  ["ignores max_price", withTariff(({ max_price: _dropped, ...kept }) => kept)],
  ["takes the last matching element", withTariff((t) => ({ ...t, elements: t.elements.toReversed() }))],
  ["takes an expired reservation for a used one", withSession((session) => ({ ...session, kind: "normal" }))],
  ["bills negative volumes", withVolumes((_type, volume) => Math.abs(volume))],
  [
    "takes written hours as exact",
    withVolumes((type, volume) => (isTime(type) ? Number((volume + 0.0006).toFixed(4)) : volume)),
  ],
];

describe("a comparison", () => {
  test.each(WRONG)("finds a rating that %s", (_name, candidate) => {
    expect(() => compare(candidate, RUNS, { seed: SEED })).toThrow(/the candidate differs/);
  });

  test("tells the smallest case, both results and how to replay it", () => {
    let message = "";
    try {
      compare(without("day_of_week"), RUNS, { seed: SEED });
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/seed 20260329, path "[\d:]+"/);
    expect(message).toMatch(/oracle [\d.]+, candidate [\d.]+/);
    expect(message.match(/"dimensions"/g)).toHaveLength(1);
  });

  test("takes decimals written with and without trailing zeros for the same", () => {
    const { session, tariff } = EXAMPLES[0] as (typeof EXAMPLES)[number];
    const rated = rateByTheBook(session, tariff);
    expect(differences(rated, { ...rated, total_excl_tax: "5" })).toEqual([]);
    expect(differences(rated, { ...rated, total_excl_tax: "5.00001" })).toEqual([
      "total_excl_tax: oracle 5.0000, candidate 5.00001",
    ]);
  });
});
