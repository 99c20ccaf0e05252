import { expect, test } from "vitest";
import { createScreen } from "../../src/cli/demo-screen.ts";
import type { DemoPicture } from "../../src/cli/demo-view.ts";

const picture: DemoPicture = {
  title: "Depot",
  progress: 0.5,
  depotTime: "2026-11-22 18:00",
  speed: 60,
  depot: {
    depotMs: 0,
    siteA: [1, 2, 3],
    peakA: [1, 2, 3],
    limitViolations: 0,
    worstOverA: 0,
    states: { charging: 1 },
    online: 1,
    ackedPublishes: 7,
    waitingFacts: 0,
    droppedSamples: 0,
    meteredWh: 1000,
    visitsDone: 0,
    visitsTotal: 1,
    contractFaults: [],
    lastError: null,
  },
  siteLimitA: 32,
  sessionsOpen: 1,
  sessionsClosed: 0,
  cdrsIssued: 0,
  summariesSealed: 0,
  summariesAcknowledged: 0,
  summariesOpened: 0,
  readiness: null,
  plan: null,
  gridOrder: null,
  nodeRed: "off",
  doors: [],
};

test("a terminal that tells no size gets lines: a frame would be cut to nothing", () => {
  let shown = "";
  const terminal = { isTTY: true, columns: 0, write: (text: string) => (shown += text) };
  const screen = createScreen(terminal, true, () => picture);
  screen.start();
  screen.stop();
  expect(shown).toMatch(/^ 50 % {2}2026-11-22 18:00 .*7 messages\n$/);
});
