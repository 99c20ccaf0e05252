import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  neverSwitched,
  phaseSwitch,
  type SwitchFacts,
  type SwitchMemory,
  type SwitchSettings,
} from "../../src/rules/phase-switch.ts";

const settings: SwitchSettings = {
  pauseMs: 10_000,
  downAfterMs: 30_000,
  upAfterMs: 600_000,
  spareA: 0.9,
  mostPerStay: 4,
  giveUpMs: 60_000,
};

const scarce: SwitchFacts = {
  plugged: true,
  usesOne: false,
  minA: 6,
  threeA: 3,
  oneA: 9,
  atRest: false,
  confirmedOne: false,
};
const ample: SwitchFacts = { ...scarce, threeA: 10, oneA: 30 };

/** A station that rests as soon as it is held at 0 and confirms what it is told. */
function station() {
  let memory: SwitchMemory = neverSwitched();
  let t = 0;
  return {
    get memory() {
      return memory;
    },
    run(seconds: number, facts: SwitchFacts, obeys = true): SwitchMemory {
      for (let s = 0; s < seconds; s++) {
        t += 1000;
        const isHeld = memory.target !== null;
        const fed = { ...facts, atRest: isHeld, confirmedOne: obeys && memory.phases === 1 };
        memory = phaseSwitch(memory, fed, settings, t);
      }
      return memory;
    },
  };
}

describe("from three phases to one", () => {
  test("room below three minima but enough for one: a pause without current, then one phase", () => {
    const s = station();
    expect(s.run(30, scarce)).toMatchObject({ phases: 3, target: null });
    expect(s.run(1, scarce)).toMatchObject({ phases: 3, target: 1 });
    expect(s.run(10, scarce)).toMatchObject({ phases: 3, target: 1 });
    expect(s.run(1, scarce)).toMatchObject({ phases: 1, target: 1, switches: 1 });
    expect(s.run(9, scarce)).toMatchObject({ target: 1 });
    expect(s.run(1, scarce)).toMatchObject({ phases: 1, target: null });
  });

  test.each([
    ["room for three", ample],
    ["not enough for one either", { ...scarce, oneA: 6.5 }],
    ["a car that uses one line anyway", { ...scarce, usesOne: true }],
  ])("not with %s", (_, facts) => {
    expect(station().run(2000, facts)).toMatchObject({ phases: 3, target: null, switches: 0 });
  });

  test("a short dip is waited out", () => {
    const s = station();
    for (let i = 0; i < 20; i++) {
      s.run(25, scarce);
      s.run(1, ample);
    }
    expect(s.memory.switches).toBe(0);
  });

  test("current that still flows keeps it waiting", () => {
    const first = phaseSwitch({ ...neverSwitched(), target: 1 }, scarce, settings, 1000);
    expect(phaseSwitch(first, scarce, settings, 900_000)).toMatchObject({ phases: 3, target: 1 });
  });

  test("a station that never confirms one phase goes back to three and is not asked again in this stay", () => {
    const s = station();
    s.run(43, scarce, false);
    expect(s.memory.phases).toBe(1);
    expect(s.run(3000, scarce, false)).toMatchObject({ phases: 3, target: null, unable: true, switches: 1 });
  });
});

describe("back to three", () => {
  test("only when there has been room to spare for ten minutes", () => {
    const s = station();
    s.run(60, scarce);
    expect(s.run(3000, { ...scarce, threeA: 6.5 })).toMatchObject({ phases: 1, target: null });
    expect(s.run(600, ample)).toMatchObject({ phases: 1, target: null });
    expect(s.run(1, ample)).toMatchObject({ target: 3 });
    expect(s.run(25, ample)).toMatchObject({ phases: 3, target: null, switches: 2 });
  });

  test("the next car starts on three", () => {
    const s = station();
    s.run(60, scarce);
    expect(s.run(1, { ...scarce, plugged: false })).toEqual(neverSwitched());
  });
});

test("whatever happens, the phases change only after a rest and no more often than allowed in a stay", () => {
  const facts = fc.record({
    threeA: fc.double({ min: 0, max: 20, noNaN: true }),
    oneA: fc.double({ min: 0, max: 40, noNaN: true }),
    atRest: fc.boolean(),
    confirmedOne: fc.boolean(),
    seconds: fc.integer({ min: 1, max: 900 }),
  });
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 60 }), (steps) => {
      let memory = neverSwitched();
      let t = 0;
      let restedMs = 0;
      for (const { seconds, ...given } of steps)
        for (let s = 0; s < seconds; s += 5) {
          t += 5000;
          restedMs = given.atRest ? restedMs + 5000 : 0;
          const before = memory;
          memory = phaseSwitch(memory, { ...scarce, ...given }, settings, t);
          if (memory.phases !== before.phases && !memory.unable) {
            expect(restedMs).toBeGreaterThan(settings.pauseMs);
            expect(before.target).toBe(memory.phases);
          }
          expect(memory.switches).toBeLessThanOrEqual(settings.mostPerStay);
        }
    }),
  );
});
