import { expect, it } from "vitest";
import { ocpiVersion, Tariff } from "../../src/model/tariff.ts";

const whole = {
  country_code: "SE",
  party_id: "LAD",
  id: "day",
  currency: "SEK",
  type: "REGULAR",
  tariff_alt_text: [{ language: "sv", text: "Dagtaxa" }],
  tariff_alt_url: "https://example.com/day",
  min_price: { excl_vat: 1, incl_vat: 1.25 },
  elements: [
    {
      price_components: [{ type: "ENERGY", price: 2.5, vat: 25, step_size: 100 }],
      restrictions: {
        start_time: "06:00",
        end_time: "22:00",
        start_date: "2026-01-01",
        end_date: "2027-01-01",
        min_kwh: 0,
        max_kwh: 100,
        min_current: 6,
        max_current: 96,
        min_power: 1.4,
        max_power: 22,
        min_duration: 0,
        max_duration: 86_400,
        day_of_week: ["MONDAY", "SUNDAY"],
      },
    },
    {
      price_components: [{ type: "TIME", price: 1e-7, step_size: 1 }],
      restrictions: { reservation: "RESERVATION" },
    },
  ],
  start_date_time: "2026-01-01T00:00:00",
  energy_mix: { is_green_energy: true },
  last_updated: "2025-12-01T00:00:00Z",
};

const fault = (change: object): string => {
  const { error } = Tariff.safeParse({ ...whole, ...change });
  const [issue] = error?.issues ?? [];
  return `${issue?.path.join(".")}: ${issue?.message}`;
};
const restricted = (restrictions: object): string =>
  fault({ elements: [{ price_components: [{ type: "FLAT", price: 1 }], restrictions }] });

it("takes a whole OCPI tariff, numbers as exact decimals", () => {
  const parsed = Tariff.parse(whole);
  expect(parsed.elements[0]?.price_components[0]).toEqual({
    type: "ENERGY",
    price: "2.5",
    vat: "25",
    step_size: 100,
  });
  expect(parsed.elements[1]?.price_components[0]?.price).toBe("0.0000001");
  expect(parsed.elements[0]?.restrictions?.min_power).toBe("1.4");
});

it("tells 2.2.1 from 2.3.0 by the fields that only the latter has", () => {
  const versionOf = (change: object) => ocpiVersion(Tariff.parse({ ...whole, ...change }));
  expect(versionOf({})).toBe("2.2.1");
  expect(versionOf({ tax_included: "N/A" })).toBe("2.3.0");
  expect(versionOf({ max_price: { before_taxes: "9.5" } })).toBe("2.3.0");
});

it("names what is wrong and its place", () => {
  expect(restricted({ start_time: "24:00" })).toMatch(
    /^elements\.0\.restrictions\.start_time: write a time of day/,
  );
  expect(restricted({ start_date: "2026-02-30" })).toMatch(/start_date: is not in the calendar/);
  expect(restricted({ day_of_week: ["MON"] })).toMatch(/^elements\.0\.restrictions\.day_of_week\.0: /);
  expect(restricted({ max_kwh: -1 })).toMatch(/max_kwh: write a decimal of at least 0/);
  expect(restricted({ min_kw: 1 })).toMatch(/^elements\.0\.restrictions: Unrecognized key: "min_kw"/);
  expect(fault({ min_price: 5 })).toMatch(/^min_price: is no price limit\. Write/);
  expect(fault({ tax_included: "MAYBE" })).toMatch(/^tax_included: /);
  const reserved = {
    price_components: [{ type: "ENERGY", price: 1 }],
    restrictions: { reservation: "RESERVATION" },
  };
  expect(fault({ elements: [reserved] })).toMatch(
    /^elements\.0\.price_components\.0\.type: has no place in a/,
  );
});
