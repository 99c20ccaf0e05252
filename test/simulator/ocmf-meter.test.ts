import { describe, expect, test } from "vitest";
import { signedEnergy } from "../../src/rules/ocmf/energy.ts";
import { parseOcmf } from "../../src/rules/ocmf/record.ts";
import { verifyOcmf } from "../../src/rules/ocmf/verify.ts";
import { createOcmfMeter, type SignedValue } from "../../src/simulator/ocmf-meter.ts";

const AT = Date.UTC(2026, 2, 1, 10);

function checked({ data, public_key }: SignedValue) {
  const record = parseOcmf(data);
  return { record, verification: verifyOcmf(record, public_key) };
}

describe("a simulated meter that signs", () => {
  test("proves each transaction to the Wh, time included", () => {
    const meter = createOcmfMeter("sim-cp-001");
    for (const [i, [from, to]] of [
      [7, 1_007],
      [1_007, 20_000_001],
    ].entries()) {
      const tokenUid = "04A2B9C1";
      const begin = meter.value("B", { atMs: AT + i * 7_200_000, wh: from ?? 0, tokenUid });
      const end = meter.value("E", { atMs: AT + i * 7_200_000 + 3_600_000, wh: to ?? 0, tokenUid });
      expect(signedEnergy(checked(begin), checked(end))).toMatchObject({
        energy_wh: String((to ?? 0) - (from ?? 0)),
        billable: true,
        time_billable: true,
        serial: "sim-cp-001",
        reasons: [],
        pagination: [`T${2 * i + 1}`, `T${2 * i + 2}`],
      });
    }
  });

  test("has a key of its own", () => {
    const reading = { atMs: AT, wh: 1, tokenUid: "04" };
    const [one, other] = ["a", "a"].map((serial) => createOcmfMeter(serial).value("B", reading));
    expect(one?.public_key).not.toBe(other?.public_key);
  });
});
