/** CDRs to show: one with everything a receipt can have, and random ones whose totals are the exact sums of their lines. */
import fc from "fast-check";
import type { Cdr, CdrLine, Price } from "../../src/model/cdr.ts";
import { exact, fixed } from "../../src/model/money.ts";
import { sumOf } from "../../src/rules/explain.ts";

const price = (excl_vat: string, incl_vat: string): Price => ({ excl_vat, incl_vat });
const NOTHING = price("0.0000", "0.0000");

const line = (
  fields: Pick<CdrLine, "dimension" | "element" | "component" | "from" | "to" | "unit_price" | "amount"> &
    Partial<CdrLine>,
): CdrLine => ({
  measured: "1",
  billed: "1",
  measured_units: "1",
  billed_units: "1",
  vat_percent: "25",
  ...fields,
});

const [START, MIDDLE, END] = [
  "2026-11-22T16:00:10.000Z",
  "2026-11-22T18:00:00.000Z",
  "2026-11-22T18:14:32.000Z",
] as const;

const LINES: CdrLine[] = [
  line({
    dimension: "FLAT",
    element: 0,
    component: 0,
    from: START,
    to: START,
    unit_price: "5.00",
    amount: price("5.0000", "6.2500"),
  }),
  line({
    dimension: "ENERGY",
    element: 1,
    component: 0,
    from: START,
    to: MIDDLE,
    energy: { from_wh: "0", to_wh: "1019812.5", to_interpolated: true },
    measured: "1019.8125",
    billed: "1019.8125",
    measured_units: "1019812.5",
    billed_units: "1019812.5",
    unit_price: "3.10",
    amount: price("3161.4188", "3951.7735"),
  }),
  line({
    dimension: "ENERGY",
    element: 2,
    component: 0,
    from: MIDDLE,
    to: END,
    energy: { from_wh: "1019812.5", to_wh: "1021421", from_interpolated: true },
    measured: "1.6085",
    billed: "1.6875",
    measured_units: "1608.5",
    billed_units: "1687.5",
    unit_price: "2.45",
    amount: price("4.1344", "5.1680"),
  }),
  line({
    dimension: "PARKING_TIME",
    element: 2,
    component: 1,
    from: MIDDLE,
    to: END,
    measured: "0.2422",
    billed: "0.2500",
    measured_units: "872",
    billed_units: "900",
    unit_price: "12.00",
    vat_percent: "6",
    amount: price("3.0000", "3.1800"),
  }),
];

/** What the lines come to, as a rating writes it. */
function totals(lines: readonly CdrLine[]): Pick<Cdr, "lines" | "total_cost" | "payable"> {
  const total_cost = sumOf(lines);
  const amount = fixed(exact(total_cost.incl_vat), 2);
  const rounding = fixed(exact(amount).sub(exact(total_cost.incl_vat)), 4);
  return { lines: [...lines], total_cost, payable: { amount, rounding } };
}

/** A bill with several elements, two VAT rates, signed values, an estimate, unbilled time and notes. */
export function sampleCdr(fields: Partial<Cdr> = {}): Cdr {
  return {
    id: "cdr-s4711-88123",
    session_id: "s4711-88123",
    start_date_time: START,
    end_date_time: END,
    time_zone: "Europe/Stockholm",
    cdr_token: "7QK2M4XW9B",
    auth_method: "WHITELIST",
    cdr_location: { id: "ringon", evse_uid: "cp-07/1", connector_id: "1" },
    meter_id: "1ISK0003458291",
    currency: "SEK",
    tariff: {
      hash: "9f2c4be0a1d3587711c0ffee9f2c4be0a1d3587711c0ffee9f2c4be0a1d35877",
      body: {
        id: "depå-kväll",
        currency: "SEK",
        elements: [
          { price_components: [{ type: "FLAT", price: "5.00", vat: "25", step_size: 1 }] },
          { price_components: [{ type: "ENERGY", price: "3.10", vat: "25", step_size: 1 }] },
          {
            price_components: [
              { type: "ENERGY", price: "2.45", vat: "25", step_size: 500 },
              { type: "PARKING_TIME", price: "12.00", vat: "6", step_size: 300 },
            ],
          },
        ],
      },
    },
    charging_periods: [],
    ...totals(LINES),
    total_fixed_cost: price("5.0000", "6.2500"),
    total_energy_cost: price("3165.5532", "3956.9415"),
    total_time_cost: NOTHING,
    total_parking_cost: price("3.0000", "3.1800"),
    total_reservation_cost: NOTHING,
    total_energy: "1021.421",
    energy_wh: 1_021_421,
    energy_source: "signed",
    total_time: "2.2394",
    total_parking_time: "0.2422",
    unbilled_time: [
      { state: "suspended_evse", seconds: 1260 },
      { state: "faulted", seconds: 95 },
    ],
    registers: [
      { meter_serial: "1ISK0003458291", from_wh: 18_234_567, to_wh: 19_255_988, from_ms: 0, to_ms: 0 },
    ],
    signed_data: {
      encoding_method: "OCMF",
      public_key: "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
      meter_serial: "1ISK0003458291",
      values: [
        { nature: "Start", sealed_ref: "blob-1", sha256: "a1".repeat(32) },
        { nature: "End", sealed_ref: "blob-2", sha256: "b2".repeat(32) },
      ],
      verified: true,
      reasons: [],
      begin: { value: "18234.567", unit: "kWh", time: "2026-11-22T17:00:10,000+0100 S" },
      end: { value: "19255.988", unit: "kWh", time: "2026-11-22T19:14:32,000+0100 S" },
    },
    flags: ["UNOBSERVED_TIME", "CLOCK_SKEW"],
    warnings: [{ code: "POWER_DERIVED", detail: "element 1" }],
    rules: { version: "rate-3", rounding: "line-4.payable-minor.half-up", tzdata: "2026a" },
    ...fields,
  };
}

/** The same bill with other lines and what they come to. */
export function withLines(lines: readonly CdrLine[], fields: Partial<Cdr> = {}): Cdr {
  return sampleCdr({ ...totals(lines), ...fields });
}

/** `count` lines of energy, one after the other. */
export function manyLines(count: number): CdrLine[] {
  return Array.from({ length: count }, (_, i) => ({
    ...(LINES[2] as CdrLine),
    amount: price(fixed(exact(String(i)).div(7), 4), fixed(exact(String(i)).div(7).mul(exact("1.25")), 4)),
  }));
}

const amount = fc
  .bigInt({ min: -99_999_999n, max: 99_999_999n })
  .map((units) => fixed(exact(units.toString()).div(10_000), 4));

/** Any amounts, negative ones too, under any rates: nothing here is rated. */
export const anyCdr: fc.Arbitrary<Cdr> = fc
  .array(
    fc.record({
      of: fc.constantFrom(...LINES),
      excl_vat: amount,
      incl_vat: amount,
      vat_percent: fc.constantFrom("25", "25.0", "12", "6", "0", null),
    }),
    { maxLength: 12 },
  )
  .map((drawn) =>
    withLines(
      drawn.map(({ of, excl_vat, incl_vat, vat_percent }) => ({
        ...of,
        vat_percent,
        amount: { excl_vat, incl_vat },
      })),
    ),
  );

/** Takes `cdr` back: the same bill with every amount negated. */
export function creditFor(cdr: Cdr): Cdr {
  const negate = (text: string) => fixed(exact(text).neg(), text.split(".")[1]?.length ?? 0);
  const lines = cdr.lines.map((of) => ({
    ...of,
    amount: price(negate(of.amount.excl_vat), negate(of.amount.incl_vat)),
  }));
  return {
    ...cdr,
    ...totals(lines),
    id: `${cdr.id}-C`,
    credit: true,
    credit_reference_id: cdr.id,
    remark: "wrong tariff",
  };
}
