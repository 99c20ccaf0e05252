import { describe, expect, test } from "vitest";
import { createEnvelopes } from "../../src/control/envelopes.ts";
import { createGate, type Proposal } from "../../src/control/gate.ts";
import type { Rooms } from "../../src/control/rooms.ts";
import { CONTROL_DEFAULTS, type ControlSettings, controlTimes } from "../../src/control/settings.ts";
import type { Limit } from "../../src/model/messages.ts";
import { buildTree } from "../../src/rules/allocate-tree.ts";
import { circuit, evseSpec } from "../rules/allocation-cases.ts";

/** A gate on one circuit, with EVSEs that hold confirmed limits, and rooms as the test says. */
function gateWith(held: number[], settings: Partial<ControlSettings> = {}) {
  const all = { ...CONTROL_DEFAULTS, ...settings };
  const times = controlTimes(all, 1000, 1000);
  const specs = held.map((_, i) => evseSpec(`cp-${i + 1}`));
  const tree = buildTree([circuit("site", null, 100)]);
  const envelopes = createEnvelopes(specs, times, 0);
  const sent: { station: string; limit: Limit }[] = [];
  const gate = createGate({
    tree,
    circuitOf: new Int32Array(held.length),
    envelopes,
    settings: all,
    times,
    firstRev: 1000,
    send: (station, _, limit) => sent.push({ station, limit }),
    changed: () => {},
  });
  held.forEach((a, i) => {
    envelopes.sent(i, i + 1, a, envelopes.validMs(i, a), 0);
    envelopes.confirmed(i, i + 1, a, 0);
  });
  return {
    envelopes,
    gate,
    sent,
    /** One pass; answers what was sent, by station number. */
    pass(
      targets: number[],
      limitA: number,
      nowMs: number,
      hold = false,
      roomW = Number.POSITIVE_INFINITY,
    ): [number, number][] {
      const committed = specs.reduce((sum, _, i) => sum + envelopes.mostA(i, nowMs), 0);
      const three = (a: number) => new Float64Array(3).fill(a);
      const rooms: Rooms = {
        shareA: three(limitA),
        raiseA: three(limitA),
        committedA: three(committed),
        otherA: three(0),
        flowA: three(committed),
        shareW: new Float64Array(1).fill(roomW),
        raiseW: new Float64Array(1).fill(roomW),
        committedW: new Float64Array(1).fill(committed * 3 * 230),
        otherW: new Float64Array(1),
        voltageV: 230,
        holds: Uint8Array.of(hold ? 1 : 0),
        stale: Uint8Array.of(0),
      };
      const proposals: Proposal[] = specs.map((spec, index) => ({
        index,
        spec,
        targetA: targets[index] ?? 0,
        reason: "fair_share",
        boundBy: "site L1",
        mask: 7,
        reachable: true,
        drawnA: null,
        voltageV: 230,
        efficiency: 1,
        phases: 3,
        waits: false,
      }));
      const before = sent.length;
      gate.apply(proposals, rooms, nowMs, nowMs);
      return sent.slice(before).map((s) => [Number(s.station.slice(3)), s.limit.limit_a]);
    },
  };
}

describe("raises", () => {
  test("wait for the confirmation of the cut that makes their room", () => {
    const g = gateWith([20, 20]);
    expect(g.pass([10, 30], 40, 20_000)).toEqual([[1, 10]]);
    expect(g.pass([10, 30], 40, 21_000)).toEqual([]);
    g.envelopes.confirmed(0, g.sent[0]?.limit.rev ?? 0, 10, 21_500);
    expect(g.pass([10, 30], 40, 22_000)).toEqual([[2, 30]]);
  });

  test("go as far as free room lets them, and say that they wait for the rest", () => {
    const g = gateWith([20, 20]);
    expect(g.pass([20, 30], 45, 20_000)).toEqual([[2, 25]]);
    expect(g.sent[0]?.limit.reason).toBe("awaiting_confirmation");
  });

  test("do not happen where envelopes exceed the room, not even below the EVSE's own envelope", () => {
    const g = gateWith([32, 20]);
    expect(g.pass([10, 20], 60, 20_000)).toEqual([[1, 10]]);
    // Its station may hold 32 still, or 10 already: 20 would be a raise in an overloaded circuit.
    expect(g.pass([20, 20], 40, 31_000).filter(([, a]) => a > 10 && a !== 20)).toEqual([]);
    expect(g.sent.filter((s) => s.station === "cp-1").every((s) => s.limit.limit_a <= 10)).toBe(true);
  });

  test("wait out the raise delay after any change, need a whole step, and stop while a meter is silent", () => {
    const g = gateWith([20, 6]);
    expect(g.pass([10, 6], 100, 20_000)).toEqual([[1, 10]]);
    g.envelopes.confirmed(0, g.sent[0]?.limit.rev ?? 0, 10, 20_500);
    expect(g.pass([20, 6], 100, 29_000)).toEqual([]);
    expect(g.pass([10.5, 6.9], 100, 40_000).filter(([, a]) => a > 10 || (a > 6 && a < 7))).toEqual([]);
    expect(g.pass([20, 12], 100, 41_000, true).every(([i, a]) => a === (i === 1 ? 10 : 6))).toBe(true);
    expect(g.pass([20, 12], 100, 42_000)).toContainEqual([1, 20]);
  });

  test("go no further than the room in W", () => {
    const g = gateWith([6, 6]);
    // 12 A of 3 lines are committed; 4.14 kW more are 6 A.
    expect(g.pass([32, 32], 100, 20_000, false, 18 * 690)).toEqual([[1, 12]]);
    expect(gateWith([6, 6]).pass([32, 32], 100, 20_000, false, 10 * 690)).toEqual([]);
  });

  test("share the site's ramp", () => {
    const g = gateWith([6, 6, 6], { siteRampA: 8 });
    expect(g.pass([32, 32, 32], 100, 20_000)).toEqual([[1, 14]]);
  });
});

describe("cuts and renewals", () => {
  test("a cut leaves at once even while a higher limit is unconfirmed", () => {
    const g = gateWith([10, 6]);
    expect(g.pass([30, 6], 60, 20_000)).toEqual([[1, 30]]);
    expect(g.pass([20, 6], 60, 21_000)).toEqual([[1, 20]]);
    // Over the limit now: no higher than what the station holds for certain.
    const h = gateWith([10, 6]);
    expect(h.pass([30, 6], 60, 20_000)).toEqual([[1, 30]]);
    expect(h.pass([20, 6], 25, 21_000)).toEqual([[1, 10]]);
  });

  test("what is less than was sent long ago may be a raise: it goes no further than free room", () => {
    const g = gateWith([6, 6]);
    expect(g.pass([30, 6], 60, 20_000)).toEqual([[1, 30]]);
    // Never confirmed, its lease is over: it is at its fallback of 6 A.
    expect(g.envelopes.mostA(0, 130_000)).toBe(6);
    expect(g.pass([25, 6], 20, 130_000)).toEqual([
      [1, 14],
      [2, 6],
    ]);
  });

  test("revisions rise and follow depot time, so that they rise over restarts", () => {
    const g = gateWith([20, 20]);
    g.pass([10, 8], 40, 20_000);
    const revs = g.sent.map((s) => s.limit.rev);
    expect(revs).toEqual([20_000, 20_001]);
  });

  test("a lease that may have ended is not renewed into room that others took", () => {
    const g = gateWith([16, 6]);
    // The station may be at its fallback of 6 A since second 60; 16 A again would raise it.
    expect(g.pass([16, 6], 12, 75_000)).toContainEqual([1, 6]);
    const h = gateWith([16, 6]);
    expect(h.pass([16, 6], 60, 75_000)).toContainEqual([1, 16]);
  });
});

describe("control times", () => {
  test("at real speed a lease is as configured; in fast time it lasts 40 ticks, and a retry half a second of wire time", () => {
    const settings = { ...CONTROL_DEFAULTS, leaseS: 12 };
    expect(controlTimes(settings, 1000, 1000)).toMatchObject({ leaseMs: 12_000, retryMs: 5_000 });
    expect(controlTimes(settings, 48_000, 50)).toMatchObject({ leaseMs: 1_920_000, retryMs: 480_000 });
  });
});
