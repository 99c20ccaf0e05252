import { describe, expect, it } from "vitest";
import type { EvseId } from "../../../src/model/ids.ts";
import { knownStays } from "../../../src/rules/plan/known-stays.ts";
import { HOUR_MS, NOW_MS, need } from "./live-cases.ts";

const hourOf = (ms: number) => (ms / HOUR_MS) % 24;
const nobodyHolds = () => false;
const A = "a/1" as EvseId;

describe("stays under way", () => {
  it("a departure that has passed is remembered as what was said, and teaches when the vehicle leaves", () => {
    const stays = knownStays(hourOf);
    for (let day = 0; day < 12; day++) {
      const at = NOW_MS + day * 24 * HOUR_MS;
      const of = need("a/1", { vehicle: "bus-1", pluggedMs: at, departMs: at + HOUR_MS, source: "file" });
      stays.look([of], nobodyHolds, at);
      stays.look([{ ...of, departMs: null }], nobodyHolds, at + 1.5 * HOUR_MS);
      stays.look([], nobodyHolds, at + 2 * HOUR_MS);
    }
    const at = NOW_MS + 20 * 24 * HOUR_MS;
    const next = need("a/1", { vehicle: "bus-1", pluggedMs: at, departMs: at + HOUR_MS, source: "file" });
    stays.look([next], nobodyHolds, at);
    expect(stays.of(A, at)).toMatchObject({
      departs: { p50: at + 2 * HOUR_MS },
      examples: { departures: 12 },
    });
  });

  it("another vehicle at the same EVSE is another stay, also when nobody saw the gap", () => {
    const stays = knownStays(hourOf);
    const first = need("a/1", { pluggedMs: NOW_MS, departMs: NOW_MS + HOUR_MS, source: "file" });
    stays.look([first], nobodyHolds, NOW_MS);
    const later = NOW_MS + 5 * HOUR_MS;
    stays.look([need("a/1", { pluggedMs: later })], nobodyHolds, later);
    expect(stays.of(A, later)?.departs.p10).toBeGreaterThan(later);
    expect(stays.of(A, later)?.guest).toBe(false);
  });

  it("only who had stopped drawing teaches what vehicles want", () => {
    const wants = (held: boolean) => {
      const stays = knownStays(hourOf);
      for (let k = 0; k < 40; k++) {
        const at = NOW_MS + k * HOUR_MS;
        stays.look([need("a/1", { pluggedMs: at, deliveredWh: 3000 })], () => held, at);
        stays.look([], nobodyHolds, at + HOUR_MS / 2);
      }
      const at = NOW_MS + 50 * HOUR_MS;
      stays.look([need("a/1", { pluggedMs: at })], nobodyHolds, at);
      return stays.of(A, at)?.wants.p50;
    };
    expect(wants(true)).toBe(3);
    expect(wants(false)).toBeGreaterThan(3);
  });

  it("nobody there: nothing is believed", () => {
    expect(knownStays(hourOf).of(A, NOW_MS)).toBeUndefined();
  });
});
