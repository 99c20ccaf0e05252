import { describe, expect, it } from "vitest";
import { readPartnerTariff } from "../../src/rules/rate/partner-tariff.ts";

const ENERGY = { type: "ENERGY", price: "0.25", vat: "10.0", step_size: 1 };

function tariffOf(component: object = {}, element: object = {}, more: object = {}) {
  const elements = [{ price_components: [{ ...ENERGY, ...component }], ...element }];
  return { id: "20", currency: "EUR", elements, ...more };
}
const read = (...parts: Parameters<typeof tariffOf>) => readPartnerTariff(tariffOf(...parts));
const PLAIN = readPartnerTariff(tariffOf());

describe("a tariff as partners send it", () => {
  it("null says that an optional field is absent, at every level", () => {
    const restrictions = {
      start_time: null,
      day_of_week: null,
      max_kwh: null,
      reservation: null,
      x_new: null,
    };
    const top = { type: null, tariff_alt_text: null, min_price: null, tax_included: null, energy_mix: null };
    expect(read({}, { restrictions: null }, top)).toEqual(PLAIN);
    expect(read({ step_size: null }, {}, { country_code: null })).toEqual(PLAIN);
    expect(read({}, { restrictions }).tariff.elements[0]?.restrictions).toEqual({});
    expect(read({ vat: null }).tariff.elements[0]?.price_components[0]?.vat).toBeUndefined();
    expect(read({}, {}, { min_price: { excl_vat: 1, incl_vat: null } }).tariff.min_price).toEqual({
      excl_vat: "1",
    });
  });

  it("fields that OCPI does not know are left out, and each is said with its place", () => {
    const more = {
      x_vendor: { a: 1 },
      max_price: { before_taxes: 5, x_cap: 1 },
      tariff_alt_text: [{ language: "en", text: "hello", x_markup: true }],
    };
    const { tariff, notes } = read({ x_note: "hi" }, { "odd key\u001b[2J": 1 }, more);
    expect(notes.map(({ code, detail }) => [code, detail])).toEqual(
      [
        "x_vendor",
        "tariff_alt_text[0].x_markup",
        "max_price.x_cap",
        'elements[0]."odd key\\u001b[2J"',
        "elements[0].price_components[0].x_note",
      ].map((place) => ["UNKNOWN_FIELD", `${place} is no field of OCPI: it is not used`]),
    );
    expect(tariff.elements).toEqual(PLAIN.tariff.elements);
    expect(tariff.max_price).toEqual({ before_taxes: "5" });
  });

  it("a value that changes no price is not used where OCPI does not know it", () => {
    const { tariff, notes } = read({}, {}, { type: "NIGHT", country_code: "DEU", last_updated: "2026" });
    expect(tariff).toEqual(PLAIN.tariff);
    expect(notes.map(({ detail }) => detail)).toEqual([
      'country_code is "DEU", which OCPI does not know: it is not used',
      'type is "NIGHT", which OCPI does not know: it is not used',
      'last_updated is "2026", which OCPI does not know: it is not used',
    ]);
  });

  it("whole numbers may be written with zeros after the point, or as text", () => {
    const { tariff } = read({ step_size: "60.0" }, { restrictions: { max_duration: "1800.00" } });
    expect(tariff.elements[0]).toMatchObject({
      price_components: [{ step_size: 60 }],
      restrictions: { max_duration: 1800 },
    });
  });

  it("an empty list of weekdays restricts nothing", () => {
    expect(read({}, { restrictions: { day_of_week: [] } }).tariff.elements[0]?.restrictions).toEqual({});
  });

  it("prices that were divided by a tax rate keep all their digits", () => {
    expect(read({ price: "0.2016806722689075630" }).tariff.elements[0]?.price_components[0]?.price).toBe(
      "0.2016806722689075630",
    );
  });

  it.each([
    [tariffOf({}, { restrictions: { min_soc: 5 } }), /^elements\[0\]\.restrictions has "min_soc"/],
    [
      tariffOf({}, { tariff_restrictions: { max_kwh: 5 } }),
      /^elements\[0\]\.tariff_restrictions is no field/,
    ],
    [tariffOf({ taxes: [] }), /^elements\[0\]\.price_components\[0\]\.taxes is no field .*; write vat/],
    [tariffOf({ step_size: 1.5 }), /step_size is 1\.5; write a whole number$/],
    [tariffOf({ vat: "8.100000000000001" }), /vat is .*; write a decimal of at least 0 and at most 8 digits/],
    [tariffOf({ step_size: -1 }), /step_size is -1; write at least 0$/],
    [tariffOf({ price: null }), /price is missing; add it$/],
    [tariffOf({ type: "POWER" }), /type is "POWER"; write "FLAT" or "ENERGY" or "TIME" or "PARKING_TIME"$/],
    [{ ...tariffOf(), elements: [] }, /^elements is \[\]; list at least one$/],
    [{ ...tariffOf(), elements: {} }, /^elements is \{\}; write a list/],
    [{ data: tariffOf(), status_code: 1000 }, /^data is in an OCPI response; write the Tariff in it/],
    [[tariffOf()], /^\(document\) is .*; write one OCPI Tariff/],
  ])("what could change a price is refused: %#", (body, message) => {
    expect(() => readPartnerTariff(body)).toThrow(message);
  });
});
