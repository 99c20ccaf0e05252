import { describe, expect, it } from "vitest";
import type { Tariff } from "../../src/model/tariff.ts";
import { type OcpiSession, rateOcpi } from "../../src/rules/rate/ocpi.ts";
import { type Component, el, ocpi, tariff, tariffOf } from "./rate-cases.ts";

const net = (s: OcpiSession, t: Tariff): string => rateOcpi(s, t).total_excl_tax;
const both = (s: OcpiSession, t: Tariff): string[] => [
  rateOcpi(s, t).total_excl_tax,
  rateOcpi(s, t).total_incl_tax,
];
const codes = (s: OcpiSession, t: Tariff): string[] => rateOcpi(s, t).warnings.map((w) => w.code);
/** UTC on 2026-03-02, a Monday; Amsterdam is an hour ahead. */
const at = (time: string): string => `2026-03-02T${time}:00Z`;
const start: Component = { type: "FLAT", price: 0.5, vat: 20 };
const perKwh: Component = { type: "ENERGY", price: 0.25, vat: 10 };

/** One hour of charging with this energy. */
const hour = (energy: number | string, more: object = {}) =>
  ocpi(at("09:00"), at("10:00"), [[at("09:00"), { ENERGY: energy, TIME: 1 }]], more);

describe("worked examples of OCPI 2.2.1 and 2.3.0", () => {
  it("0.25 per kWh with a start fee, a minimum, a maximum", () => {
    expect(both(hour(20), tariff([start, perKwh]))).toEqual(["5.5000", "6.1000"]);
    const least = tariffOf([el([perKwh])], { min_price: { excl_vat: 0.5, incl_vat: 0.55 } });
    expect(both(hour(1.2), least)).toEqual(["0.5000", "0.5500"]);
    expect(both(hour(20), least)).toEqual(["5.0000", "5.5000"]);
    const most = tariffOf([el([start, perKwh])], { max_price: { before_taxes: 10, after_taxes: 11 } });
    expect(both(hour(50), most)).toEqual(["10.0000", "11.0000"]);
    expect(both(hour(30), most)).toEqual(["8.0000", "8.8500"]);
  });
  it("parking by the quarter hour: 40 minutes are billed as 45", () => {
    const t = tariff([start, perKwh, { type: "PARKING_TIME", price: 2, vat: 20, step_size: 900 }]);
    const s = ocpi(at("09:00"), at("10:40"), [
      [at("09:00"), { ENERGY: 20, TIME: 1 }],
      [at("10:00"), { PARKING_TIME: 0.667 }],
    ]);
    expect(both(s, t)).toEqual(["7.0000", "7.9000"]);
    expect(rateOcpi(s, t)).toMatchObject({
      total_energy: "20.000",
      total_time: "1.6667",
      total_parking_time: "0.6667",
      by_dimension: { PARKING_TIME: { excl_tax: "1.5000", incl_tax: "1.8000", billed: "0.7500" } },
    });
  });
  it("3 per hour, parking 5 per hour by 5 minutes: 150 and 42 minutes", () => {
    const t = tariff(
      [{ type: "TIME", price: 3, vat: 10, step_size: 60 }],
      [{ type: "PARKING_TIME", price: 5, vat: 20, step_size: 300 }],
    );
    const s = ocpi(at("09:00"), at("12:12"), [
      [at("09:00"), { TIME: 2.5 }],
      [at("11:30"), { PARKING_TIME: 0.7 }],
    ]);
    expect(both(s, t)).toEqual(["11.2500", "12.7500"]);
  });
  describe("steps across elements: 1.20 before 17:00 by 30 min, 2.40 after by 15, parking 1.00 until 20:00", () => {
    const t = tariffOf([
      el([{ type: "TIME", price: 1.2, step_size: 1800 }], { start_time: "00:00", end_time: "17:00" }),
      el([{ type: "TIME", price: 2.4, step_size: 900 }], { start_time: "17:00", end_time: "00:00" }),
      el([{ type: "PARKING_TIME", price: 1, step_size: 900 }], { start_time: "00:00", end_time: "20:00" }),
    ]);
    it("16:55, 10 and 2 minutes: 0.55", () => {
      const s = ocpi(at("15:55"), at("16:07"), [
        [at("15:55"), { TIME: 0.0833 }],
        [at("16:00"), { TIME: "0.083" }],
        [at("16:05"), { PARKING_TIME: 0.033 }],
      ]);
      expect(net(s, t)).toBe("0.5500");
    });
    it("16:35, 35 minutes: the extra ten are paid at the last price, 1.30", () => {
      const s = ocpi(at("15:35"), at("16:10"), [
        [at("15:35"), { TIME: 0.417 }],
        [at("16:00"), { TIME: 0.167 }],
      ]);
      expect(net(s, t)).toBe("1.3000");
    });
    it("19:40, 12 and 20 minutes: parking past 20:00 is free and not rounded, 0.73", () => {
      const s = ocpi(at("18:40"), at("19:12"), [
        [at("18:40"), { TIME: 0.2 }],
        [at("18:52"), { PARKING_TIME: 0.133 }],
        [at("19:00"), { PARKING_TIME: 0.2 }],
      ]);
      expect(net(s, t)).toBe("0.7300");
      expect(codes(s, t)).toEqual(["NO_COMPONENT"]);
    });
  });
  it("by power: 1 kWh at 6 kW, 40 at 48, 0.5 at 4", () => {
    const t = tariffOf([
      el([{ type: "ENERGY", price: 0.2 }], { max_power: 16 }),
      el([{ type: "ENERGY", price: 0.35 }], { max_power: 32 }),
      el([{ type: "ENERGY", price: 0.5 }]),
    ]);
    const s = ocpi(at("09:00"), at("10:20"), [
      [at("09:00"), { ENERGY: 1, POWER: 6 }],
      [at("09:10"), { ENERGY: 40, MIN_POWER: 47, MAX_POWER: 48 }],
      [at("10:00"), { ENERGY: 0.5 }],
    ]);
    expect(net(s, t)).toBe("20.3000");
    expect(codes(s, t)).toEqual(["POWER_DERIVED"]);
  });
  it("by current: below and above 32 A on weekdays, parking by the hour of day", () => {
    const t = tariffOf([
      el([{ type: "FLAT", price: 2.5, vat: 15 }]),
      el([{ type: "TIME", price: 1, vat: 20, step_size: 900 }], { max_current: 32 }),
      el([{ type: "TIME", price: 2, vat: 20, step_size: 600 }], {
        min_current: 32,
        day_of_week: ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
      }),
      el([{ type: "TIME", price: 1.25, vat: 20, step_size: 600 }], {
        min_current: 32,
        day_of_week: ["SATURDAY", "SUNDAY"],
      }),
      el([{ type: "PARKING_TIME", price: 5, vat: 10, step_size: 300 }], {
        start_time: "09:00",
        end_time: "18:00",
        day_of_week: ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
      }),
      el([{ type: "PARKING_TIME", price: 6, vat: 10, step_size: 300 }], {
        start_time: "10:00",
        end_time: "17:00",
        day_of_week: ["SATURDAY"],
      }),
    ]);
    const saturday = (time: string): string => `2026-03-07T${time}:00Z`;
    const s = ocpi(saturday("12:30"), saturday("15:35"), [
      [saturday("12:30"), { TIME: 1.9, MIN_CURRENT: 43 }],
      [saturday("14:24"), { PARKING_TIME: 1.183 }],
    ]);
    // 2.50 + 114 min x 1.25 + 75 min x 6; the price list of OCPI rounds charging too, which its own rule forbids.
    expect(both(s, t)).toEqual(["12.3750", "13.9750"]);
    const unknown = ocpi(at("08:30"), at("09:30"), [[at("08:30"), { TIME: 1 }]]);
    expect(codes(unknown, t)).toEqual(["NO_COMPONENT", "CURRENT_UNKNOWN"]);
  });
  it("a reservation: 3 per hour, 6 when it expires, by 10 minutes, apart from the session", () => {
    const t = tariffOf([
      el([{ type: "TIME", price: 6, vat: 20, step_size: 600 }], { reservation: "RESERVATION_EXPIRES" }),
      el([{ type: "TIME", price: 3, vat: 20, step_size: 600 }], { reservation: "RESERVATION" }),
      el([start, perKwh]),
    ]);
    const expired = ocpi(at("09:00"), at("10:30"), [[at("09:00"), { RESERVATION_TIME: 1.5 }]], {
      kind: "reservation_expired",
    });
    expect(both(expired, t)).toEqual(["9.0000", "10.8000"]);
    const used = ocpi(at("09:00"), at("10:22"), [
      [at("09:00"), { RESERVATION_TIME: 0.367 }],
      [at("09:22"), { ENERGY: 20, TIME: 1 }],
    ]);
    expect(both(used, t)).toEqual(["7.0000", "7.9000"]);
    expect(rateOcpi(used, t).lines.map((l) => [l.dimension, l.reservation, l.billed])).toEqual([
      ["TIME", true, "0.5000"],
      ["FLAT", undefined, "1"],
      ["ENERGY", undefined, "20.000"],
    ]);
  });
  it("an expired reservation costs what a reservation does where the elements for it do not apply", () => {
    const t = tariffOf([
      el([{ type: "TIME", price: 6, vat: 20, step_size: 60 }], {
        reservation: "RESERVATION_EXPIRES",
        start_time: "11:00",
        end_time: "12:00",
      }),
      el([{ type: "TIME", price: 3, vat: 20, step_size: 60 }], { reservation: "RESERVATION" }),
      el([start, perKwh]),
    ]);
    // 10:00 to 12:00 in Amsterdam: an hour at 3, then one at 6.
    const periods = ["09:00", "10:00"].map((time): [string, object] => [at(time), { RESERVATION_TIME: 1 }]);
    const expired = ocpi(at("09:00"), at("11:00"), periods as never, { kind: "reservation_expired" });
    expect(rateOcpi(expired, t).lines.map((l) => [l.unit_price, l.billed])).toEqual([
      ["3", "1.0000"],
      ["6", "1.0000"],
    ]);
  });
  it("durations count from the start of charging, whatever was reserved before it", () => {
    const t = tariffOf([
      el([{ type: "TIME", price: 1, step_size: 1 }], { reservation: "RESERVATION" }),
      el([{ type: "TIME", price: 4, step_size: 1 }], { max_duration: 3600 }),
      el([{ type: "TIME", price: 9, step_size: 1 }]),
    ]);
    const used = ocpi(at("08:00"), at("11:00"), [
      [at("08:00"), { RESERVATION_TIME: 1 }],
      [at("09:00"), { TIME: 1 }],
      [at("10:00"), { TIME: 1 }],
    ]);
    expect(rateOcpi(used, t).lines.map((l) => [l.reservation, l.unit_price, l.billed])).toEqual([
      [true, "1", "1.0000"],
      [undefined, "4", "1.0000"],
      [undefined, "9", "1.0000"],
    ]);
  });
  it("a line goes on over a period without volume in its dimension", () => {
    const t = tariffOf([el([perKwh, { type: "PARKING_TIME", price: 2, step_size: 1 }])]);
    const s = ocpi(at("09:00"), at("12:00"), [
      [at("09:00"), { ENERGY: 3, TIME: 1 }],
      [at("10:00"), { PARKING_TIME: 1 }],
      [at("11:00"), { ENERGY: 4, TIME: 1 }],
    ]);
    const energy = rateOcpi(s, t).lines.filter(({ dimension }) => dimension === "ENERGY");
    expect(energy.map(({ from, to, billed }) => [from, to, billed])).toEqual([
      ["2026-03-02T09:00:00.000Z", "2026-03-02T12:00:00.000Z", "7.000"],
    ]);
  });
  it("an expired reservation owes its fee beside the time", () => {
    const t = tariffOf([
      el([{ type: "FLAT", price: 4, vat: 20 }], { reservation: "RESERVATION_EXPIRES" }),
      el([{ type: "TIME", price: 2, vat: 20, step_size: 600 }], { reservation: "RESERVATION" }),
      el([start, perKwh]),
    ]);
    const expired = ocpi(at("09:00"), at("10:00"), [[at("09:00"), { RESERVATION_TIME: 1 }]], {
      kind: "reservation_expired",
    });
    expect(both(expired, t)).toEqual(["6.0000", "7.2000"]);
  });
  it("0.20 then 0.27 at 17:00 by 500 Wh: 5.4 kWh are billed as 5.5, the extra at the last price", () => {
    const t = tariffOf([
      el([{ type: "ENERGY", price: 0.2, step_size: 500 }], { end_time: "17:00" }),
      el([{ type: "ENERGY", price: 0.27, step_size: 500 }]),
    ]);
    const s = ocpi(at("15:00"), at("17:00"), [
      [at("15:00"), { ENERGY: 4.3 }],
      [at("16:00"), { ENERGY: "1.100" }],
    ]);
    expect([net(s, t), rateOcpi(s, t).by_dimension.ENERGY.billed]).toEqual(["1.1840", "5.500"]);
  });
});

describe("limits and taxes", () => {
  const lines = (s: OcpiSession, t: Tariff) =>
    rateOcpi(s, t).lines.map((l) => [l.dimension, l.vat_percent, l.amount.excl_vat, l.amount.incl_vat]);
  it("what a minimum adds is a line; one rate explains its tax", () => {
    const t = tariffOf([el([perKwh])], { min_price: { excl_vat: 0.5, incl_vat: 0.55 } });
    expect(lines(hour(1.2), t)).toEqual([
      ["ENERGY", "10", "0.3000", "0.3300"],
      ["MIN_PRICE", "10", "0.2000", "0.2200"],
    ]);
    expect(codes(hour(1.2), t)).toEqual([]);
  });
  it("net and gross are limited each by itself: no rate is invented", () => {
    const t = tariffOf([el([perKwh])], { max_price: { excl_vat: 10, incl_vat: 5.4 } });
    expect(lines(hour(20), t)).toEqual([
      ["ENERGY", "10", "5.0000", "5.5000"],
      ["MAX_PRICE", null, "0.0000", "-0.1000"],
    ]);
    expect(codes(hour(20), t)).toEqual(["TAX_UNEXPLAINED"]);
  });
  it("a limit without its gross half takes gross along by the rate", () => {
    const t = tariffOf([el([perKwh])], { min_price: { before_taxes: 1 }, tax_included: "NO" });
    expect(both(hour(1.2), t)).toEqual(["1.0000", "1.1000"]);
  });
  it("tax_included YES: the price is gross; N/A: there is no tax; no vat: net is gross", () => {
    const priced = (tax_included: string, vat?: number) =>
      both(
        hour(10),
        tariffOf([el([{ type: "ENERGY", price: 1.25, ...(vat ? { vat } : {}) }])], { tax_included }),
      );
    expect(priced("YES", 25)).toEqual(["10.0000", "12.5000"]);
    expect(priced("NO", 25)).toEqual(["12.5000", "15.6250"]);
    expect(priced("N/A", 25)).toEqual(["12.5000", "12.5000"]);
    expect(priced("NO")).toEqual(["12.5000", "12.5000"]);
    const unnamed = tariffOf([el([{ type: "ENERGY", price: 1.25 }])], { tax_included: "YES" });
    expect([both(hour(10), unnamed), codes(hour(10), unnamed)]).toEqual([
      ["12.5000", "12.5000"],
      ["TAX_UNEXPLAINED"],
    ]);
  });
  it("halves go away from zero, for negative prices too", () => {
    const at = (price: number) => net(hour("0.5"), tariff([{ type: "ENERGY", price, step_size: 0 }]));
    expect([at(0.0001), at(-0.0001), at(0.0003)]).toEqual(["0.0001", "-0.0001", "0.0002"]);
  });
});

describe("periods as they are written", () => {
  const t = tariffOf([
    el([{ type: "ENERGY", price: 1 }], { max_kwh: 5 }),
    el([{ type: "ENERGY", price: 2 }]),
  ]);
  const two = (first: number, second: number) =>
    ocpi(at("09:00"), at("11:00"), [
      [at("09:00"), { ENERGY: first }],
      [at("10:00"), { ENERGY: second }],
    ]);
  it("min_kwh or max_kwh reached exactly: the next element applies", () => {
    expect([net(two(5, 1), t), codes(two(5, 1), t)]).toEqual(["7.0000", []]);
    expect(net(two(4.999, 1), t)).toBe("5.9990");
  });
  it("a period over a change of price is billed at its start, and says so", () => {
    expect([net(two(6, 1), t), codes(two(6, 1), t)]).toEqual(["8.0000", ["STRADDLES_PRICE_CHANGE"]]);
    const evening = tariffOf([
      el([{ type: "TIME", price: 6 }], { end_time: "10:00" }),
      el([{ type: "TIME", price: 1 }]),
    ]);
    expect([net(hour(1), evening), codes(hour(1), evening)]).toEqual(["1.0000", []]);
    const early = ocpi(at("09:00"), at("10:00"), [[at("09:00"), { TIME: 1 }]], { time_zone: "UTC" });
    const late = tariffOf([
      el([{ type: "TIME", price: 6 }], { end_time: "09:30" }),
      el([{ type: "TIME", price: 1 }]),
    ]);
    expect([net(early, late), codes(early, late)]).toEqual(["6.0000", ["STRADDLES_PRICE_CHANGE"]]);
  });
  it("a boundary that changes no price of what was used is no warning", () => {
    const same = tariffOf([
      el([{ type: "PARKING_TIME", price: 6 }], { end_time: "09:30" }),
      el([{ type: "TIME", price: 1 }]),
    ]);
    expect(codes(hour(1), same)).toEqual([]);
  });
  it("hours that say the length of their period as well as they can mean its seconds", () => {
    const hours = (TIME: number | string) =>
      rateOcpi(
        ocpi(at("09:00"), at("09:20"), [[at("09:00"), { TIME }]]),
        tariff([{ type: "TIME", price: 3600, step_size: 0 }]),
      ).lines[0]?.measured_units;
    expect([
      hours(0.3333),
      hours(0.333),
      hours("0.3338"),
      hours(0.33),
      hours("0.500"),
      hours("0.33"),
    ]).toEqual(["1200", "1200", "1201.68", "1188", "1800", "1188"]);
  });
  it("decimals of any length are exact", () => {
    const noise = ocpi(at("09:00"), at("11:00"), [
      [at("09:00"), { ENERGY: 0.1 + 0.2 }],
      [at("10:00"), { ENERGY: "0.000000000000000000001" }],
    ]);
    const rated = rateOcpi(noise, tariff([{ type: "ENERGY", price: 1, step_size: 0 }]));
    expect(rated.total_energy).toBe("0.300000000000000040001");
    expect(rateOcpi(noise, tariff([{ type: "ENERGY", price: 1 }])).by_dimension.ENERGY.billed).toBe("0.301");
  });
  it("the flat fee is charged once, when its element first applies", () => {
    const later = tariffOf([el([{ type: "FLAT", price: 3 }], { min_duration: 3600 })]);
    expect([net(hour(1), later), net(two(1, 1), later)]).toEqual(["0.0000", "3.0000"]);
  });
  it("times without a designator are UTC; a volume of 0 takes no step", () => {
    const s = ocpi("2026-03-02T09:00:00", "2026-03-02T10:00:00", [
      ["2026-03-02T09:00:00", { TIME: 0, ENERGY: 0 }],
    ]);
    const stepped = tariff([
      { type: "TIME", price: 1, step_size: 3600 },
      { type: "ENERGY", price: 1, step_size: 1000 },
    ]);
    expect(rateOcpi(s, stepped)).toMatchObject({ total_excl_tax: "0.0000", lines: [] });
  });
});

describe("sessions of partners", () => {
  const one = (volumes: Record<string, number | string>, more: object = {}) =>
    ocpi(at("09:00"), at("10:00"), [[at("09:00"), volumes]], more);

  it("null says that kind and prices are absent", () => {
    const t = tariff([{ type: "ENERGY", price: 1 }]);
    expect(rateOcpi({ ...one({ ENERGY: 2 }), kind: null, prices: null }, t)).toEqual(
      rateOcpi(one({ ENERGY: 2 }), t),
    );
  });

  it("current and power that flow to the grid are negative, and below every limit", () => {
    const t = tariffOf([
      el([{ type: "ENERGY", price: 1 }], { max_power: 5, max_current: 5 }),
      el([{ type: "ENERGY", price: 9 }]),
    ]);
    expect(rateOcpi(one({ ENERGY: 2, POWER: -7.5, CURRENT: "-16" }), t).total_excl_tax).toBe("2.0000");
    const high = tariffOf([el([{ type: "ENERGY", price: 9 }], { min_power: 5 })]);
    expect(rateOcpi(one({ ENERGY: 2, POWER: -7.5 }), high).total_excl_tax).toBe("0.0000");
  });

  it("a dimension that stands twice in a period is refused, even where the first is zero", () => {
    const dimensions = [
      { type: "ENERGY", volume: 0 },
      { type: "ENERGY", volume: 2 },
    ];
    const session = { ...one({}), charging_periods: [{ start_date_time: at("09:00"), dimensions }] };
    expect(() => rateOcpi(session, tariff([{ type: "ENERGY", price: 1 }]))).toThrow(
      /^charging_periods\[0\]\.dimensions\[1\]\.type is a second ENERGY; write each dimension once/,
    );
  });

  it("more time than the period lasts is billed as written, and said", () => {
    const t = tariff([{ type: "TIME", price: 2 }]);
    const rating = rateOcpi(one({ TIME: 5 }), t);
    expect(rating.total_excl_tax).toBe("10.0000");
    expect(rating.warnings).toEqual([
      {
        code: "LONGER_THAN_PERIOD",
        detail:
          "the period from 2026-03-02T09:00:00.000Z has 5.0000 h of time and lasts 1.0000 h: billed as written",
      },
    ]);
    expect(rateOcpi(one({ TIME: 1.004 }), t).warnings).toEqual([]);
  });
});

describe("what cannot be rated is named", () => {
  const good = hour(1);
  const said = (session: unknown, t: unknown = tariff([perKwh])): string => {
    try {
      rateOcpi(session as OcpiSession, t as Tariff);
    } catch (error) {
      return (error as Error).message;
    }
    return "rated";
  };
  const bad = (period: object) => said({ ...good, charging_periods: [period] });
  it.each([
    [
      () => said({ ...good, time_zone: "Europe/Nowhere" }),
      /^time_zone is "Europe\/Nowhere"; write an IANA name/,
    ],
    [
      () => said({ ...good, end_date_time: at("08:00") }),
      /^end_date_time is "2026-03-02T08:00:00Z"; end after/,
    ],
    [() => said({ ...good, start_date_time: "2026-02-30T08:00:00Z" }), /^start_date_time is "2026-02-30/],
    [() => said({ ...good, kind: "parked" }), /^kind is "parked"; write normal/],
    [() => said({ ...good, charging_periods: [] }), /^charging_periods is \[\]; list at least one/],
    [() => said(null), /^\(document\) is null/],
    [
      () => bad({ start_date_time: at("11:00"), dimensions: [] }),
      /^charging_periods\[0\]\.start_date_time is "2026/,
    ],
    [
      () => bad({ start_date_time: at("09:00"), dimensions: [{ type: "ENERGY", volume: -1 }] }),
      /^charging_periods\[0\]\.dimensions\[0\]\.volume is -1; write a decimal of at least 0/,
    ],
    [
      () => bad({ start_date_time: at("09:00"), dimensions: [{ type: "ENERGI", volume: 1 }] }),
      /dimensions\[0\]\.type is "ENERGI"; write a CdrDimensionType/,
    ],
    [() => bad({ start_date_time: at("09:00") }), /^charging_periods\[0\]\.dimensions is missing/],
    [
      () => said({ ...good, kind: "reservation_expired" }),
      /^charging_periods\[0\]\.dimensions is .*; an expired reservation/,
    ],
    [
      () => said(good, { id: "t", currency: "EUR", elements: [el([perKwh], { min_kw: 3 })] }),
      /^elements\[0\]\.restrictions has "min_kw"/,
    ],
    [
      () => said(good, { id: "t", currency: "EUR", elements: [el([{ ...perKwh, price: "1,5" }])] }),
      /^elements\[0\]\.price_components\[0\]\.price is "1,5"; write a decimal/,
    ],
    [
      () =>
        said(good, { id: "t", currency: "EUR", elements: [el([perKwh], { reservation: "RESERVATION" })] }),
      /^elements\[0\]\.price_components\[0\]\.type is "ENERGY"; write FLAT or TIME/,
    ],
  ])("%#", (run, message) => {
    expect(run()).toMatch(message);
  });
});
