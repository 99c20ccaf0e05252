/** What came out of a run, in figures. */
import type { RunResult } from "./run.ts";
import type { Site } from "./site.ts";

export interface Figures {
  instance: string;
  sessions: number;
  askedKwh: number;
  deliveredKwh: number;
  /** Of what was asked. */
  servedPercent: number;
  /** Sessions with 99 % or more of what they asked. */
  filled: number;
  /** Delivered part of what was asked, of the session at the 5th and 25th of 100 from below. */
  shareP05: number;
  shareP25: number;
  /** From nothing to something, per session. */
  startsPerSession: number;
  /** Highest import of a slot on a circuit without parent, charging alone. */
  peakKw: number;
  /** Energy by time and the demand charge for the peak, in the tariff's currency; null without a tariff. */
  cost: number | null;
  plans: number;
  plansMissed: number;
}

const FILLED = 0.99;

export function figuresOf(site: Site, { trace, gotKwh, plans, missed }: RunResult): Figures {
  const hours = site.slotMs / 3_600_000;
  let askedKwh = 0;
  let deliveredKwh = 0;
  let starts = 0;
  let energyCost = 0;
  const shares: number[] = [];
  const rootOf = site.circuits.map((_, c) => {
    let root = c;
    while ((site.parent[root] as number) >= 0) root = site.parent[root] as number;
    return root;
  });
  const kw = site.circuits.map(() => new Float64Array(site.slots));
  for (const stay of site.stays) {
    const got = gotKwh[stay.index] as number;
    askedKwh += stay.energyKwh;
    deliveredKwh += got;
    if (stay.energyKwh > 0) shares.push(Math.min(1, got / stay.energyKwh));
    let before = 0;
    const onRoot = kw[rootOf[stay.circuit] as number] as Float64Array;
    trace.rates[stay.id]?.forEach((rate, k) => {
      if (rate > 0 && before === 0) starts++;
      before = rate;
      const t = stay.arrive + k;
      onRoot[t] = (onRoot[t] as number) + rate * stay.kwPerUnit;
      energyCost += rate * stay.kwPerUnit * hours * (site.energyPerKwh?.[t] ?? 0);
    });
  }
  shares.sort((a, b) => a - b);
  const at = (part: number) => shares[Math.min(shares.length - 1, Math.floor(part * shares.length))] ?? 1;
  const peakKw = Math.max(0, ...kw.map((series) => series.reduce((a, b) => Math.max(a, b), 0)));
  return {
    instance: site.name,
    sessions: site.stays.length,
    askedKwh,
    deliveredKwh,
    servedPercent: askedKwh > 0 ? (100 * deliveredKwh) / askedKwh : 100,
    filled: shares.filter((share) => share >= FILLED).length,
    shareP05: at(0.05),
    shareP25: at(0.25),
    startsPerSession: site.stays.length > 0 ? starts / site.stays.length : 0,
    peakKw,
    cost: site.energyPerKwh === null ? null : energyCost + peakKw * site.demandPerKw,
    plans,
    plansMissed: missed,
  };
}
