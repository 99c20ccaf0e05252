import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Circuit, type EvseSpec, linesOf, PHASE_ORDERS } from "../../../src/model/circuit.ts";
import { otherKnowledge, proveFallbacks, withoutRoomForOne } from "../../../src/rules/proof/fallbacks.ts";
import { powerRemedyOf, remedyOf } from "../../../src/rules/proof/remedy.ts";
import { lineExcess, powerRemedyWords, remedyWords } from "../../../src/rules/proof/words.ts";
import { circuit, evseSpec } from "../allocation-cases.ts";

const runs = process.env.DEEP ? 2000 : 200;
const site = (limit: number, more: Partial<Circuit> = {}): Circuit => ({
  ...circuit("site", null, limit),
  ...more,
});
const margins = (circuits: Circuit[], evses: EvseSpec[]) =>
  proveFallbacks(circuits, evses, 230).lines.map((l) => l.marginA);
const single = (n: number, of: Partial<EvseSpec> = {}) =>
  Array.from({ length: n }, (_, i) =>
    evseSpec(`cp-${i + 1}`, { circuit: "site", phases: 1, fallbackA: 10, ...of }),
  );

describe("the margin", () => {
  it("is the limit less all fallbacks of the line less the worst other load", () => {
    const circuits = [site(50, { worstOtherA: [10, 0, 0] })];
    expect(margins(circuits, [...single(2), evseSpec("cp-9", { circuit: "site", fallbackA: 6 })])).toEqual([
      14, 44, 44,
    ]);
  });

  it("is 0 where tenths add up to exactly the limit", () => {
    const tenths = single(3, { phases: 3, fallbackA: 0.1 });
    expect(margins([site(0.3)], tenths)).toEqual([0, 0, 0]);
  });

  it("counts other load that is stated below a circuit that states none, and what a circuit states itself instead", () => {
    const rows = [circuit("row-a", "site", 30), circuit("row-b", "site", 30)].map((c) => ({
      ...c,
      worstOtherA: [5, 5, 5] as const,
    }));
    expect(margins([site(50), ...rows], []).slice(0, 3)).toEqual([40, 40, 40]);
    expect(margins([site(50, { worstOtherA: [8, 8, 8] }), ...rows], []).slice(0, 3)).toEqual([42, 42, 42]);
  });

  it("of a limit in kW counts all lines at the voltage, a DC station by what it draws on the AC side", () => {
    const evses = [
      evseSpec("dc-1", { circuit: "site", kind: "dc", fallbackA: 10, minA: 5, efficiency: 0.94 }),
    ];
    const proof = proveFallbacks([site(50, { limitW: 10_000, worstOtherA: [5, 5, 5] })], evses, 230);
    expect(proof.powers).toEqual([
      { circuit: "site", limitW: 10_000, fallbackW: 6900, otherW: 3450, marginW: -350 },
    ]);
    expect(proof.holds).toBe(false);
  });

  it("of unbalance is the worst of all subsets: those on one line without those on the other", () => {
    const evses = [
      ...single(2),
      ...single(1, { phaseOrder: "L2L3L1" }).map((e) => ({ ...e, station: "cp-8" })),
    ];
    const [skew] = proveFallbacks([site(63, { unbalanceA: 16 })], evses, 230).unbalances;
    expect(skew).toEqual({ circuit: "site", limitA: 16, worstA: 20, lines: [0, 1] });
  });
});

describe("what is known of other load", () => {
  it("is stated, none below a circuit that states 0, metered, or unknown", () => {
    const row = circuit("row", "site", 30);
    expect(otherKnowledge([site(50, { worstOtherA: [0, 0, 0] }), row])).toEqual(["stated", "none"]);
    expect(otherKnowledge([site(50, { worstOtherA: [9, 0, 0] }), row])).toEqual(["stated", "unknown"]);
    expect(otherKnowledge([site(50, { meter: "grid" }), row])).toEqual(["metered", "unknown"]);
  });
});

describe("a minimum", () => {
  it("that no EVSE of a circuit can have is found, also where a circuit above is the narrow one", () => {
    const circuits = [site(5), circuit("row", "site", 30)];
    expect(withoutRoomForOne(circuits, [evseSpec("cp-1", { circuit: "row" })])).toEqual(["site"]);
    expect(
      withoutRoomForOne([site(20, { worstOtherA: [0, 15, 0] })], [evseSpec("cp-1", { circuit: "site" })]),
    ).toEqual(["site"]);
    expect(withoutRoomForOne([site(20, { worstOtherA: [0, 15, 0] })], single(1))).toEqual([]);
  });
});

describe("the smallest change", () => {
  it("is rewiring alone when single-phase stations crowd one line", () => {
    const { turns, fallback, limitA } = remedyOf([site(20)], single(4), "site");
    expect(turns).toEqual([
      { station: "cp-1", order: "L2L3L1" },
      { station: "cp-2", order: "L3L1L2" },
    ]);
    expect(fallback).toEqual([{ fallbackA: 0, stations: ["cp-3", "cp-4"] }]);
    expect(limitA).toEqual([40, 20, 20]);
  });

  it("is one fallback for the stations above it, rounded down to the steps of each", () => {
    const evses = [
      evseSpec("cp-1", { circuit: "site", fallbackA: 20, stepA: 2 }),
      evseSpec("cp-2", { circuit: "site", fallbackA: 20 }),
      evseSpec("cp-3", { circuit: "site", fallbackA: 6 }),
    ];
    const remedy = remedyOf([site(32)], evses, "site");
    expect(remedy.fallback).toEqual([
      { fallbackA: 13.9, stations: ["cp-2"] },
      { fallbackA: 12, stations: ["cp-1"] },
    ]);
    expect(remedy.turns).toBeNull();
    expect(remedyWords([site(32)], evses, "site", 0)).toContain(
      "et fallback_a: 13.9 for cp-2, 12 for cp-1, here and in the stations",
    );
  });

  it("spares the stations that can keep theirs when others with high minima are at 0", () => {
    const evses = [
      evseSpec("cp-1", { circuit: "site", fallbackA: 12, minA: 6 }),
      evseSpec("cp-2", { circuit: "site", fallbackA: 20, minA: 10 }),
      evseSpec("cp-3", { circuit: "site", fallbackA: 10, minA: 10 }),
    ];
    expect(remedyOf([site(28)], evses, "site").fallback).toEqual([{ fallbackA: 0, stations: ["cp-2"] }]);
  });

  it("leaves the limits of lines that fit as they are", () => {
    const circuits = [{ ...circuit("site", null, 100), limitA: [100, 8, 100] as [number, number, number] }];
    const evses = single(1, { phaseOrder: "L2L3L1" });
    expect(remedyOf(circuits, evses, "site").limitA).toEqual([100, 10, 100]);
  });

  it("is a higher limit where other load alone is too much", () => {
    const circuits = [site(10, { worstOtherA: [12, 0, 0] })];
    expect(remedyOf(circuits, single(1), "site")).toMatchObject({ fallback: null, limitA: [22, 10, 10] });
  });

  it("does not move a station onto a line that a circuit above has no room on", () => {
    const circuits = [site(40, { worstOtherA: [0, 35, 35] }), circuit("row", "site", 15)];
    expect(remedyOf(circuits, single(2, { circuit: "row" }), "row").turns).toBeNull();
  });

  it("for a limit in kW is one fallback that fits, stations with high minima at 0, or the kW that would do", () => {
    const remedy = (evses: EvseSpec[], limitW: number, more: Partial<Circuit> = {}) => {
      const circuits = [site(400, { limitW, ...more })];
      const [power] = proveFallbacks(circuits, evses, 230).powers;
      return (
        power && {
          ...powerRemedyOf(circuits, evses, power, 230),
          words: powerRemedyWords(circuits, evses, power, 230),
        }
      );
    };
    const three = single(3, { phases: 3, fallbackA: 10, minA: 6, stepA: 0.1 });
    expect(remedy(three, 15_000)).toEqual({
      fallback: [{ fallbackA: 7.2, stations: ["cp-1", "cp-2", "cp-3"] }],
      limitW: 20_700,
      words: "Set fallback_a: 7.2 for cp-1, cp-2, cp-3, here and in the stations; or have limit_kw 20.7.",
    });
    const stiff = single(3, { phases: 3, fallbackA: 10, minA: 10 });
    expect(remedy(stiff, 15_000)?.fallback).toEqual([{ fallbackA: 0, stations: ["cp-3"] }]);
    expect(remedy(three, 3_000, { worstOtherA: [5, 5, 5] })?.words).toBe("Have limit_kw 24.15.");
  });

  it("is said in one line with sum, limit, contributors", () => {
    const circuits = [site(20)];
    const evses = single(5);
    const over = proveFallbacks(circuits, evses, 230).lines.filter((l) => l.marginA < 0);
    expect(lineExcess(circuits, evses, over, "20 A is free")).toBe(
      "on L1: at fallback_a its 5 EVSEs may draw 50 A; 20 A is free. Most: cp-1 10 A, cp-2 10 A, cp-3 10 A and 2 more.",
    );
    expect(remedyWords(circuits, evses, "site", 3)).toBe(
      "Rewire cp-1 to phase_order L2L3L1, cp-2 to phase_order L3L1L2, cp-3 to phase_order L2L3L1, which alone is enough; or set fallback_a: 0 for cp-3, cp-4, cp-5, here and in the stations; or have limit_a [53, 23, 23].",
    );
  });
});

const evses = fc.array(
  fc.record({
    row: fc.constantFrom("row-a", "row-b"),
    phases: fc.constantFrom(1 as const, 3 as const),
    phaseOrder: fc.constantFrom(...PHASE_ORDERS),
    fallbackA: fc.constantFrom(0, 6, 7.5, 10, 16),
    stepA: fc.constantFrom(0.1, 0.6, 1),
    minA: fc.constantFrom(6, 8),
  }),
  { minLength: 1, maxLength: 12 },
);
const depots = fc.record({
  evses,
  limits: fc.tuple(...[60, 40, 40].map((most) => fc.integer({ min: 10, max: most }))),
  other: fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 0, max: 12 }))),
});
function depotOf(given: typeof depots extends fc.Arbitrary<infer T> ? T : never) {
  const [site, a, b] = given.limits as [number, number, number];
  const circuits: Circuit[] = [
    { ...circuit("site", null, site), worstOtherA: given.other as [number, number, number] },
    circuit("row-a", "site", a),
    circuit("row-b", "site", b),
  ];
  const specs = given.evses.map(({ row, ...e }, i) =>
    evseSpec(`cp-${i}`, {
      ...e,
      circuit: row,
      fallbackA: e.fallbackA === 0 ? 0 : Math.max(e.minA, e.fallbackA),
    }),
  );
  return { circuits, specs };
}

describe("of any depot", () => {
  it("no subset of stations at their fallbacks exceeds a limit when the proof holds; all of them do when it fails", () => {
    fc.assert(
      fc.property(depots, fc.integer({ min: 0, max: 4095 }), (given, picks) => {
        const { circuits, specs } = depotOf(given);
        const { lines, holds } = proveFallbacks(circuits, specs, 230);
        const draws = (of: EvseSpec[], l: (typeof lines)[number]) =>
          of
            .filter((e) => l.circuit === "site" || e.circuit === l.circuit)
            .filter((e) => linesOf(e.phaseOrder, e.phases).includes(l.line))
            .reduce((sum, e) => sum + e.fallbackA, l.circuit === "site" ? (given.other[l.line] ?? 0) : 0);
        const some = specs.filter((_, i) => picks & (1 << i));
        if (holds) for (const l of lines) expect(draws(some, l)).toBeLessThanOrEqual(l.limitA + 1e-6);
        else expect(lines.some((l) => draws(specs, l) > l.limitA)).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  it("each change that is proposed makes the circuit fit, and the next higher fallback would not", () => {
    fc.assert(
      fc.property(depots, (given) => {
        const { circuits, specs } = depotOf(given);
        const fits = (of: Circuit[], e: EvseSpec[], id: string) =>
          proveFallbacks(of, e, 230).lines.every((l) => l.circuit !== id || l.marginA >= 0);
        for (const { id } of circuits.filter((c) => !fits(circuits, specs, c.id))) {
          const { limitA, fallback, turns } = remedyOf(circuits, specs, id);
          expect(
            fits(
              circuits.map((c) => (c.id === id ? { ...c, limitA } : c)),
              specs,
              id,
            ),
          ).toBe(true);
          if (turns) {
            const orders = new Map(turns.map((t) => [t.station, t.order]));
            const turned = specs.map((e) => ({ ...e, phaseOrder: orders.get(e.station) ?? e.phaseOrder }));
            expect(fits(circuits, turned, id)).toBe(true);
          }
          if (!fallback) continue;
          const to = new Map(fallback.flatMap((g) => g.stations.map((name) => [name, g.fallbackA] as const)));
          const at = (e: EvseSpec) => to.get(e.station) ?? e.fallbackA;
          const lowered = specs.map((e) => ({ ...e, fallbackA: at(e) }));
          expect(fits(circuits, lowered, id)).toBe(true);
          const lost = (of: EvseSpec[]) =>
            of.reduce((sum, e, i) => sum + e.phases * ((specs[i]?.fallbackA ?? 0) - e.fallbackA), 0);
          for (const one of specs) {
            const step = one.stepA ?? 0.1;
            expect(to.get(one.station) ?? 0).toBeLessThanOrEqual(one.fallbackA);
            expect(at(one) === 0 || at(one) >= one.minA - 1e-9).toBe(true);
            if (to.has(one.station)) expect(at(one) / step).toBeCloseTo(Math.round(at(one) / step), 6);
            // Neither given back to one that is lowered, nor asked of one alone, would less do.
            const given = lowered.map((e) => (e.station === one.station ? one : e));
            if (to.has(one.station)) expect(fits(circuits, given, id)).toBe(false);
            const alone = specs.map((e) => (e.station === one.station ? { ...e, fallbackA: 0 } : e));
            if (fallback.some((g) => g.fallbackA === 0) && fits(circuits, alone, id))
              expect(lost(lowered)).toBeLessThanOrEqual(lost(alone) + 1e-6);
          }
        }
      }),
      { numRuns: runs },
    );
  });
});
