import { expect, test } from "vitest";
import { RANK } from "../../src/rules/allocate.ts";
import { type DemandSettings, demand, type EvseFacts, noDemand, type Wish } from "../../src/rules/demand.ts";

const settings: DemandSettings = {
  settleMs: 30_000,
  minOffMs: 300_000,
  minOnMs: 300_000,
  wakeAfterMs: 180_000,
  wakePauseMs: 10_000,
  standbyAfterMs: 600_000,
};

const plugged: EvseFacts = {
  minA: 6,
  maxA: 32,
  plugged: true,
  faulted: false,
  charging: false,
  carHolds: false,
  drawnA: 0,
  offeredA: 0,
  intentA: null,
};

/** One EVSE over seconds; unless `offer` is given, it is offered what it asks for. */
function car() {
  let memory = noDemand(0);
  let t = 0;
  let offeredA = 0;
  return {
    run(seconds: number, facts: Partial<EvseFacts>, offer?: number): Wish[] {
      const wishes: Wish[] = [];
      for (let s = 0; s < seconds; s++) {
        t += 1000;
        const next = demand(memory, { ...plugged, offeredA, ...facts }, settings, t);
        memory = next.memory;
        offeredA = offer ?? next.wish.capA;
        wishes.push(next.wish);
      }
      return wishes;
    },
    last(seconds: number, facts: Partial<EvseFacts>, offer?: number): Wish {
      return this.run(seconds, facts, offer).at(-1) as Wish;
    },
  };
}

test("no car: nothing is asked, whatever was before", () => {
  const c = car();
  c.run(60, { charging: true, drawnA: 16 });
  expect(c.last(1, { plugged: false, drawnA: 0 })).toEqual({
    capA: 0,
    capReason: "not_charging",
    rank: RANK.standby,
  });
  expect(c.last(1, { plugged: false, faulted: true }).capReason).toBe("faulted");
});

test("a plugged car is offered its minimum, then, drawing it, the station's maximum", () => {
  const c = car();
  expect(c.last(1, {})).toMatchObject({ capA: 6, rank: RANK.waiting });
  expect(c.last(1, { charging: true, drawnA: 6 })).toEqual({
    capA: 32,
    capReason: "station_max",
    rank: RANK.justStarted,
  });
  expect(c.last(300, { charging: true, drawnA: 31.8 }).rank).toBe(RANK.running);
});

test("a car that draws 16 of 32 A: the rest is lent out after settling, and reclaimed when it ramps up", () => {
  const c = car();
  c.run(5, { charging: true, drawnA: 6 });
  const settling = c.run(24, { charging: true, drawnA: 16 });
  expect(settling.every((w) => w.capA === 32)).toBe(true);
  const lent = c.last(10, { charging: true, drawnA: 16 });
  expect(lent).toMatchObject({ capReason: "demand_met" });
  expect(lent.capA).toBeCloseTo(17.6, 6);
  expect(c.last(1, { charging: true, drawnA: 17.5 }).capA).toBe(32);
});

test("a taper from 32 to 4 A keeps an offer of 6 A, and is followed in strides", () => {
  const c = car();
  c.run(60, { charging: true, drawnA: 32 });
  const caps = new Set<number>();
  for (let a = 32; a >= 4; a -= 0.25) caps.add(c.last(20, { charging: true, drawnA: a }).capA);
  expect(c.last(60, { charging: true, drawnA: 4 })).toMatchObject({ capA: 6, capReason: "demand_met" });
  expect(caps.size).toBeLessThan(16);
});

test("a car paused by us stays paused for the minimum off-time", () => {
  const c = car();
  c.run(60, { charging: true, drawnA: 10 });
  c.run(1, { charging: true, drawnA: 10 }, 0);
  expect(c.last(1, { charging: false }, 0)).toMatchObject({ capA: 0, capReason: "min_off_time" });
  expect(c.run(290, {}, 0).every((w) => w.capReason === "min_off_time")).toBe(true);
  expect(c.last(15, {}).capA).toBe(6);
});

test("a paused car that does not restart gets one wake-up, then its share is released", () => {
  const c = car();
  c.run(60, { charging: true, drawnA: 10 });
  c.run(1, {}, 0);
  c.run(300, {}, 0);
  const after = c.run(900, {});
  const pauses = after.filter((w, i) => w.capA === 0 && (after[i - 1]?.capA ?? 0) > 0).length;
  expect(pauses).toBe(1);
  expect(after.filter((w) => w.capA === 0).length).toBe(10);
  expect(after.at(-1)).toMatchObject({ capA: 6, rank: RANK.standby });
  // Drawing again, it is as good as any.
  expect(c.last(1, { charging: true, drawnA: 6 }, 6)).toMatchObject({ capA: 32, rank: RANK.justStarted });
});

test("a full car goes on standby, and asks anew when it wants current", () => {
  const c = car();
  c.run(60, { charging: true, drawnA: 16 });
  expect(c.last(500, { carHolds: true }).rank).toBe(RANK.waiting);
  expect(c.last(200, { carHolds: true })).toMatchObject({ capA: 6, rank: RANK.standby });
  expect(c.last(1, { charging: true, drawnA: 6 }).rank).toBe(RANK.justStarted);
});

test("a station that reports no currents but says it charges is trusted with all it may use", () => {
  expect(car().last(120, { charging: true, drawnA: null }, 16)).toMatchObject({
    capA: 32,
    capReason: "station_max",
  });
});

test("an intent lowers the cap and says so; it never lifts it", () => {
  const c = car();
  expect(c.last(5, { charging: true, drawnA: 6, intentA: 10 })).toMatchObject({
    capA: 10,
    capReason: "intent",
  });
  expect(c.last(5, { charging: true, drawnA: 10, intentA: 99, maxA: 16 })).toMatchObject({ capA: 16 });
});

test("a faulted EVSE asks for nothing", () => {
  expect(car().last(5, { faulted: true, charging: true, drawnA: 6 })).toMatchObject({
    capA: 0,
    capReason: "faulted",
  });
});
