import { describe, expect, it } from "vitest";
import type { Tariff } from "../../src/model/tariff.ts";
import { lintTariff } from "../../src/rules/lint-tariff.ts";
import { el, tariffOf } from "./rate-cases.ts";

const said = (tariff: Tariff): string[] => lintTariff(tariff).map((d) => `${d.path.join(".")} ${d.message}`);
const energy = (price: number, more: object = {}) => ({ type: "ENERGY", price, ...more });

describe("gaps", () => {
  it("a hole in the hours of the day is named, and a default closes it", () => {
    const day = el([energy(1)], { start_time: "06:00", end_time: "22:00" });
    const evening = el([energy(2)], { start_time: "22:00", end_time: "23:00" });
    expect(said(tariffOf([day, evening]))).toEqual([
      "elements leave a gap: ENERGY costs nothing from 00:00, and more.",
    ]);
    expect(said(tariffOf([day, evening, el([energy(3)])]))).toEqual([]);
    expect(said(tariffOf([day, el([energy(2)], { start_time: "22:00", end_time: "06:00" })]))).toEqual([]);
  });
  it("days of the week, dates, kWh, durations and power are tried together", () => {
    const weekdays = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"];
    expect(said(tariffOf([el([energy(1)], { day_of_week: weekdays })]))).toEqual([
      "elements leave a gap: ENERGY costs nothing on SATURDAY, and more.",
    ]);
    expect(said(tariffOf([el([energy(1)], { end_date: "2026-06-01" })]))).toEqual([
      "elements leave a gap: ENERGY costs nothing on 2026-06-01.",
    ]);
    expect(said(tariffOf([el([energy(1)], { max_kwh: 10 })]))).toEqual([
      "elements leave a gap: ENERGY costs nothing at 10 kWh.",
    ]);
    expect(said(tariffOf([el([energy(1)], { max_kwh: 10 }), el([energy(2)], { min_kwh: 10 })]))).toEqual([]);
    expect(said(tariffOf([el([energy(1)], { max_power: 22, min_duration: 60 })]))).toEqual([
      "elements leave a gap: ENERGY costs nothing after 0 s with 0 kW, and more.",
    ]);
  });
  it("a dimension that is never priced, and a flat fee for some hours only, are no gaps", () => {
    expect(
      said(tariffOf([el([energy(1)]), el([{ type: "FLAT", price: 1 }], { end_time: "08:00" })])),
    ).toEqual([]);
  });
});

describe("order", () => {
  it("an element in the shadow of an earlier one", () => {
    expect(said(tariffOf([el([energy(1)]), el([energy(2)], { start_time: "17:00" })]))).toEqual([
      "elements.1.price_components.0 is never reached: an earlier element prices ENERGY whenever it could apply.",
      "elements.1 overlaps elements[0], which wins ENERGY by standing first, such as from 17:00.",
    ]);
  });
  it("an overlap in which only the order decides; a default below is none", () => {
    const t = tariffOf([
      el([energy(1)], { start_time: "08:00", end_time: "12:00" }),
      el([energy(2)], { start_time: "10:00", end_time: "14:00" }),
      el([energy(3)]),
    ]);
    expect(said(t)).toEqual([
      "elements.1 overlaps elements[0], which wins ENERGY by standing first, such as from 10:00.",
    ]);
  });
});

describe("single values", () => {
  it.each([
    [{ step_size: 5000 }, undefined, /step_size 5000 bills energy in blocks of 5 kWh/],
    [{ type: "TIME", step_size: 7200 }, undefined, /step_size 7200 bills time in blocks of 120 min/],
    [{}, { min_kwh: 9, max_kwh: 9 }, /restrictions\.min_kwh 9 is not below max_kwh 9: the element never/],
    [
      {},
      { start_time: "08:00", end_time: "08:00" },
      /end_time 08:00 equals start_time: taken as the whole day/,
    ],
    [{}, { start_date: "2026-05-01", end_date: "2026-05-01" }, /end_date 2026-05-01 is not after start_date/],
    [
      {},
      { min_current: 20 },
      /restrictions look at the current, which sessions of this gateway do not carry/,
    ],
  ])("%j %j", (component, restrictions, message) => {
    const t = tariffOf([
      el([energy(1, component)], restrictions),
      el([energy(1), { type: "TIME", price: 1 }]),
    ]);
    expect(said(t).join("\n")).toMatch(message);
  });
  it("limits, validity and taxes that contradict each other", () => {
    const t = (more: object, vat?: number) =>
      said(tariffOf([el([energy(1, vat ? { vat } : {}), { type: "TIME", price: 1 }])], more));
    expect(t({ min_price: { excl_vat: 5 }, max_price: { excl_vat: 4 } })).toEqual([
      "min_price is more than max_price, so every session costs max_price.",
    ]);
    expect(t({ start_date_time: "2026-02-01T00:00:00Z", end_date_time: "2026-01-01T00:00:00Z" })[0]).toMatch(
      /never valid/,
    );
    expect(t({}, 25)).toEqual([
      "elements.0.price_components.1 has no vat while others have: no tax is added to it.",
    ]);
    expect(t({ tax_included: "N/A" }, 25)).toEqual([
      "elements.0.price_components.0.vat 25 is not applied: tax_included is N/A.",
    ]);
    expect(t({ tax_included: "YES" })[0]).toMatch(/^tax_included is YES, and no component names a vat/);
  });
});
