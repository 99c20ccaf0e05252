import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addEnergy, demandMa, type Energy, MW_MS_PER_WH } from "../../src/simulator/car.ts";
import { createEvse, type EvsePhysics } from "../../src/simulator/evse.ts";
import type { CarPlan } from "../../src/simulator/plan.ts";

const AC: EvsePhysics = {
  minMa: 6000,
  maxMa: 32_000,
  voltageV: 230,
  efficiency: 1,
  dc: false,
  registerWh: 1_000_000,
};

function car(changes: Partial<CarPlan> = {}): CarPlan {
  return {
    phases: 3,
    maxMa: 16_000,
    energyWh: 20_000,
    taperFromWh: 20_000,
    batteryWh: 60_000,
    socPct: 40,
    ...changes,
  };
}

function charging(physics: EvsePhysics, plan: CarPlan, offerMa: number) {
  const evse = createEvse(physics);
  evse.plug(plan);
  evse.offer(offerMa);
  evse.enable(true);
  return evse;
}

const runs = process.env.DEEP ? 5000 : 200;

describe("energy", () => {
  test("the register equals the integral of the power, whatever the offers and the steps", () => {
    const step = fc.record({
      ms: fc.integer({ min: 1, max: 600_000 }),
      offerMa: fc.integer({ min: 0, max: 40_000 }),
      enabled: fc.boolean(),
    });
    const cars = fc.record({
      phases: fc.constantFrom(1 as const, 3 as const),
      maxMa: fc.integer({ min: 6000, max: 32_000 }),
      energyWh: fc.integer({ min: 0, max: 30_000 }),
      taper: fc.integer({ min: 0, max: 30_000 }),
    });
    fc.assert(
      fc.property(cars, fc.array(step, { maxLength: 40 }), ({ phases, maxMa, energyWh, taper }, steps) => {
        const plan = car({ phases, maxMa, energyWh, taperFromWh: Math.max(0, energyWh - taper) });
        const evse = createEvse(AC);
        evse.plug(plan);
        for (const { ms, offerMa, enabled } of steps) {
          evse.offer(offerMa);
          evse.enable(enabled);
          evse.advance(ms);
          expect(evse.drawMa === 0 || evse.drawMa >= AC.minMa).toBe(true);
          expect(evse.drawMa).toBeLessThanOrEqual(Math.min(offerMa, maxMa));
        }
        expect(evse.registerWh).toBe(AC.registerWh + evse.taken.wh);
        expect(evse.taken.wh).toBeLessThanOrEqual(energyWh);
      }),
      { numRuns: runs },
    );
  });

  test("one long step and many short ones take the same energy at constant current", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 60 }), (parts) => {
        const whole = charging(AC, car(), 32_000);
        const sliced = charging(AC, car(), 32_000);
        whole.advance(parts.reduce((a, b) => a + b, 0));
        for (const ms of parts) sliced.advance(ms);
        expect(sliced.taken).toEqual(whole.taken);
        expect(sliced.drawMa).toBe(whole.drawMa);
      }),
      { numRuns: runs },
    );
  });

  test("an hour at 16 A on three phases of 230 V is 11.04 kWh, less what the ramp cost", () => {
    const evse = charging(AC, car({ maxMa: 16_000 }), 32_000);
    evse.advance(3_600_000);
    // 6, 10 and 14 A for 5 s each, then 16 A: 18 A-steps of 5 s missing on three phases of 230 V.
    const missingWh = (((10 + 6 + 2) * 5) / 3600) * 230 * 3;
    expect(evse.registerWh - AC.registerWh).toBe(Math.floor(11_040 - missingWh));
  });

  test("the integral keeps what is below one Wh", () => {
    const energy: Energy = { wh: 0, restMwMs: 0 };
    for (let i = 0; i < 3600; i++) addEnergy(energy, 1_000_000, 1000);
    expect(energy).toEqual({ wh: 1000, restMwMs: 0 });
    addEnergy(energy, MW_MS_PER_WH - 1, 1);
    expect(energy).toEqual({ wh: 1000, restMwMs: MW_MS_PER_WH - 1 });
  });
});

describe("current", () => {
  test("rises by 4 A each 5 s, from the minimum", () => {
    const evse = charging(AC, car(), 32_000);
    const seen = [evse.drawMa];
    for (let i = 0; i < 4; i++) {
      evse.advance(5000);
      seen.push(evse.drawMa);
    }
    expect(seen).toEqual([6000, 10_000, 14_000, 16_000, 16_000]);
  });

  test("falls at once with the offer, and is zero below the minimum instead of less than 6 A", () => {
    const evse = charging(AC, car(), 32_000);
    evse.advance(60_000);
    evse.offer(8000);
    expect(evse.drawMa).toBe(8000);
    evse.offer(5900);
    expect(evse.drawMa).toBe(0);
    expect(evse.state).toBe("suspended_evse");
    const before = evse.registerWh;
    evse.advance(600_000);
    expect(evse.registerWh).toBe(before);
    evse.offer(6000);
    expect(evse.state).toBe("charging");
  });

  test("tapers towards the end, never between zero and the minimum, and stops full", () => {
    const plan = car({ energyWh: 10_000, taperFromWh: 6000, maxMa: 32_000 });
    const evse = charging(AC, plan, 32_000);
    const draws: number[] = [];
    while (!evse.full && draws.length < 10_000) {
      evse.advance(10_000);
      draws.push(evse.drawMa);
    }
    expect(evse.taken).toEqual({ wh: 10_000, restMwMs: 0 });
    expect(evse.state).toBe("suspended_ev");
    const top = draws.indexOf(32_000);
    const falling = draws.slice(draws.lastIndexOf(32_000));
    expect(top).toBeGreaterThan(0);
    expect(falling.every((ma, i) => i === 0 || ma <= (falling[i - 1] ?? 0))).toBe(true);
    expect(draws.every((ma) => ma === 0 || ma >= 6000)).toBe(true);
    expect(new Set(falling).size).toBeGreaterThan(20);
  });

  test("demand is linear in the missing energy within the taper", () => {
    const plan = car({ energyWh: 10_000, taperFromWh: 6000, maxMa: 32_000 });
    expect(demandMa(plan, { wh: 6000, restMwMs: 0 })).toBe(32_000);
    expect(demandMa(plan, { wh: 8000, restMwMs: 0 })).toBe(16_000);
    expect(demandMa(plan, { wh: 9990, restMwMs: 0 })).toBe(6000);
    expect(demandMa(plan, { wh: 10_000, restMwMs: 0 })).toBe(0);
  });

  test("a car that wants nothing is full from the start", () => {
    const evse = charging(AC, car({ energyWh: 0, taperFromWh: 0 }), 32_000);
    evse.advance(1000);
    expect([evse.full, evse.state, evse.registerWh]).toEqual([true, "suspended_ev", AC.registerWh]);
  });

  test("an open contactor draws nothing and says ev_connected", () => {
    const evse = createEvse(AC);
    evse.offer(32_000);
    evse.plug(car());
    evse.advance(60_000);
    expect([evse.state, evse.drawMa, evse.registerWh]).toEqual(["ev_connected", 0, AC.registerWh]);
  });

  test("time counts as limited while the car wants more than it is offered, waiting included", () => {
    const evse = charging(AC, car({ maxMa: 16_000 }), 8000);
    evse.advance(60_000);
    evse.offer(0);
    evse.advance(30_000);
    evse.offer(16_000);
    evse.advance(40_000);
    expect(evse.limitedMs).toBe(90_000);
  });

  test("phases change without current: it rests five seconds and starts anew on the lines it may use", () => {
    const evse = charging(AC, car(), 16_000);
    evse.advance(60_000);
    expect([evse.drawMa, evse.phases]).toEqual([16_000, 3]);
    const before = evse.registerWh;
    evse.switchTo(1);
    expect([evse.drawMa, evse.phases]).toEqual([0, 1]);
    evse.advance(4999);
    expect([evse.drawMa, evse.registerWh]).toEqual([0, before]);
    evse.advance(60_001);
    expect([evse.drawMa, evse.powerMw]).toEqual([16_000, 16_000 * 230]);
    evse.switchTo(3);
    evse.advance(60_000);
    expect([evse.drawMa, evse.phases]).toEqual([16_000, 3]);
  });

  test("DC delivers efficiency times the AC power, and its register counts what is delivered", () => {
    const dc: EvsePhysics = { ...AC, dc: true, minMa: 7700, maxMa: 80_000, efficiency: 0.95 };
    const evse = charging(dc, car({ maxMa: 80_000, energyWh: 50_000, taperFromWh: 50_000 }), 80_000);
    evse.advance(600_000);
    expect(evse.powerMw).toBe(80_000 * 230 * 3 * 0.95);
    const before = evse.registerWh;
    evse.advance(600_000);
    expect(evse.registerWh - before).toBe(Math.floor((80 * 230 * 3 * 0.95) / 6));
  });

  test("a DC car in its taper does not hang below the charger's minimum", () => {
    const dc: EvsePhysics = { ...AC, dc: true, minMa: 7700, maxMa: 80_000, efficiency: 0.95 };
    const evse = charging(dc, car({ maxMa: 80_000, energyWh: 10_000, taperFromWh: 2000 }), 80_000);
    for (let i = 0; i < 120 && !evse.full; i++) evse.advance(60_000);
    expect(evse.full).toBe(true);
  });
});
