/** The closing figures of a demo: its JSON shape, which is a contract, and what makes it fail. */
import type { BookedSession } from "../gateway/books.ts";
import type { GatewayStats } from "../main.ts";
import type { GridOrderShown } from "../model/grid-request.ts";
import type { CloudTotals } from "../simulator/cloud-books.ts";
import type { DepotReport } from "../simulator/depot-run.ts";
import type { VisitResult } from "../simulator/station-state.ts";

/** `--json FILE`. Energy is whole Wh shown as kWh. */
export interface DemoFigures {
  stations: number;
  sessions_closed: number;
  cdrs_issued: number;
  /** Closed sessions without a bill, by why: nothing was charged, a person must look first, or nothing is due. */
  sessions_without_energy: number;
  sessions_held: number;
  sessions_free: number;
  /** Billed by what the meter signed; all of them proven by the cloud from the records in the summaries. */
  signed_sessions: number;
  summaries_acknowledged: number;
  summaries_opened: number;
  /** Register differences as the simulated stations have them. */
  energy_kwh_metered: number;
  energy_kwh_billed: number;
  /** True currents per line, from the simulation. */
  peak_site_a: number[];
  site_limit_a: number[];
  limit_violations: number;
  /** Visits that are over, those of which that got what they needed, and kWh that the others lacked. */
  vehicles_left: number;
  vehicles_ready: number;
  energy_kwh_missing: number;
  /** The same by priority class, the highest first; empty where vehicles have none. */
  classes: { class: string; vehicles_left: number; vehicles_ready: number; energy_kwh_missing: number }[];
  /** The same visits if all had shared alike at real speed, every limit obeyed at once and nothing failing. */
  equal_shares: { vehicles_ready: number; energy_kwh_missing: number };
  /** Plans since start, and what stood in for one that was late or failed. */
  plans: { made: number; missed: number };
  /** Null without an order, or when it was never in force. `met_after_s`: depot time; null when it was not kept. */
  grid_order: { kw: number; met_after_s: number | null } | null;
  /** Publishes that a station got a PUBACK for. */
  acked_events: number;
  node_red: string;
  /** In a replay: one entry a recorded session. */
  sessions?: ReplayedSession[];
}

export interface ReplayedSession {
  id: string;
  recorded_kwh: number;
  metered_kwh: number;
  /** Null when nothing was billed for it: no energy, or held. */
  billed_kwh: number | null;
  /** The simulated car had its recorded energy before it left. */
  finished: boolean;
  /** Seconds of depot time in which the car wanted more than it was given. */
  limited_s: number;
}

export interface Outcome {
  report: DepotReport;
  gateway: GatewayStats;
  booked: BookedSession[];
  cloud: CloudTotals;
  siteLimitA: number;
  /** Ids of the visits of each priority class, the highest first; empty where vehicles have none. */
  classes: ReadonlyMap<string, readonly string[]>;
  /** Wh that each visit would have got by equal shares, by its id. */
  equalShares: ReadonlyMap<string, number>;
  /** The order that was in force, as it was seen last. */
  gridOrder: GridOrderShown | null;
  stations: number;
  replay: boolean;
  /** Sessions whose signed records the cloud proved the bill with. */
  provenSessions: number;
  /** The cloud took everything in time. */
  delivered: boolean;
}

/** Depot ms by which the start of a session may lie before the arrival of its visit: clocks of stations stand wrong. */
const CLOCK_TOLERANCE_MS = 180_000;

/** Less than this part of what was wanted is dust. */
const READY = 0.99;

const kwh = (wh: number): number => wh / 1000;
const rounded = (amperes: readonly number[]): number[] => amperes.map((a) => Math.round(a * 1000) / 1000);

export function demoFigures(outcome: Outcome): DemoFigures {
  const { report, gateway, booked, cloud } = outcome;
  const billed = billedByVisit(report.visits, booked);
  const { plan: made = 0, ...stoodIn } = gateway.plan.counts;
  const left = report.visits;
  return {
    stations: outcome.stations,
    sessions_closed: gateway.sessionsClosed,
    cdrs_issued: gateway.cdrsIssued,
    ...withoutBill(booked),
    signed_sessions: signedSessions(booked),
    summaries_acknowledged: gateway.summariesAcknowledged,
    summaries_opened: cloud.summaries_opened,
    energy_kwh_metered: kwh(report.meteredWh),
    energy_kwh_billed: kwh(gateway.energyWhBilled),
    peak_site_a: rounded(report.peakA),
    site_limit_a: [outcome.siteLimitA, outcome.siteLimitA, outcome.siteLimitA],
    limit_violations: report.limitViolations,
    vehicles_left: left.length,
    ...readyAmong(left, ({ meteredWh }) => meteredWh),
    classes: [...outcome.classes].flatMap(([name, ids]) => {
      const own = left.filter(({ id }) => ids.includes(id));
      const figures = readyAmong(own, ({ meteredWh }) => meteredWh);
      return own.length === 0 ? [] : [{ class: name, vehicles_left: own.length, ...figures }];
    }),
    equal_shares: readyAmong(left, ({ id }) => outcome.equalShares.get(id) ?? 0),
    plans: { made, missed: Object.values(stoodIn).reduce((sum, n) => sum + n, 0) },
    grid_order: orderFigures(outcome.gridOrder),
    acked_events: report.ackedPublishes,
    node_red: gateway.nodeRed,
    ...(outcome.replay
      ? {
          sessions: report.visits.map((v) => {
            const wh = billed.get(v.id);
            return {
              id: v.id,
              recorded_kwh: kwh(v.recordedWh ?? 0),
              metered_kwh: kwh(v.meteredWh),
              billed_kwh: wh === undefined ? null : kwh(wh),
              finished: v.finished,
              limited_s: v.limitedS,
            };
          }),
        }
      : {}),
  };
}

function readyAmong(visits: readonly VisitResult[], gotWh: (visit: VisitResult) => number) {
  const missing = visits.map((v) => Math.max(0, v.wantedWh - Math.floor(gotWh(v))));
  return {
    vehicles_ready: visits.filter((v, i) => (missing[i] ?? 0) <= v.wantedWh * (1 - READY)).length,
    energy_kwh_missing: kwh(missing.reduce((sum, wh) => sum + wh, 0)),
  };
}

function orderFigures(order: GridOrderShown | null): DemoFigures["grid_order"] {
  if (order === null) return null;
  return { kw: order.power_w / 1000, met_after_s: order.state === "met" ? (order.after_s ?? null) : null };
}

function signedSessions(booked: readonly BookedSession[]): number {
  return booked.filter(({ signed, billed_wh }) => signed && billed_wh !== null).length;
}

function withoutBill(booked: readonly BookedSession[]) {
  const unbilled = booked.filter((s) => s.billed_wh === null);
  const held = unbilled.filter((s) => s.held).length;
  const empty = unbilled.filter((s) => !s.held && s.energy_wh === 0).length;
  return {
    sessions_without_energy: empty,
    sessions_held: held,
    sessions_free: unbilled.length - held - empty,
  };
}

/** Billed Wh of each visit: every bill at its station whose session began in that stay. */
export function billedByVisit(
  visits: readonly VisitResult[],
  booked: readonly BookedSession[],
): Map<string, number> {
  const atStation = new Map<string, VisitResult[]>();
  for (const visit of visits) atStation.set(visit.station, [...(atStation.get(visit.station) ?? []), visit]);
  for (const own of atStation.values()) own.sort((a, b) => a.arrivalMs - b.arrivalMs);
  const billed = new Map<string, number>();
  for (const session of booked) {
    if (session.billed_wh === null) continue;
    const own = atStation.get(session.station) ?? [];
    const began = (tolerance: number) => own.findLast((v) => v.arrivalMs <= session.started_ms + tolerance);
    const visit = began(0) ?? began(CLOCK_TOLERANCE_MS);
    if (visit) billed.set(visit.id, (billed.get(visit.id) ?? 0) + session.billed_wh);
  }
  return billed;
}

/** Why a demo did not keep the gateway's promises; empty when it did. */
export function failures(outcome: Outcome): string[] {
  const { report, gateway, cloud, booked } = outcome;
  const found: string[] = [];
  if (report.limitViolations > 0) {
    found.push(
      `The site was over its limit ${report.limitViolations} times, at worst by ${report.worstOverA} A.`,
    );
  }
  if (gateway.energyWhBilled !== report.meteredWh) {
    found.push(`Metered ${report.meteredWh} Wh, billed ${gateway.energyWhBilled} Wh.`);
    const billed = billedByVisit(report.visits, booked);
    const differ = report.visits.filter((v) => v.meteredWh !== (billed.get(v.id) ?? 0));
    for (const v of differ.slice(0, 5)) {
      found.push(
        `  visit ${v.id} at ${v.station}: metered ${v.meteredWh} Wh, billed ${billed.get(v.id) ?? 0} Wh.`,
      );
    }
    const held = booked.filter((s) => s.held);
    if (held.length > 0) found.push(`  ${held.length} sessions are held: laddport sessions list.`);
  }
  if (!outcome.delivered) found.push("The cloud did not take every summary in time.");
  else if (cloud.energy_wh !== gateway.energyWhBilled) {
    found.push(`Billed ${gateway.energyWhBilled} Wh, the cloud opened ${cloud.energy_wh} Wh.`);
  }
  const signed = signedSessions(booked);
  if (outcome.delivered && outcome.provenSessions !== signed)
    found.push(
      `${signed} sessions are billed by signed values, the cloud could prove ${outcome.provenSessions}.`,
    );
  if (report.waitingFacts > 0)
    found.push(`${report.waitingFacts} messages of stations were not acknowledged in time.`);
  return [...found, ...report.contractFaults.slice(0, 3).map((f) => `A station was told: ${f}`)];
}
