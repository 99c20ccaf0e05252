import fc from "fast-check";
import type { Dimension, Session } from "./shapes.ts";

const ZONES = [
  "Europe/Stockholm",
  "Europe/London",
  "America/New_York",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Pacific/Apia",
  "UTC",
];

/** Clock changes both ways, midnights before a weekend, after one and of a new year. */
const MOMENTS = [
  "2026-03-29T01:00:00Z",
  "2026-10-25T01:00:00Z",
  "2026-03-08T07:00:00Z",
  "2026-11-01T06:00:00Z",
  "2026-04-04T15:00:00Z",
  "2026-10-03T15:30:00Z",
  "2026-01-09T23:00:00Z",
  "2026-01-11T23:00:00Z",
  "2026-12-31T23:00:00Z",
  "2028-02-28T23:00:00Z",
].map((stamp) => Date.parse(stamp));
const EARLIEST = Date.parse("2026-01-01T00:00:00Z");

const SHAPES = ["charge", "energy", "park", "mixed", "idle"] as const;
const WRITTEN = ["4", "4", "3", "6", "full", "other"] as const;

interface Part {
  seconds: number;
  shape: (typeof SHAPES)[number];
  tenthsOfWh: number;
  written: (typeof WRITTEN)[number];
  otherHours: number;
  kW: number;
  amperes: number;
}

const LENGTHS = [0, 1, 9, 59, 60, 299, 300, 301, 540, 600, 900, 1234, 1800, 3600, 7200, 43_200, 86_400];
const part: fc.Arbitrary<Part> = fc.record({
  seconds: fc.oneof(fc.constantFrom(...LENGTHS), fc.nat(5000)),
  shape: fc.constantFrom(...SHAPES, "charge", "park"),
  tenthsOfWh: fc.oneof(
    fc.constantFrom(0, 1, 10, 250, 1152, 5000, 10_000, 43_000, 200_000),
    fc.nat(40).map((halves) => halves * 5000),
    fc.nat(200_000),
  ),
  written: fc.constantFrom(...WRITTEN),
  otherHours: fc.nat(3000).map((thousandths) => thousandths / 1000),
  kW: fc.oneof(
    fc.constantFrom(0, 3.7, 11, 16, 22, 32, 43, 50),
    fc.nat(500).map((tenths) => tenths / 10),
  ),
  amperes: fc.oneof(
    fc.constantFrom(0, 6, 16, 32, 63),
    fc.nat(960).map((tenths) => tenths / 10),
  ),
});

function hours({ seconds, written, otherHours }: Part): number {
  if (written === "other") return otherHours;
  return written === "full" ? seconds / 3600 : Number((seconds / 3600).toFixed(Number(written)));
}

function quantities(part: Part, reserved: boolean): Dimension[] {
  const volume = hours(part);
  if (reserved) return [{ type: "RESERVATION_TIME", volume }];
  const energy = { type: "ENERGY", volume: part.tenthsOfWh / 10_000 };
  const half = Number((volume / 2).toFixed(4));
  return {
    charge: [energy, { type: "TIME", volume }],
    energy: [energy],
    park: [{ type: "PARKING_TIME", volume }],
    mixed: [energy, { type: "TIME", volume: half }, { type: "PARKING_TIME", volume: half }],
    idle: [{ type: "ENERGY", volume: 0 }],
  }[part.shape];
}

/** What a session's periods report besides the quantities that are billed. */
export interface Reporting {
  power: boolean;
  current: boolean;
  extremes: boolean;
}

/**
 * Power and current as far as the session reports them. Unless `moot`, a period without length or ENERGY
 * always states its power: what it would be otherwise, the standard does not say.
 */
function instantaneous(part: Part, listed: Dimension[], reporting: Reporting, moot: boolean): Dimension[] {
  const isReserved = listed.some(({ type }) => type === "RESERVATION_TIME");
  const hasEnergy = listed.some(({ type }) => type === "ENERGY");
  const isUnclear = part.seconds === 0 || !hasEnergy;
  const power = isReserved || part.shape === "park" || part.shape === "idle" ? 0 : part.kW;
  const dimensions: Dimension[] = [];
  if (reporting.power || (isUnclear && !moot)) dimensions.push({ type: "POWER", volume: power });
  if (reporting.current) dimensions.push({ type: "CURRENT", volume: isReserved ? 0 : part.amperes });
  if (!reporting.extremes) return dimensions;
  const around = [
    { type: "MIN_CURRENT", volume: Math.max(0, part.amperes - 5) },
    { type: "MAX_CURRENT", volume: part.amperes + 5 },
  ];
  const powers = [
    { type: "MIN_POWER", volume: power },
    { type: "MAX_POWER", volume: power + 7 },
  ];
  return [...dimensions, ...powers, ...(reporting.current || moot ? around : [])];
}

const isBilled = (type: string) => type === "ENERGY" || type.endsWith("TIME");
const utc = (instant: number) => new Date(instant).toISOString().replace(".000Z", "Z");

/**
 * Sessions of 1 to 32 periods, at times with a reservation first or alone, with few that are refused for a
 * negative volume. With `moot`, also such as the standard leaves open.
 */
export function sessions(moot: boolean): fc.Arbitrary<{ session: Session; reporting: Reporting }> {
  return fc
    .record({
      zone: fc.constantFrom(...ZONES),
      moment: fc.oneof(
        fc.constantFrom(...MOMENTS),
        fc.integer({ min: 0, max: 365 * 24 * 4 }).map((quarters) => EARLIEST + quarters * 900_000),
      ),
      earlier: fc.oneof(fc.constantFrom(0, 300, 600, 3600), fc.nat(20_000)),
      reserved: fc.constantFrom(0, 0, 0, 1, 2),
      isExpired: fc.nat(9).map((n) => n === 0),
      parts: fc.oneof(
        fc.array(part, { minLength: 1, maxLength: 6 }),
        fc.array(part, { minLength: 1, maxLength: 32 }),
      ),
      reporting: fc.record({ power: fc.boolean(), current: fc.boolean(), extremes: fc.boolean() }),
      negative: fc.nat(99),
    })
    .map(({ zone, moment, earlier, reserved, isExpired, parts, reporting, negative }) => {
      let instant = moment - earlier * 1000;
      const start_date_time = utc(instant);
      const charging_periods = parts.map((each, index) => {
        const listed = quantities(each, isExpired || index < reserved);
        const period = {
          start_date_time: utc(instant),
          dimensions: [...listed, ...instantaneous(each, listed, reporting, moot)],
        };
        instant += each.seconds * 1000;
        return period;
      });
      const listed = charging_periods.at(-1)?.dimensions ?? [];
      const spoilt = negative < 2 ? listed.filter(({ type }) => isBilled(type))[negative] : undefined;
      if (spoilt !== undefined) spoilt.volume = -0.001;
      const session: Session = {
        time_zone: zone,
        start_date_time,
        end_date_time: utc(instant),
        kind: isExpired ? "reservation_expired" : "normal",
        charging_periods,
      };
      return { session, reporting };
    });
}
