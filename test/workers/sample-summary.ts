/** CDRs and summaries as the billing fold would write them, numbered. */
import type { Cdr } from "../../src/model/cdr.ts";
import type { SummaryPayload } from "../../src/model/summary.ts";

export function sampleCdr(n: number): Cdr {
  const energyWh = 20_000 + n;
  const kwh = (energyWh / 1000).toFixed(3);
  return {
    id: `cdr-${String(n).padStart(6, "0")}`,
    session_id: `ses-${n}`,
    start_date_time: "2026-03-02T06:00:00Z",
    end_date_time: "2026-03-02T09:00:00Z",
    cdr_token: "5f1c0de0a1b2c3d4e5f60718293a4b5c",
    auth_method: "WHITELIST",
    cdr_location: { id: "ringon", evse_uid: "cp-07/1", connector_id: "1" },
    meter_id: "ABB-1234",
    currency: "SEK",
    tariff: {
      hash: "ab".repeat(32),
      body: {
        id: "day",
        currency: "SEK",
        elements: [{ price_components: [{ type: "ENERGY", price: "2.50", vat: "25", step_size: 1 }] }],
      },
    },
    lines: [
      {
        dimension: "ENERGY",
        element: 0,
        component: 0,
        from: "2026-03-02T06:00:00Z",
        to: "2026-03-02T09:00:00Z",
        measured: kwh,
        billed: kwh,
        measured_units: String(energyWh),
        billed_units: String(energyWh),
        unit_price: "2.50",
        vat_percent: "25",
        amount: { excl_vat: "50.0000", incl_vat: "62.5000" },
      },
    ],
    time_zone: "Europe/Stockholm",
    charging_periods: [],
    total_cost: { excl_vat: "50.0000", incl_vat: "62.5000" },
    total_fixed_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    total_energy_cost: { excl_vat: "50.0000", incl_vat: "62.5000" },
    total_time_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    total_parking_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    total_reservation_cost: { excl_vat: "0.0000", incl_vat: "0.0000" },
    payable: { amount: "62.50", rounding: "0.0000" },
    energy_source: "registers",
    unbilled_time: [],
    warnings: [],
    total_energy: kwh,
    energy_wh: energyWh,
    total_time: "3.0000",
    total_parking_time: "0.0000",
    registers: [
      {
        meter_serial: "ABB-1234",
        from_wh: 1_000_000,
        to_wh: 1_000_000 + energyWh,
        from_ms: Date.parse("2026-03-02T06:00:00Z"),
        to_ms: Date.parse("2026-03-02T09:00:00Z"),
      },
    ],
    flags: [],
    rules: { version: "1", rounding: "half-up-line-2", tzdata: "2026a" },
  };
}

export function samplePayload(seq: number, cdrs: number, recipients: string[]): SummaryPayload {
  return {
    type: "laddport.summary",
    version: 1,
    gateway: "gw-ringon",
    site: "ringon",
    epoch: 1,
    seq,
    previous_sha256: seq === 1 ? null : "cd".repeat(32),
    recipients,
    issued_at: "2026-03-02T09:15:00Z",
    tariff_hashes: cdrs > 0 ? [sampleCdr(1).tariff.hash] : [],
    cdrs: Array.from({ length: cdrs }, (_, i) => sampleCdr(seq * 1000 + i)),
  };
}
