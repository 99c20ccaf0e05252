import { describe, expect, it } from "vitest";
import type { Event, NewEvent } from "../../src/model/event.ts";
import type { TariffVersion } from "../../src/model/tariff.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { DepotLog, energy, of, run, TARIFF } from "./depot-events.ts";

const billing = () => billingFold({ site: "north", tzdata: "2026a" });

/** What the ledger does: the facts of one fold get their places in the log and reach the next. */
function placed(emitted: readonly NewEvent[], from: number): Event[] {
  return emitted.map((event, i) => ({ ...event, offset: from + i }) as Event);
}

function bill(log: DepotLog, from = 1000): NewEvent[] {
  return run(placed(run(log.events), from), billing());
}

const visit = (log = DepotLog.started()) =>
  log
    .start({ at: 0, wh: 10_000, state: "charging", serial: "M-7" })
    .samples({ from: 60, to: 540, every: 60, wh: 10_300, stepWh: 300, ref: "t1" })
    .stop({ at: 600, wh: 13_000, reason: "local" });

describe("billing", () => {
  it("an ended session becomes one CDR, complete", () => {
    const [issued, ...more] = bill(visit());
    expect(more).toEqual([]);
    expect(issued?.key).toBe("cdr.issued:s3-3");
    expect(issued?.body).toEqual({
      id: "cdr-s3-3",
      session_id: "s3-3",
      start_date_time: "2026-03-02T18:00:00.000Z",
      end_date_time: "2026-03-02T18:10:00.000Z",
      time_zone: "Europe/Stockholm",
      cdr_token: "tok-a",
      auth_method: "WHITELIST",
      cdr_location: { id: "north", evse_uid: "cp-01/1", connector_id: "1" },
      meter_id: "M-7",
      currency: "SEK",
      tariff: TARIFF,
      charging_periods: [
        {
          start_date_time: "2026-03-02T18:00:00.000Z",
          dimensions: [
            { type: "ENERGY", volume: "3.000" },
            { type: "TIME", volume: "0.1667" },
          ],
          tariff_id: "depot",
        },
      ],
      lines: [
        {
          dimension: "ENERGY",
          element: 0,
          component: 0,
          from: "2026-03-02T18:00:00.000Z",
          to: "2026-03-02T18:10:00.000Z",
          energy: { from_wh: "0", to_wh: "3000" },
          measured: "3.000",
          billed: "3.000",
          measured_units: "3000",
          billed_units: "3000",
          unit_price: "2.50",
          vat_percent: "25",
          amount: { excl_vat: "7.5000", incl_vat: "9.3750" },
        },
      ],
      total_cost: { excl_vat: "7.5000", incl_vat: "9.3750" },
      total_fixed_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
      total_energy_cost: { excl_vat: "7.5000", incl_vat: "9.3750" },
      total_time_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
      total_parking_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
      total_reservation_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
      payable: { amount: "9.38", rounding: "0.0050" },
      total_energy: "3.000",
      energy_wh: 3000,
      energy_source: "registers",
      total_time: "0.1667",
      total_parking_time: "0.0000",
      unbilled_time: [],
      registers: [
        {
          meter_serial: "M-7",
          from_wh: 10_000,
          to_wh: 13_000,
          from_ms: 1_772_474_400_000,
          to_ms: 1_772_475_000_000,
        },
      ],
      flags: [],
      warnings: [],
      rules: { version: "rate-2", rounding: "line-4.payable-minor.half-up", tzdata: "2026a" },
    });
  });
  it("the same bytes on every replay, wherever in the log the session stands", () => {
    const first = JSON.stringify(bill(visit()));
    expect(JSON.stringify(bill(visit(), 77))).toBe(first);
    const stored = JSON.parse(JSON.stringify(placed(run(visit().events), 5)));
    expect(JSON.stringify(run(stored, billing()))).toBe(first);
  });
  it("uses the tariff of the start although another was adopted meanwhile", () => {
    const other: TariffVersion = {
      hash: "b".repeat(64),
      body: { ...TARIFF.body, elements: [{ price_components: [energy("99")] }] },
    };
    const log = DepotLog.started().start({ at: 0, wh: 0 });
    log.add("tariff.adopted", 30, { tariff: other }, null);
    log.stop({ at: 60, wh: 100 });
    expect(of("cdr.issued", bill(log))[0]).toMatchObject({
      tariff: TARIFF,
      total_cost: { excl_vat: "0.2500" },
    });
  });
  it("nothing for a held session, one without a tariff, or a flat fee for no energy", () => {
    expect(bill(DepotLog.started().start({ at: 0, wh: 0 }).stop({ at: 60, wh: 900_000 }))).toEqual([]);
    expect(bill(visit(DepotLog.started(null)))).toEqual([]);
    const flat: TariffVersion = {
      hash: "c".repeat(64),
      body: {
        ...TARIFF.body,
        elements: [{ price_components: [{ type: "FLAT", price: "5", step_size: 1 }] }],
      },
    };
    expect(bill(DepotLog.started(flat).start({ at: 0, wh: 5 }).stop({ at: 60, wh: 5 }))).toEqual([]);
    expect(bill(DepotLog.started(flat).start({ at: 0, wh: 5 }).stop({ at: 60, wh: 6 }))).toHaveLength(1);
  });
});
