import type { ComponentType, Session, Tariff } from "./shapes.ts";
import {
  amperes,
  charge,
  expiredAfter,
  kW,
  MONDAY,
  ofKwh,
  park,
  reservedFirst,
  SATURDAY,
  session,
  twenty,
} from "./spec-sessions.ts";
import { SPEC } from "./spec-tariffs.ts";

/** A worked example: totals before and after tax, and billed kWh, hours or sessions where it tells them. */
export interface Example {
  name: string;
  /** Section of OCPI. */
  source: string;
  tariff: Tariff;
  session: Session;
  expected: { total_excl: string; total_incl: string; billed?: Partial<Record<ComponentType, string>> };
  /** Why the expected value is not the printed one. */
  note?: string;
}

type Row = [
  name: string,
  tariff: Tariff,
  session: Session,
  total_excl: string,
  total_incl: string,
  more?: { billed?: Partial<Record<ComponentType, string>>; note?: string },
];

const TARIFFS: Row[] = [
  ["0.25 euro per kWh", SPEC.energy, twenty, "5.00", "5.50"],
  ["0.25 euro per kWh + start fee", SPEC.startFee, twenty, "5.50", "6.10"],
  ["minimum price, not reached by 20 kWh", SPEC.minPrice, twenty, "5.00", "5.50"],
  ["minimum price, due for less than 2 kWh", SPEC.minPrice, ofKwh(1.2), "0.50", "0.55"],
  [
    "parking fee + start fee",
    SPEC.parkingAndStart,
    session(`${MONDAY}T10:00`, [charge(120, 20), park(40)]),
    "7.00",
    "7.90",
    { billed: { PARKING_TIME: "0.75", ENERGY: "20", FLAT: "1" } },
  ],
  ["max price reached by 50 kWh", SPEC.maxPrice, ofKwh(50), "10", "11"],
  ["max price not reached by 30 kWh", SPEC.maxPrice, ofKwh(30), "8.00", "8.85"],
  ["2 euro per hour", SPEC.twoPerHour, session(`${MONDAY}T10:00`, [charge(150, 20)]), "5.00", "5.50"],
  [
    "3 euro per hour, 5 euro per hour parking",
    SPEC.threeAndFive,
    session(`${MONDAY}T10:00`, [charge(150, 20), park(42)]),
    "11.25",
    "12.75",
    { billed: { TIME: "2.5", PARKING_TIME: "0.75" } },
  ],
  [
    "ad-hoc tariff with multiple languages",
    SPEC.altText,
    session(`${MONDAY}T10:00`, [charge(150, 20)]),
    "4.75",
    "4.997",
    { note: "printed rounded to 5.00" },
  ],
  [
    "alternative URL, announced price",
    SPEC.altUrl,
    ofKwh(20.45),
    "5.625",
    "6.2375",
    {
      billed: { ENERGY: "20.5" },
      note: "printed rounded to 5.63 and 6.24; the table of OCPI 2.3.0 (5.61 and 6.22) forgets the step_size",
    },
  ],
  [
    "alternative URL, actual price",
    SPEC.altUrlActualPrice,
    ofKwh(20.45),
    "5.01",
    "5.561",
    { note: "printed rounded to 5.56" },
  ],
  [
    "complex tariff on a Monday",
    SPEC.complex,
    session(`${MONDAY}T09:30`, [charge(165, 10, amperes("MAX_CURRENT", 16)), park(42)]),
    "9.00",
    "10.30",
    { billed: { TIME: "2.75", PARKING_TIME: "0.75" } },
  ],
  [
    "complex tariff on a Saturday",
    SPEC.complex,
    session(`${SATURDAY}T13:30`, [charge(114, 10, amperes("MIN_CURRENT", 43)), park(71)]),
    "12.375",
    "13.975",
    {
      billed: { TIME: "1.9", PARKING_TIME: "1.25" },
      note: "printed as 12.28 and 13.861, but 114 minutes at 1.25 per hour are 2.375, not 2.28",
    },
  ],
  ["free of charge", SPEC.free, twenty, "0", "0"],
  ["reservation price", SPEC.reservation, reservedFirst(15), "6.75", "7.60", { billed: { TIME: "0.25" } }],
  [
    "reservation price and fee",
    SPEC.reservationFee,
    reservedFirst(13),
    "8.75",
    "10.00",
    { billed: { TIME: "0.25", FLAT: "2" } },
  ],
  ["reservation price and expire fee, used", SPEC.expireFee, reservedFirst(22), "6.50", "7.30"],
  ["reservation price and expire fee, expired", SPEC.expireFee, expiredAfter(60), "6.00", "7.20"],
  ["reservation time and expire time, used", SPEC.expireTime, reservedFirst(22), "7.00", "7.90"],
  ["reservation time and expire time, expired", SPEC.expireTime, expiredAfter(90), "9.00", "10.80"],
  [
    "step_size 1: 115.2 Wh are billed as 116 Wh",
    SPEC.perStepOfEnergy(1),
    ofKwh(0.1152),
    "0.029",
    "0.029",
    { billed: { ENERGY: "0.116" } },
  ],
  [
    "step_size 25: 101 Wh are billed as 125 Wh",
    SPEC.perStepOfEnergy(25),
    ofKwh(0.101),
    "0.0313",
    "0.0313",
    { billed: { ENERGY: "0.125" }, note: "printed rounded to 0.031" },
  ],
  [
    "step_size 25: 125 Wh are billed as 125 Wh",
    SPEC.perStepOfEnergy(25),
    ofKwh(0.125),
    "0.0313",
    "0.0313",
    { billed: { ENERGY: "0.125" }, note: "printed rounded to 0.031" },
  ],
  ["step_size 500: 1 Wh is billed as 500 Wh", SPEC.perStepOfEnergy(500), ofKwh(0.001), "0.125", "0.125"],
  ["step_size 500: 500 Wh are billed as 500 Wh", SPEC.perStepOfEnergy(500), ofKwh(0.5), "0.125", "0.125"],
  [
    "step_size 300: 6 minutes are billed as 10",
    SPEC.perStepOfTime("TIME"),
    session(`${MONDAY}T10:00`, [charge(6, 1)]),
    "0.1667",
    "0.1667",
    { note: "the price of 1 per hour is not the specification's" },
  ],
  [
    "step_size 300: 8 minutes of parking are billed as 10",
    SPEC.perStepOfTime("PARKING_TIME"),
    session(`${MONDAY}T10:00`, [park(8)]),
    "0.1667",
    "0.1667",
    { note: "the price of 1 per hour is not the specification's" },
  ],
  [
    "switching to different Tariff Element #1",
    SPEC.switching,
    session(`${MONDAY}T16:55`, [charge(5, 1), charge(5, 1), park(2)]),
    "0.55",
    "0.55",
    { billed: { TIME: "0.1667", PARKING_TIME: "0.25" } },
  ],
  [
    "switching to different Tariff Element #2",
    SPEC.switching,
    session(`${MONDAY}T16:35`, [charge(25, 1), charge(10, 1)]),
    "1.30",
    "1.30",
    { billed: { TIME: "0.75" } },
  ],
  [
    "switching to Free-of-Charge Tariff Element",
    SPEC.switching,
    session(`${MONDAY}T19:40`, [charge(12, 1), park(8), park(12)]),
    "0.73",
    "0.73",
    {
      billed: { TIME: "0.2", PARKING_TIME: "0.25" },
      note: "OCPI 2.2.1-d2 prints 0.80, with the wrong prices for both lines; OCPI 2.3.0 prints 0.73",
    },
  ],
  [
    "max_power",
    SPEC.maxPower,
    session(`${MONDAY}T10:00`, [charge(10, 1, kW(6)), charge(50, 40, kW(48)), charge(7.5, 0.5, kW(4))]),
    "20.30",
    "24.36",
    { note: "the total after 20 % VAT is not printed" },
  ],
  [
    "max_power, known from the energy of each period alone",
    SPEC.maxPower,
    session(`${MONDAY}T10:00`, [charge(10, 1), charge(50, 40), charge(7.5, 0.5)]),
    "20.30",
    "24.36",
    { note: "the total after 20 % VAT is not printed" },
  ],
  [
    "max_duration",
    SPEC.maxDuration,
    session(`${MONDAY}T10:00`, [charge(30, 5), charge(10, 1.2)]),
    "0.30",
    "0.36",
    { note: "the total after 20 % VAT is not printed" },
  ],
];

const CDRS: Row[] = [
  [
    "step_size of 5 minutes: 21 minutes of charging and 7 of parking",
    SPEC.chargingAndParking(300),
    session(`${MONDAY}T10:00`, [charge(21, 5), park(7)]),
    "0.6833",
    "0.6833",
    {
      billed: { TIME: "0.35", PARKING_TIME: "0.1667" },
      note: "the prices of 1 and 2 per hour are not the specification's",
    },
  ],
  [
    "step_size of 500 Wh over a price change",
    SPEC.energyAt17,
    session(`${MONDAY}T16:00`, [charge(60, 4.3), charge(30, 1.1)]),
    "1.184",
    "1.184",
    { billed: { ENERGY: "5.5" } },
  ],
  [
    "step_size of 10 minutes over a price change",
    SPEC.timeAt17,
    session(`${MONDAY}T16:54`, [charge(6, 1), charge(22, 4)]),
    "3.30",
    "3.30",
    { billed: { TIME: "0.5" } },
  ],
  [
    "step_size of 10 minutes: 21 minutes of charging and 16 of parking",
    SPEC.chargingAndParking(600),
    session(`${MONDAY}T10:00`, [charge(21, 5), park(16)]),
    "1.0167",
    "1.0167",
    { billed: { TIME: "0.35", PARKING_TIME: "0.3333" } },
  ],
  [
    "example of a CDR",
    SPEC.cdr,
    {
      time_zone: "Europe/Brussels",
      start_date_time: "2024-12-05T17:39:09Z",
      end_date_time: "2024-12-05T19:37:32Z",
      kind: "normal",
      charging_periods: [
        { start_date_time: "2024-12-05T17:39:09Z", dimensions: [{ type: "TIME", volume: 1.973 }] },
      ],
    },
    "4.00",
    "4.40",
    { billed: { TIME: "2" } },
  ],
];

const ONLY_230: Row[] = [
  [
    "North American tariff, taxes not included",
    SPEC.northAmericaExclusive,
    session(`${MONDAY}T10:00`, [charge(90, 5)]),
    "3.00",
    "3.00",
    { note: "the session is not the specification's; a tax rate nobody gives is not guessed" },
  ],
  [
    "North American tariff, taxes included",
    SPEC.northAmericaInclusive,
    session(`${MONDAY}T10:00`, [charge(90, 5)]),
    "3.15",
    "3.15",
    { note: "the session is not the specification's; a tax rate nobody gives is not guessed" },
  ],
];

const example = (source: string, [name, tariff, given, excl, incl, more = {}]: Row): Example => ({
  name,
  source,
  tariff,
  session: given,
  expected: {
    total_excl: excl,
    total_incl: incl,
    ...(more.billed === undefined ? {} : { billed: more.billed }),
  },
  ...(more.note === undefined ? {} : { note: more.note }),
});

/** A tariff of OCPI 2.2.1 as OCPI 2.3.0 writes it: prices without tax, limits before and after taxes. */
function in230(tariff: Tariff): Tariff {
  const limit = (price: Tariff["min_price"]) =>
    price !== undefined && "excl_vat" in price
      ? {
          before_taxes: price.excl_vat,
          ...(price.incl_vat === undefined ? {} : { after_taxes: price.incl_vat }),
        }
      : price;
  const low = limit(tariff.min_price);
  const high = limit(tariff.max_price);
  return {
    ...tariff,
    tax_included: "NO",
    ...(low === undefined ? {} : { min_price: low }),
    ...(high === undefined ? {} : { max_price: high }),
  };
}

const in221 = [
  ...TARIFFS.map((row) => example("OCPI 2.2.1, mod_tariffs", row)),
  ...CDRS.map((row) => example("OCPI 2.2.1, mod_cdrs", row)),
];

/**
 * The worked examples with figures in OCPI 2.2.1, each also as a tariff of OCPI 2.3.0 (which changes how tax and
 * limits are written, not what is due), and the two tariffs that only OCPI 2.3.0 shows.
 */
export const EXAMPLES: Example[] = [
  ...in221,
  ...in221.map((each) => ({
    ...each,
    source: `${each.source}, as a tariff of OCPI 2.3.0`,
    tariff: in230(each.tariff),
  })),
  ...ONLY_230.map((row) => example("OCPI 2.3.0, example tariffs", row)),
];
