import { describe, expect, it } from "vitest";
import type { Cdr } from "../../src/model/cdr.ts";
import { completeCdr } from "../../src/rules/older-cdr.ts";
import { sampleCdr } from "../workers/sample-summary.ts";

describe("a CDR of an older release", () => {
  it("one that has every field comes back equal", () => {
    const cdr = sampleCdr(1);
    const [line] = cdr.lines;
    if (line) line.energy = { from_wh: "0", to_wh: String(cdr.energy_wh) };
    expect(completeCdr(cdr)).toEqual(cdr);
  });

  it("what follows from the rest is filled in", () => {
    const full = sampleCdr(1);
    const { payable: _, time_zone: __, unbilled_time: ___, warnings: ____, ...cdr } = full;
    const lines = [
      {
        dimension: "ENERGY",
        element: 0,
        component: 0,
        measured: "20.001",
        billed: "20.500",
        billed_units: 20_500,
        unit_price: "2.50",
        amount: { excl_vat: "51.2500", incl_vat: "64.0625" },
      },
      {
        dimension: "TIME",
        element: 0,
        component: 1,
        measured: "0.3336",
        billed: "0.3336",
        billed_units: 1201,
        unit_price: "1",
        vat_percent: null,
        amount: { excl_vat: "0.3336", incl_vat: "0.3336" },
      },
    ];
    const total_cost = { excl_vat: "51.58", incl_vat: "64.40" };
    const completed = completeCdr({ ...cdr, lines, total_cost } as unknown as Cdr);
    expect(completed).toMatchObject({
      time_zone: "UTC",
      unbilled_time: [],
      warnings: [],
      total_cost: { excl_vat: "51.5836", incl_vat: "64.3961" },
      payable: { amount: "64.40", rounding: "0.0039" },
    });
    expect(completed.lines).toMatchObject([
      {
        from: full.start_date_time,
        to: full.end_date_time,
        measured_units: "20001",
        billed_units: "20500",
        energy: { from_wh: "0", to_wh: "20001" },
        vat_percent: null,
      },
      { measured_units: "1201", billed_units: "1201" },
    ]);
    expect(completed.lines[1]?.energy).toBeUndefined();
  });

  it("a total that is no rounded sum of its lines stays as it is, to be found", () => {
    const { payable: _, ...cdr } = sampleCdr(1);
    const total_cost = { excl_vat: "50.00", incl_vat: "62.60" };
    expect(completeCdr({ ...cdr, total_cost } as Cdr)).toMatchObject({
      total_cost,
      payable: { amount: "62.60", rounding: "0.0000" },
    });
  });
});
