/**
 * What `laddport simulate` delivers on months of recorded sessions, as part of what a controller could that knew all
 * beforehand, at site limits of 80, 100 and 120 A (Caltech: 25, 40, 60): departures known, with the minimum current,
 * with drivers' estimates; and the profit with prices by time of use and a demand charge. Skips without recordings.
 *
 *     node test/bench/balance.ts [--json] [--recorded jpl,caltech] [--months 5,6,7,8] [--limits 80,100,120]
 *                                [--modes known,min,estimates,estimates+min,profit]
 */
import { parseArgs } from "node:util";
import { createJointRoom } from "../../src/rules/plan/joint-room.ts";
import { figuresOf } from "../../src/rules/what-if/figures.ts";
import { type RunOptions, type RunResult, runInstance } from "../../src/rules/what-if/run.ts";
import type { Site } from "../../src/rules/what-if/site.ts";
import { solve } from "../../src/workers/solve.ts";
import { hasRecordings, type RecordedSite } from "../simulator/recorded.ts";
import { mostEnergy, mostProfit, type Profit } from "./balance-bound.ts";
import { earliestDeadlineFirst } from "./balance-edf.ts";
import { monthOf } from "./balance-months.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    recorded: { type: "string", default: "jpl" },
    months: { type: "string", default: "6,7" },
    limits: { type: "string" },
    modes: { type: "string", default: "known,min,estimates,estimates+min,profit" },
  },
});

const MODES: Record<string, { estimates: boolean; minCurrent: boolean; priced?: true }> = {
  known: { estimates: false, minCurrent: false },
  min: { estimates: false, minCurrent: true },
  estimates: { estimates: true, minCurrent: false },
  "estimates+min": { estimates: true, minCurrent: true },
  profit: { estimates: false, minCurrent: false, priced: true },
};
const LIMITS: Record<RecordedSite, string> = { jpl: "80,100,120", caltech: "25,40,60" };
const REVENUE_PER_KWH = 0.3;
const PRICED_KW = 150;
/** No limit of the lines where a kW limit and money are what counts. */
const WIDE_A = 300;

/** Slots in which a line or the site's kW is exceeded. */
function exceeded(site: Site, { trace }: RunResult): number {
  let slots = 0;
  for (let t = 0; t < site.slots; t++) {
    const there = site.stays.filter((s) => s.arrive <= t && t < s.depart);
    const roomA = new Float64Array(site.circuits.length * 3).fill(Number.POSITIVE_INFINITY);
    const roomKw = new Float64Array(site.circuits.length).fill(Number.POSITIVE_INFINITY);
    site.circuits.forEach(({ room }, c) => {
      const step = room.findLast(({ fromMs }) => fromMs <= t * site.slotMs);
      if (step?.lineA) roomA.set(step.lineA, c * 3);
      if (step && step.kw !== null) roomKw[c] = step.kw;
    });
    const joint = createJointRoom({ parent: site.parent, roomA, roomKw, phasors: [] }, there);
    const over = there.some((s, i) => {
      const rate = trace.rates[s.id]?.[t - s.arrive] ?? 0;
      const fits = joint.most(i, rate) >= rate - 0.01;
      joint.add(i, rate);
      return !fits;
    });
    if (over) slots++;
  }
  return slots;
}

interface Row {
  depot: string;
  limitA: number;
  mode: string;
  /** Of the optimum: energy, or profit. */
  percent: number;
  filled: number;
  filledByEdf: number | null;
  sessions: number;
  shareP05: number;
  startsPerSession: number;
  exceeded: number;
  peakKw: number;
}

async function run(site: Site, mode: string): Promise<{ result: RunResult } & ReturnType<typeof figuresOf>> {
  const { estimates, minCurrent } = MODES[mode] as (typeof MODES)[string];
  const options: RunOptions = {
    estimates,
    minCurrent,
    policy: "plan",
    async solve(program) {
      const solved = await solve({ program, timeLimitMs: 10_000 });
      return solved.status === "optimal" ? solved : null;
    },
  };
  const result = await runInstance(site, options);
  return { result, ...figuresOf(site, result) };
}

const rows: Row[] = [];
function report(row: Row): void {
  rows.push(row);
  if (values.json) return;
  const edf = row.filledByEdf === null ? "" : ` (earliest deadline first ${row.filledByEdf})`;
  console.log(
    `${row.depot.padEnd(16)} ${String(row.limitA).padStart(4)} A  ${row.mode.padEnd(14)}` +
      `${row.percent.toFixed(2).padStart(7)} %  filled ${row.filled} of ${row.sessions}${edf}` +
      `  5th percentile ${row.shareP05.toFixed(2)}  starts ${row.startsPerSession.toFixed(2)}` +
      `  peak ${row.peakKw.toFixed(1)} kW  exceeded ${row.exceeded}`,
  );
}

async function energyRows(
  recorded: RecordedSite,
  month: number,
  siteA: number,
  modes: string[],
): Promise<void> {
  const site = monthOf({ recorded, month, siteA });
  const most = await mostEnergy(site);
  const edf = modes.includes("known") ? earliestDeadlineFirst(site) : null;
  for (const mode of modes) {
    const { result, ...figures } = await run(site, mode);
    report({
      ...figures,
      depot: site.name,
      limitA: siteA,
      mode,
      percent: (100 * figures.deliveredKwh) / most,
      filledByEdf: mode === "known" ? edf : null,
      exceeded: exceeded(site, result),
    });
  }
}

async function profitRow(recorded: RecordedSite, month: number): Promise<void> {
  const site = monthOf({ recorded, month, siteA: WIDE_A, pricedKw: PRICED_KW });
  const best: Profit = await mostProfit(site, REVENUE_PER_KWH);
  const { result, ...figures } = await run(site, "profit");
  const profit = REVENUE_PER_KWH * figures.deliveredKwh - (figures.cost ?? 0);
  report({
    ...figures,
    depot: site.name,
    limitA: WIDE_A,
    mode: "profit",
    percent: (100 * profit) / best.profit,
    filledByEdf: null,
    exceeded: exceeded(site, result),
  });
}

if (hasRecordings) {
  const modes = values.modes.split(",");
  const unknown = modes.find((mode) => MODES[mode] === undefined);
  if (unknown !== undefined)
    throw new Error(`--modes: ${unknown} is none of ${Object.keys(MODES).join(", ")}`);
  for (const recorded of values.recorded.split(",") as RecordedSite[])
    for (const month of values.months.split(",").map(Number)) {
      const energy = modes.filter((mode) => MODES[mode]?.priced !== true);
      for (const siteA of (values.limits ?? LIMITS[recorded]).split(",").map(Number))
        if (energy.length > 0) await energyRows(recorded, month, siteA, energy);
      if (modes.includes("profit")) await profitRow(recorded, month);
    }
  if (values.json) console.log(JSON.stringify(rows));
}
