import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SessionFlag } from "../../src/model/session.ts";
import { proveRegisters } from "../../src/rules/register-proof.ts";
import { ended } from "../sinks/depot-events.ts";

const session = (from_wh: number, to_wh: number, flags: SessionFlag[] = []) =>
  ended({
    segments: [{ meter_serial: null, from_wh, to_wh, from_ms: 1000, to_ms: 9000 }],
    energy_wh: to_wh - from_wh,
    flags,
  });
const seen = (...pairs: [ms: number, wh: number][]) => pairs.map(([ms, wh]) => ({ ms, wh }));

describe("energy from the readings of a log", () => {
  it("agrees in any order of arrival, whatever lies before and after the session", () => {
    const rising = fc.array(fc.nat(500), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(rising, fc.infiniteStream(fc.nat()), (steps, order) => {
        let wh = 700;
        const readings = steps.map((step, i) => {
          wh += step;
          return { ms: 1000 + i * 100, wh };
        });
        const shuffled = readings
          .map((reading) => ({ reading, at: order.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ reading }) => reading);
        const [first] = readings;
        const proof = proveRegisters(session(first?.wh ?? 0, wh), [
          ...shuffled,
          { ms: 10, wh: 3 },
          { ms: 9001, wh: 1_000_000 },
        ]);
        expect(proof).toMatchObject({ result: "agrees", readings: steps.length, to_wh: wh, why: "" });
      }),
    );
  });

  it("a step back by rounding is no new stretch", () => {
    expect(
      proveRegisters(session(100, 300), seen([1000, 100], [2000, 210], [3000, 205], [9000, 300])),
    ).toMatchObject({ result: "agrees", energy_wh: 200 });
  });

  it("a restart of the register sums the rising stretches", () => {
    const readings = seen([1000, 5000], [2000, 5400], [3000, 0], [9000, 300]);
    expect(proveRegisters(session(5000, 5700), readings)).toMatchObject({ result: "agrees", energy_wh: 700 });
  });

  it("differs where the bill has another energy, and is unclear where the meter was disturbed", () => {
    const readings = seen([1000, 100], [9000, 300]);
    expect(proveRegisters(session(100, 350), readings)).toMatchObject({
      result: "differs",
      why: "the readings rise by 200 Wh, the bill's registers by 250 Wh",
    });
    expect(proveRegisters(session(100, 350, ["METER_ROLLOVER"]), readings)).toMatchObject({
      result: "unclear",
      why: expect.stringContaining("METER_ROLLOVER"),
    });
  });

  it("no reading, or no register in the session, proves nothing", () => {
    expect(proveRegisters(session(100, 300), []).result).toBe("none");
    expect(proveRegisters(ended({ segments: [] }), seen([1000, 100])).result).toBe("none");
  });
});
