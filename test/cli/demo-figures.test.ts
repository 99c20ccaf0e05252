import { describe, expect, test } from "vitest";
import { billedByVisit, demoFigures, failures, type Outcome } from "../../src/cli/demo-figures.ts";
import type { BookedSession } from "../../src/gateway/books.ts";
import type { GridOrderShown } from "../../src/model/grid-request.ts";
import type { VisitResult } from "../../src/simulator/station-state.ts";

const HOUR = 3_600_000;

function visit(id: string, station: string, hour: number, meteredWh: number): VisitResult {
  return {
    id,
    station,
    arrivalMs: hour * HOUR,
    departureMs: (hour + 1) * HOUR,
    recordedWh: 12_000,
    wantedWh: 12_000,
    meteredWh,
    finished: meteredWh === 12_000,
    limitedS: 60,
    charged: true,
  };
}

function booked(station: string, startedMs: number, billedWh: number | null): BookedSession {
  return {
    session_id: `s-${startedMs}`,
    station,
    started_ms: startedMs,
    ended_ms: startedMs + HOUR,
    energy_wh: billedWh ?? 0,
    billed_wh: billedWh,
    held: billedWh === null,
    signed: false,
  };
}

function outcome(visits: VisitResult[], sessions: BookedSession[], changes: Partial<Outcome> = {}): Outcome {
  const meteredWh = visits.reduce((sum, v) => sum + v.meteredWh, 0);
  const billedWh = sessions.reduce((sum, s) => sum + (s.billed_wh ?? 0), 0);
  return {
    report: {
      depotMs: 0,
      siteA: [0, 0, 0],
      peakA: [31.9004, 20, 10],
      limitViolations: 0,
      worstOverA: 0,
      states: {},
      online: 2,
      ackedPublishes: 99,
      waitingFacts: 0,
      droppedSamples: 0,
      meteredWh,
      visitsDone: visits.length,
      visitsTotal: visits.length,
      contractFaults: [],
      lastError: null,
      visits,
    },
    gateway: {
      ackedEvents: 100,
      sessionsOpen: 0,
      sessionsClosed: sessions.length,
      cdrsIssued: sessions.length,
      summariesSealed: 1,
      summariesAcknowledged: 1,
      energyWhMetered: billedWh,
      energyWhBilled: billedWh,
      siteA: [0, 0, 0],
      siteLimitA: [32, 32, 32],
      nodeRed: "up",
      stationsByState: {},
      readiness: { ready: 0, on_track: 0, at_risk: 0, impossible: 0, guest: 0 },
      plan: { source: null, madeMs: null, counts: { plan: 12, previous: 2, laxity: 1 } },
      gridOrders: [],
    },
    booked: sessions,
    cloud: {
      summaries_received: 1,
      summaries_opened: 1,
      duplicates: 0,
      rejected: 0,
      gaps: 0,
      chain_breaks: 0,
      cdrs: sessions.length,
      cdr_duplicates: 0,
      energy_wh: billedWh,
    },
    siteLimitA: 32,
    classes: new Map([
      ["bus", ["v1", "v2"]],
      ["pool", []],
      ["guest", ["v3"]],
    ]),
    equalShares: new Map([
      ["v1", 11_900],
      ["v2", 9_000.4],
    ]),
    gridOrder: null,
    stations: 2,
    replay: false,
    provenSessions: 0,
    delivered: true,
    ...changes,
  };
}

const visits = [visit("v1", "cp-1", 1, 5000), visit("v2", "cp-1", 3, 12_000), visit("v3", "cp-2", 1, 700)];
const sessions = [
  booked("cp-1", 1 * HOUR + 5, 5000),
  booked("cp-1", 3 * HOUR + 5, 12_000),
  booked("cp-2", HOUR, 700),
];

test("the JSON has the shape that is promised, exact to the Wh", () => {
  expect(demoFigures(outcome(visits, sessions))).toEqual({
    stations: 2,
    sessions_closed: 3,
    cdrs_issued: 3,
    sessions_without_energy: 0,
    sessions_held: 0,
    sessions_free: 0,
    signed_sessions: 0,
    summaries_acknowledged: 1,
    summaries_opened: 1,
    energy_kwh_metered: 17.7,
    energy_kwh_billed: 17.7,
    peak_site_a: [31.9, 20, 10],
    site_limit_a: [32, 32, 32],
    limit_violations: 0,
    vehicles_left: 3,
    vehicles_ready: 1,
    energy_kwh_missing: 18.3,
    classes: [
      { class: "bus", vehicles_left: 2, vehicles_ready: 1, energy_kwh_missing: 7 },
      { class: "guest", vehicles_left: 1, vehicles_ready: 0, energy_kwh_missing: 11.3 },
    ],
    equal_shares: { vehicles_ready: 1, energy_kwh_missing: 15.1 },
    plans: { made: 12, missed: 3 },
    grid_order: null,
    acked_events: 99,
    node_red: "up",
  });
  expect(demoFigures(outcome(visits, sessions, { replay: true })).sessions?.[1]).toEqual({
    id: "v2",
    recorded_kwh: 12,
    metered_kwh: 12,
    billed_kwh: 12,
    finished: true,
    limited_s: 60,
  });
});

test("an order says when the meter showed that it was kept, and that it was not", () => {
  const order: GridOrderShown = {
    id: "night-cap",
    revision: 1,
    circuit: "site",
    kind: "cap",
    power_w: 76_500,
    from: "2026-01-05T23:00:00.000Z",
    until: null,
    source: "api",
    state: "met",
    after_s: 61.2,
    in_force_w: 76_500,
  };
  const figures = (gridOrder: GridOrderShown) =>
    demoFigures(outcome(visits, sessions, { gridOrder })).grid_order;
  expect(figures(order)).toEqual({ kw: 76.5, met_after_s: 61.2 });
  expect(figures({ ...order, state: "missed" })).toEqual({ kw: 76.5, met_after_s: null });
});

describe("bills find their visit", () => {
  test("by station and start, several to one visit", () => {
    const split = [booked("cp-1", HOUR, 2000), booked("cp-1", HOUR * 1.5, 3000), ...sessions.slice(1)];
    expect([...billedByVisit(visits, split)]).toEqual([
      ["v1", 5000],
      ["v2", 12_000],
      ["v3", 700],
    ]);
  });

  test("of a station whose clock is two minutes slow", () => {
    expect([...billedByVisit(visits, [booked("cp-2", HOUR - 120_000, 700)])]).toEqual([["v3", 700]]);
  });
});

describe("a demo fails", () => {
  test("never when everything agrees", () => {
    expect(failures(outcome(visits, sessions))).toEqual([]);
  });

  test("when a session is not billed, and names it", () => {
    const said = failures(outcome(visits, [booked("cp-1", HOUR, null), ...sessions.slice(1)])).join("\n");
    expect(said).toContain("Metered 17700 Wh, billed 12700 Wh.");
    expect(said).toContain("visit v1 at cp-1: metered 5000 Wh, billed 0 Wh.");
    expect(said).toContain("1 sessions are held");
  });

  test("when a limit was broken, a summary is missing, or the cloud reads another sum", () => {
    const good = outcome(visits, sessions);
    const over = { ...good, report: { ...good.report, limitViolations: 3, worstOverA: 1.5 } };
    expect(failures(over)).toEqual(["The site was over its limit 3 times, at worst by 1.5 A."]);
    expect(failures({ ...good, delivered: false })).toEqual([
      "The cloud did not take every summary in time.",
    ]);
    const other = { ...good, cloud: { ...good.cloud, energy_wh: 17_699 } };
    expect(failures(other)).toEqual(["Billed 17700 Wh, the cloud opened 17699 Wh."]);
    const signed = outcome(visits, sessions.with(0, { ...sessions[0], signed: true } as BookedSession));
    expect(demoFigures(signed).signed_sessions).toBe(1);
    expect(failures(signed)).toEqual(["1 sessions are billed by signed values, the cloud could prove 0."]);
    expect(failures({ ...signed, provenSessions: 1 })).toEqual([]);
  });
});

test("counts sessions without a bill by why they have none", () => {
  const sessions: BookedSession[] = [
    booked("cp-1", HOUR, 12_000),
    { ...booked("cp-1", 2 * HOUR, null), held: true, energy_wh: 500 },
    { ...booked("cp-1", 3 * HOUR, null), held: false, energy_wh: 0 },
    { ...booked("cp-1", 4 * HOUR, null), held: false, energy_wh: 700 },
  ];
  expect(demoFigures(outcome([visit("a", "cp-1", 1, 12_000)], sessions))).toMatchObject({
    sessions_without_energy: 1,
    sessions_held: 1,
    sessions_free: 1,
  });
});
