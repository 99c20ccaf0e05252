import { expect, test } from "vitest";
import { provenSessions } from "../../src/cli/demo-signed.ts";
import type { SignedRecords } from "../../src/model/summary.ts";
import { createOcmfMeter } from "../../src/simulator/ocmf-meter.ts";
import { sampleCdr } from "../workers/sample-summary.ts";

const AT = Date.UTC(2026, 2, 1, 10);

test("a bill is proven only by records that verify and give its energy", () => {
  const meter = createOcmfMeter("m");
  const begin = meter.value("B", { atMs: AT, wh: 100, tokenUid: "04" });
  const end = meter.value("E", { atMs: AT + 1, wh: 20_101, tokenUid: "04" });
  const cdr = sampleCdr(1);
  const proven = (changes: Partial<SignedRecords>, wh = 20_001) => {
    const records: SignedRecords = {
      cdr_id: cdr.id,
      public_key: begin.public_key,
      values: [
        { nature: "Start", signed_data: begin.data },
        { nature: "End", signed_data: end.data },
      ],
      ...changes,
    };
    return provenSessions(new Map([[cdr.id, { ...cdr, energy_wh: wh }]]), new Map([[cdr.id, records]]));
  };
  expect(proven({})).toBe(1);
  expect(proven({}, 20_000)).toBe(0);
  expect(proven({ public_key: null })).toBe(0);
  expect(proven({ values: [{ nature: "Start", signed_data: begin.data }] })).toBe(0);
  const forged = end.data.replace("20.101", "20.102");
  const values = [
    { nature: "Start" as const, signed_data: begin.data },
    { nature: "End" as const, signed_data: forged },
  ];
  expect(proven({ values }, 20_002)).toBe(0);
  expect(proven({ values: [{ nature: "End", signed_data: null, reason: "erased" }] })).toBe(0);
});
