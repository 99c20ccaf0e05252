import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tariff, TariffVersion } from "../../src/model/tariff.ts";
import type { TariffChoiceRule } from "../../src/model/tariff-choice.ts";
import { bookOf, type Charging, chooseTariff, type TariffBook } from "../../src/rules/choose-tariff.ts";
import { energy } from "./depot-events.ts";

const T0 = Date.UTC(2026, 11, 1);
const HOUR_MS = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();

function version(id: string, validity: Partial<Tariff> = {}): TariffVersion {
  return {
    hash: id,
    body: { id, currency: "SEK", elements: [{ price_components: [energy("1")] }], ...validity },
  };
}

const book = (tariffs: TariffVersion[], choice: TariffChoiceRule[] = []): TariffBook => ({
  hash: "book",
  tariffs,
  choice,
});

const NOBODY: Charging = { station: "cp-01", evse: 1, tokenGroup: null, vehicle: null, startedMs: T0 };
const idOf = (b: TariffBook, charging: Partial<Charging> = {}) =>
  chooseTariff(b, { ...NOBODY, ...charging })?.body.id;

describe("the choice of a tariff", () => {
  const tariffs = [version("depot"), version("staff"), version("guest")];

  it("is the first tariff when there are no rules or none matches", () => {
    expect(idOf(book(tariffs))).toBe("depot");
    expect(idOf(book(tariffs, [{ tariff: "guest", stations: ["cp-09"] }]))).toBe("depot");
    expect(chooseTariff(book([]), NOBODY)).toBeNull();
  });
  it("is the first rule that matches, in the order of the list", () => {
    const rules = [{ tariff: "guest", stations: ["cp-01"] }, { tariff: "staff" }];
    expect(idOf(book(tariffs, rules))).toBe("guest");
    expect(idOf(book(tariffs, rules), { station: "cp-02" })).toBe("staff");
  });
  it("looks at the EVSE, the cost centre, the vehicle and the start", () => {
    const rules: TariffChoiceRule[] = [
      { tariff: "staff", evses: ["cp-01/2"], groups: ["transport", "care"] },
      {
        tariff: "guest",
        vehicles: ["bus-7"],
        from: "2026-12-01T12:00:00+01:00",
        until: "2026-12-01T14:00:00+01:00",
      },
    ];
    const b = book(tariffs, rules);
    expect(idOf(b, { evse: 2, tokenGroup: "care" })).toBe("staff");
    expect(idOf(b, { evse: 1, tokenGroup: "care" })).toBe("depot");
    expect(idOf(b, { evse: 2 })).toBe("depot");
    expect(idOf(b, { vehicle: "bus-7", startedMs: T0 + 11 * HOUR_MS })).toBe("guest");
    expect(idOf(b, { vehicle: "bus-7", startedMs: T0 + 11 * HOUR_MS - 1 })).toBe("depot");
    expect(idOf(b, { vehicle: "bus-7", startedMs: T0 + 13 * HOUR_MS })).toBe("depot");
  });
  it("goes to the next rule when the tariff of one is outside of its validity", () => {
    const years = [
      version("depot"),
      version("y2027", { start_date_time: "2027-01-01T00:00:00Z" }),
      version("y2026", { end_date_time: "2027-01-01T00:00:00Z" }),
    ];
    const b = book(years, [{ tariff: "y2027" }, { tariff: "y2026" }]);
    expect(idOf(b)).toBe("y2026");
    expect(idOf(b, { startedMs: Date.UTC(2027, 0, 1) - 1 })).toBe("y2026");
    expect(idOf(b, { startedMs: Date.UTC(2027, 0, 1) })).toBe("y2027");
  });
  it("reads a validity without a designator as UTC, as OCPI writes it", () => {
    const b = book([version("depot", { start_date_time: "2027-01-01T00:00:00" })]);
    expect(idOf(b, { startedMs: Date.UTC(2027, 0, 1) - 1 })).toBeUndefined();
    expect(idOf(b, { startedMs: Date.UTC(2027, 0, 1) })).toBe("depot");
  });
  it("is none when the first tariff is not valid either", () => {
    const b = book([version("depot", { end_date_time: iso(T0) }), version("other")]);
    expect(chooseTariff(b, NOBODY)).toBeNull();
    expect(idOf(b, { startedMs: T0 - 1 })).toBe("depot");
  });
  it("reads what a log with a single tariff adopted", () => {
    expect(bookOf({ tariff: version("depot") })).toEqual({
      hash: "depot",
      tariffs: [version("depot")],
      choice: [],
    });
  });
});

describe("whatever the rules are", () => {
  const ids = ["a", "b", "c"];
  const stations = ["cp-01", "cp-02"];
  const some = (values: string[]) => fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined });
  const instant = fc.integer({ min: -3, max: 3 }).map((n) => iso(T0 + n * HOUR_MS));
  const dated = <T extends object>(record: fc.Arbitrary<T>) =>
    record.map((value) => Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)));
  const rule = dated(
    fc.record({
      tariff: fc.constantFrom(...ids),
      stations: some(stations),
      evses: some(["cp-01/1", "cp-02/2"]),
      groups: some(["g1", "g2"]),
      vehicles: some(["v1", "v2"]),
      from: fc.option(instant, { nil: undefined }),
      until: fc.option(instant, { nil: undefined }),
    }),
  ) as unknown as fc.Arbitrary<TariffChoiceRule>;
  const tariffs = fc.tuple(
    ...ids.map((id) =>
      dated(
        fc.record({
          start_date_time: fc.option(instant, { nil: undefined }),
          end_date_time: fc.option(instant, { nil: undefined }),
        }),
      ).map((validity) => version(id, validity)),
    ),
  );
  const who = fc.record({
    station: fc.constantFrom(...stations),
    evse: fc.constantFrom(1, 2),
    tokenGroup: fc.constantFrom("g1", "g2", "g3", null),
    vehicle: fc.constantFrom("v1", "v2", null),
    startedMs: fc.integer({ min: -4 * HOUR_MS, max: 4 * HOUR_MS }).map((ms) => T0 + ms),
  });
  const numRuns = process.env.DEEP ? 20_000 : 500;

  it("a tariff outside of its validity is never chosen", () => {
    fc.assert(
      fc.property(tariffs, fc.array(rule, { maxLength: 6 }), who, (all, choice, charging) => {
        const chosen = chooseTariff(book(all, choice), charging);
        if (!chosen) return;
        const { start_date_time: from, end_date_time: to } = chosen.body;
        if (from) expect(charging.startedMs).toBeGreaterThanOrEqual(Date.parse(from));
        if (to) expect(charging.startedMs).toBeLessThan(Date.parse(to));
      }),
      { numRuns },
    );
  });
  it("rules behind the one that chose change nothing, and a rule in front of all without conditions decides", () => {
    fc.assert(
      fc.property(tariffs, fc.array(rule, { maxLength: 6 }), rule, who, (all, choice, more, charging) => {
        const pick = (rules: TariffChoiceRule[]) => chooseTariff(book(all, rules), charging);
        const last = choice.findIndex((_, i) => pick(choice.slice(0, i + 1)) !== pick([]));
        if (last >= 0)
          expect(pick([...choice.slice(0, last + 1), more])).toBe(pick(choice.slice(0, last + 1)));
        const lasting = version("always");
        expect(chooseTariff(book([...all, lasting], [{ tariff: "always" }, ...choice]), charging)).toBe(
          lasting,
        );
      }),
      { numRuns },
    );
  });
  it("the same arguments choose the same, also after a way through JSON", () => {
    fc.assert(
      fc.property(tariffs, fc.array(rule, { maxLength: 6 }), who, (all, choice, charging) => {
        const b = book(all, choice);
        const copy = JSON.parse(JSON.stringify(b)) as TariffBook;
        expect(chooseTariff(copy, charging)).toEqual(chooseTariff(b, charging));
      }),
      { numRuns },
    );
  });
});
