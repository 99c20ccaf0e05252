/**
 * The CDR as a schema, for those who receive one: strict, so that a field that it does not know is told. Published as
 * docs/schemas/cdr.json; a type below does not compile when it and `Cdr` part.
 */
import { z } from "zod";
import { type Cdr, TARIFF_DIMENSIONS } from "./cdr.ts";
import { SESSION_FLAGS } from "./session.ts";
import { Tariff } from "./tariff.ts";

const Decimal = z.string().regex(/^-?\d+(\.\d+)?$/);
/** Four decimals: the precision of OCPI's numbers. */
const Amount = z.string().regex(/^-?\d+\.\d{4}$/);
const Instant = z.iso.datetime();
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Whole = z.int().nonnegative();

const Price = z.strictObject({ excl_vat: Amount, incl_vat: Amount });

const Line = z.strictObject({
  dimension: z.enum([...TARIFF_DIMENSIONS, "MIN_PRICE", "MAX_PRICE"]),
  reservation: z.literal(true).exactOptional(),
  element: Whole.nullable(),
  component: Whole.nullable(),
  from: Instant,
  to: Instant,
  energy: z
    .strictObject({
      from_wh: Decimal,
      to_wh: Decimal,
      from_interpolated: z.literal(true).exactOptional(),
      to_interpolated: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  measured: Decimal,
  billed: Decimal,
  measured_units: Decimal,
  billed_units: Decimal,
  unit_price: Decimal,
  tax_included: z.literal(true).exactOptional(),
  vat_percent: Decimal.nullable(),
  amount: Price,
});

const DIMENSION_TYPES = [
  "CURRENT",
  "ENERGY",
  "MAX_CURRENT",
  "MAX_POWER",
  "MIN_CURRENT",
  "MIN_POWER",
  "PARKING_TIME",
  "POWER",
  "RESERVATION_TIME",
  "TIME",
] as const;

const Period = z.strictObject({
  start_date_time: Instant,
  dimensions: z.array(z.strictObject({ type: z.enum(DIMENSION_TYPES), volume: Decimal })),
  tariff_id: z.string(),
});

const PricesPart = z.strictObject({
  series: z.string(),
  points: z.array(z.strictObject({ from_ms: z.int(), to_ms: z.int(), price: Decimal })),
});

const Register = z.strictObject({
  meter_serial: z.string().nullable(),
  from_wh: Whole,
  to_wh: Whole,
  from_ms: z.int(),
  to_ms: z.int(),
});

const SignedValue = z.strictObject({ value: z.string(), unit: z.string(), time: z.string() });

const Signed = z.strictObject({
  encoding_method: z.literal("OCMF"),
  public_key: z.string().nullable(),
  meter_serial: z.string(),
  values: z.array(
    z.strictObject({
      nature: z.enum(["Start", "End", "Intermediate"]),
      sealed_ref: z.string(),
      sha256: Sha256,
    }),
  ),
  verified: z.boolean(),
  reasons: z.array(z.string()),
  begin: SignedValue.nullable(),
  end: SignedValue.nullable(),
});

const WARNING_CODES = [
  "NO_COMPONENT",
  "STRADDLES_PRICE_CHANGE",
  "POWER_DERIVED",
  "CURRENT_UNKNOWN",
  "PRICE_MISSING",
  "TAX_UNEXPLAINED",
] as const;

const Fields = z.strictObject({
  /** OCPI 2.2.1, CDR.id. */
  id: z.string().min(1).max(39),
  session_id: z.string(),
  credit: z.literal(true).exactOptional(),
  credit_reference_id: z.string().max(39).exactOptional(),
  remark: z.string().max(255).exactOptional(),
  start_date_time: Instant,
  end_date_time: Instant,
  time_zone: z.string(),
  cdr_token: z.string().nullable(),
  token_group: z.string().exactOptional(),
  auth_method: z.enum(["WHITELIST", "AUTH_REQUEST"]),
  cdr_location: z.strictObject({ id: z.string(), evse_uid: z.string(), connector_id: z.string() }),
  meter_id: z.string().nullable(),
  currency: z.string().regex(/^[A-Z]{3}$/),
  tariff: z.strictObject({ hash: Sha256, body: Tariff }),
  prices: z.array(PricesPart).exactOptional(),
  charging_periods: z.array(Period),
  lines: z.array(Line),
  total_cost: Price,
  total_fixed_cost: Price,
  total_energy_cost: Price,
  total_time_cost: Price,
  total_parking_cost: Price,
  total_reservation_cost: Price,
  payable: z.strictObject({ amount: Decimal, rounding: Amount }),
  total_energy: z.string().regex(/^\d+\.\d{3}$/),
  energy_wh: Whole,
  energy_source: z.enum(["signed", "registers"]),
  total_time: Decimal,
  total_parking_time: Decimal,
  unbilled_time: z.array(
    z.strictObject({
      state: z.enum(["suspended_evse", "faulted", "gap"]),
      seconds: z.number().nonnegative(),
    }),
  ),
  registers: z.array(Register),
  signed_data: Signed.exactOptional(),
  flags: z.array(z.enum(SESSION_FLAGS)),
  warnings: z.array(z.strictObject({ code: z.enum(WARNING_CODES), detail: z.string() })),
  rules: z.strictObject({ version: z.string(), rounding: z.string(), tzdata: z.string() }),
});

/** Both written out in full, so that they compare field by field, optional ones too. */
type Plain<T> = T extends (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { [Name in keyof T]: Plain<T[Name]> }
    : T;
type Same<A, B> =
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;
type InStep<Schema extends z.ZodType> = Same<z.output<Schema>, Cdr> extends true ? Schema : never;

export const CdrSchema: InStep<typeof Fields> = Fields;
