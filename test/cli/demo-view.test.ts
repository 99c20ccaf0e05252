import { expect, test } from "vitest";
import type { DemoFigures } from "../../src/cli/demo-figures.ts";
import { bar, closingTable, type DemoPicture, frame, line, shortTable } from "../../src/cli/demo-view.ts";

const picture: DemoPicture = {
  title: "Depot of 24 stations",
  progress: 0.5,
  depotTime: "2026-11-21 20:15",
  speed: 960,
  depot: {
    depotMs: 0,
    siteA: [150, 75.5, 0],
    peakA: [160.4, 80, 10],
    limitViolations: 0,
    worstOverA: 0,
    states: { charging: 9, suspended_evse: 3, available: 12 },
    online: 24,
    ackedPublishes: 4711,
    waitingFacts: 0,
    droppedSamples: 0,
    meteredWh: 123_456,
    visitsDone: 5,
    visitsTotal: 30,
    contractFaults: [],
    lastError: null,
  },
  siteLimitA: 150,
  sessionsOpen: 12,
  sessionsClosed: 5,
  cdrsIssued: 5,
  summariesSealed: 3,
  summariesAcknowledged: 2,
  summariesOpened: 2,
  readiness: { ready: 20, on_track: 37, at_risk: 2, impossible: 1, guest: 4 },
  plan: { source: "plan", ageS: 185, made: 31 },
  gridOrder: {
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
  },
  nodeRed: "up",
  doors: [["metrics", "http://127.0.0.1:8080/metrics"]],
};

const figures: DemoFigures = {
  stations: 2,
  sessions_closed: 3,
  cdrs_issued: 3,
  sessions_without_energy: 0,
  sessions_held: 0,
  sessions_free: 0,
  signed_sessions: 1,
  summaries_acknowledged: 1,
  summaries_opened: 1,
  energy_kwh_metered: 31.5,
  energy_kwh_billed: 31.5,
  peak_site_a: [31.9, 32, 0],
  site_limit_a: [32, 32, 32],
  limit_violations: 0,
  vehicles_left: 60,
  vehicles_ready: 57,
  energy_kwh_missing: 12.5,
  classes: [],
  equal_shares: { vehicles_ready: 48, energy_kwh_missing: 101 },
  plans: { made: 31, missed: 0 },
  grid_order: { kw: 76.5, met_after_s: 61.2 },
  acked_events: 1234,
  node_red: "up",
};

test("a bar fills by share and never overflows", () => {
  expect(bar(0.5, 10)).toBe("█████░░░░░");
  expect(bar(0, 4)).toBe("░░░░");
  expect(bar(1.7, 4)).toBe("████");
  expect(bar(-1, 4)).toBe("░░░░");
});

test("the frame says how it stands, within 80 columns and without a colour that was not asked for", () => {
  const text = frame(picture, { colour: false, width: 80 });
  expect(text).not.toContain("\u001b");
  expect(text).toContain("150.0 of 150 A");
  expect(text).toContain("9 charging  3 waiting for power  12 free");
  expect(text).toContain("57 of 60 ready or on track, 2 at risk, 1 impossible, 4 unknown");
  expect(text).toContain("newest, 3 min old, 31 made, grid order 76.5 kW met");
  expect(text).toContain("12 open  5 closed  5 billed  123.5 kWh");
  expect(text).toContain("3 sealed  2 acknowledged  2 opened by the cloud");
  expect(text).toContain("http://127.0.0.1:8080/metrics");
  expect(text).toContain("never over the limit");
  expect(text).toContain("50 %");
  for (const row of text.split("\n")) expect([...row].length).toBeLessThanOrEqual(80);
});

test("colour marks a line that is full and an excess", () => {
  const over = {
    ...picture,
    depot: {
      ...picture.depot,
      siteA: [151, 140, 10] as [number, number, number],
      limitViolations: 2,
      worstOverA: 1,
    },
  };
  const text = frame(over, { colour: true, width: 100 });
  expect(text).toContain("\u001b[31m█");
  expect(text).toContain("\u001b[33m█");
  expect(text).toContain("\u001b[31m  over the limit 2 times, at worst by 1.0 A");
});

test("elsewhere it is one line", () => {
  expect(line(picture)).toBe(
    " 50 %  2026-11-21 20:15  site 150/76/0 of 150 A  9 charging, 3 waiting  57 of 60 ready or on track, 2 at risk, 1 impossible, 4 unknown  grid order 76.5 kW met  5 sessions closed, 5 billed  2 summaries acknowledged  4711 messages",
  );
});

test("the closing table aligns its values and names units", () => {
  const rows = closingTable(figures).split("\n");
  expect(rows).toContainEqual(expect.stringMatching(/^stations +2$/));
  expect(rows).toContainEqual(expect.stringMatching(/^energy metered +31\.500 kWh$/));
  const ends = rows.map((row) => row.replace(/ (kWh|A|s)$/, "").length);
  expect(new Set(ends).size).toBe(1);
});

test("a replay adds how the recorded cars went, and who left short", () => {
  const sessions = [
    { id: "a", recorded_kwh: 10, metered_kwh: 10, billed_kwh: 10, finished: true, limited_s: 0 },
    { id: "b", recorded_kwh: 20, metered_kwh: 11.5, billed_kwh: 11.5, finished: false, limited_s: 3600 },
  ];
  const text = closingTable({ ...figures, sessions });
  expect(text).toContain("1 of 2");
  expect(text).toContain("30.000 kWh");
  expect(shortTable({ ...figures, sessions }, 5).split("\n")).toEqual([
    "left short  recorded kWh  metered kWh  limited min",
    "b                 20.000       11.500           60",
  ]);
  expect(shortTable(figures, 5)).toBe("");
});

test("the closing table says who left ready", () => {
  const text = closingTable(figures);
  expect(text).toMatch(/^left with what they needed +95\.0 %, 57 of 60$/m);
  expect(text).toMatch(/^energy missing at departure +12\.500 kWh$/m);
  expect(text).toMatch(/^grid order of 76\.5 kW met after +61\.2 s$/m);
  expect(closingTable({ ...figures, grid_order: { kw: 5, met_after_s: null } })).toMatch(
    /^grid order of 5 kW +not met$/m,
  );
  expect(closingTable({ ...figures, vehicles_left: 0, plans: { made: 3, missed: 2 } })).toMatch(
    /^plans late or failed +2$/m,
  );
});

test("without targets the frame says that all share alike", () => {
  const shown = { ...picture, plan: { source: null, ageS: null, made: 0 }, gridOrder: null };
  expect(frame(shown, { colour: false, width: 80 })).toContain("plan       none: equal shares, 0 made\n");
});

test("the closing table says why there are fewer bills than sessions", () => {
  expect(closingTable(figures)).not.toContain("no bill");
  const shown = closingTable({
    ...figures,
    sessions_closed: 9,
    sessions_without_energy: 4,
    sessions_held: 2,
  });
  expect(shown).toMatch(/^bills issued +3\nno bill: without energy +4\nno bill: held for a person +2\n/m);
  expect(shown).not.toContain("free of charge");
});
