import fc from "fast-check";
import type { Facts } from "./facts.ts";
import type { ComponentType, Limit, PriceComponent, Restrictions, Tariff } from "./shapes.ts";

const KINDS = ["time", "date", "weekday", "kwh", "duration", "power", "current"] as const;
type Kind = (typeof KINDS)[number];

/** Picks of facts, resolved once the session is known. */
interface Sketch {
  kinds: Kind[];
  picks: { low: number; high: number; nudge: number; side: "low" | "high" | "both" }[];
}

const DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

const sketch: fc.Arbitrary<Sketch> = fc.record({
  kinds: fc.oneof(
    { weight: 1, arbitrary: fc.constant<Kind[]>([]) },
    { weight: 3, arbitrary: fc.subarray([...KINDS], { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.subarray([...KINDS], { minLength: 1, maxLength: 3 }) },
  ),
  picks: fc.array(
    fc.record({
      low: fc.nat(33),
      high: fc.nat(33),
      nudge: fc.constantFrom(0, 0, 0, 1, -1),
      side: fc.constantFrom("low" as const, "high" as const, "both" as const),
    }),
    { minLength: KINDS.length, maxLength: KINDS.length },
  ),
});

const at = <Value>(values: Value[], index: number) => values[index % values.length] as Value;

function nextDay(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

function restrictionsOf({ kinds, picks }: Sketch, facts: Facts): Restrictions {
  const restrictions: Restrictions = {};
  const put = <Key extends keyof Restrictions>(key: Key, value: Restrictions[Key]) => {
    restrictions[key] = value;
  };
  for (const kind of kinds) {
    const { low, high, nudge, side } = picks[KINDS.indexOf(kind)] as Sketch["picks"][number];
    /** Bounds in order, `unit` apart where they are the same. */
    const bounds = (values: number[], unit: number): [number, number] => {
      const bound = (index: number) => Math.max(0, Number((at(values, index) + nudge * unit).toFixed(4)));
      const [least, most] = [bound(low), bound(high)].sort((a, b) => a - b) as [number, number];
      return [least, least === most ? Number((most + unit).toFixed(4)) : most];
    };
    const set = (
      least: keyof Restrictions,
      most: keyof Restrictions,
      [from, to]: [number | string, number | string],
    ) => {
      if (side !== "high") put(least, from as never);
      if (side !== "low") put(most, to as never);
    };
    if (kind === "time") {
      const end = nudge === 1 ? "00:00" : at(facts.times, high);
      set("start_time", "end_time", [at(facts.times, low), end]);
    } else if (kind === "date") {
      const [from, to] = [at(facts.dates, low), at(facts.dates, high)].sort() as [string, string];
      set("start_date", "end_date", [from, from === to ? nextDay(to) : to]);
    } else if (kind === "weekday") {
      put("day_of_week", side === "low" ? [at(facts.weekdays, low)] : DAYS.slice(low % 5, (low % 5) + 2));
    } else if (kind === "kwh") set("min_kwh", "max_kwh", bounds(facts.kwh, 0.0001));
    else if (kind === "duration") set("min_duration", "max_duration", bounds(facts.seconds, 1));
    else if (kind === "power") set("min_power", "max_power", bounds(facts.kW, 0.0001));
    else set("min_current", "max_current", bounds(facts.amperes, 0.1));
  }
  return restrictions;
}

const TYPES: ComponentType[] = ["FLAT", "ENERGY", "TIME", "PARKING_TIME"];
const STEPS = [0, 1, 1, 7, 25, 60, 100, 300, 500, 600, 900, 1800, 3600];

const component = (type: ComponentType): fc.Arbitrary<PriceComponent> =>
  fc
    .record({
      price: fc.oneof(
        fc.constantFrom(0, 0.25, 0.5, 1, 1.2, 2.4, 5),
        fc.nat(50_000).map((n) => n / 10_000),
      ),
      vat: fc.constantFrom(undefined, 0, 5.2, 7.7, 10, 19, 20, 25),
      step_size: fc.constantFrom(...STEPS),
    })
    .map(({ vat, ...rest }) => ({ type, ...rest, ...(vat === undefined ? {} : { vat }) }));

const element = fc.record({
  types: fc.subarray(TYPES, { minLength: 1 }),
  components: fc.tuple(...(TYPES.map(component) as [fc.Arbitrary<PriceComponent>])),
  sketch,
  purpose: fc.constantFrom(
    ...([undefined, undefined, undefined, undefined, "RESERVATION", "RESERVATION_EXPIRES"] as const),
  ),
});

const limit = fc.record({
  cents: fc.oneof(fc.nat(300), fc.nat(3000)),
  percent: fc.constantFrom(0, 10, 20),
  isNetOnly: fc.nat(4).map((n) => n === 0),
});

/** Tariffs that wait for the facts of a session, so that their restrictions bite. */
export const tariffSketches = fc.record({
  currency: fc.constantFrom("EUR", "SEK", "JPY", "CAD"),
  version: fc.constantFrom("2.2.1" as const, "2.2.1" as const, "YES" as const, "NO" as const, "N/A" as const),
  elements: fc.array(element, { minLength: 1, maxLength: 6 }),
  low: fc.option(limit, { freq: 2 }),
  high: fc.option(limit, { freq: 2 }),
});

/** What a tariff may restrict and limit, given the session it is for. */
export interface Allowed {
  current: boolean;
  limits: boolean;
  moot: boolean;
}

type Sketched = typeof tariffSketches extends fc.Arbitrary<infer Value> ? Value : never;

function limitsOf({ low, high, version }: Sketched, { limits, moot }: Allowed): Partial<Tariff> {
  if (!limits) return {};
  const written = (bound: NonNullable<Sketched["low"]>): Limit => {
    const net = bound.cents / 100;
    const gross = (bound.cents * (100 + bound.percent)) / 10_000;
    const isNetOnly = moot && bound.isNetOnly;
    if (version === "2.2.1") return { excl_vat: net, ...(isNetOnly ? {} : { incl_vat: gross }) };
    return { before_taxes: net, ...(isNetOnly ? {} : { after_taxes: gross }) };
  };
  if (low !== null && high !== null) {
    const percent = low.percent;
    const [least, most] = [low, { ...high, percent }].sort((a, b) => a.cents - b.cents) as [
      typeof low,
      typeof low,
    ];
    return { min_price: written(least), max_price: written(most) };
  }
  if (low !== null) return { min_price: written(low) };
  return high === null ? {} : { max_price: written(high) };
}

export function tariffOf(sketched: Sketched, facts: Facts, allowed: Allowed): Tariff {
  const { moot } = allowed;
  const feeOfExpiry = sketched.elements.some(
    ({ purpose, types }) => purpose === "RESERVATION_EXPIRES" && types.includes("FLAT"),
  );
  const elements = sketched.elements.map(({ types, components, sketch: given, purpose }) => {
    const isWanted = (type: ComponentType) => {
      if (purpose === undefined) return types.includes(type);
      if (type === "FLAT" && purpose === "RESERVATION" && feeOfExpiry && !moot) return false;
      return type === "TIME" || (type === "FLAT" && types.includes(type));
    };
    const hasCurrent = moot || (allowed.current && purpose === undefined);
    const kinds = given.kinds.filter((kind) => kind !== "current" || hasCurrent);
    const restrictions = {
      ...restrictionsOf({ ...given, kinds }, facts),
      ...(purpose === undefined ? {} : { reservation: purpose }),
    };
    return {
      price_components: components
        .filter(({ type }) => isWanted(type))
        .map(({ vat, ...rest }) =>
          vat === undefined || (sketched.version === "N/A" && !moot) ? rest : { ...rest, vat },
        ),
      ...(Object.keys(restrictions).length === 0 ? {} : { restrictions }),
    };
  });
  return {
    currency: sketched.currency,
    ...(sketched.version === "2.2.1" ? {} : { tax_included: sketched.version }),
    ...limitsOf(sketched, allowed),
    elements,
  };
}
