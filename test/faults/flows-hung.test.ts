/** A flow that never returns, in the real Node-RED of a whole gateway: stations must not notice. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { fn, inject, isAlive, TAB } from "../nodes/rig.ts";
import { settle } from "./kill-harness.ts";
import { expectBooksToAgree } from "./log-books.ts";
import { ackedBy, chargingStations, editorOf, SHORT_LEASES, startGateway, until } from "./running-gateway.ts";
import type { StationClient } from "./station-client.ts";

const DEEP = process.env.DEEP === "1";
const BEFORE_MS = DEEP ? 30_000 : 1_500;
const WITH_FLOWS = { LADDPORT__FLOWS__ENABLED: "true", ...SHORT_LEASES };
/** From a timer: what a function node itself does is cut off after five seconds, too soon on a starved machine. */
const HANGS = fn("hangs", "setTimeout(() => { while (true) {} }, 0);");

/** Median wait for an acknowledgement, ms, of what was sent in a span of time. */
function medianMs(clients: StationClient[], fromMs: number, toMs: number): number {
  const waits = clients
    .flatMap((c) => c.sent)
    .filter((s) => s.sentAtMs >= fromMs && s.sentAtMs < toMs && s.ackedAtMs !== null)
    .map((s) => (s.ackedAtMs as number) - s.sentAtMs)
    .sort((a, b) => a - b);
  return waits[Math.floor(waits.length / 2)] ?? Number.NaN;
}

test("a hung flow is ended and started again; messages, limits and bills go on meanwhile", async () => {
  const { depot, gateway, operator } = await startGateway({ env: WITH_FLOWS });
  const flowsAre = async (state: string) => (await operator.status()).flows === state;
  await until("flows run", () => flowsAre("up"));
  const editor = await editorOf(depot);
  await editor("flows", [TAB, inject("press", "hangs"), HANGS]);

  const clients = await chargingStations(depot, { count: 20, window: 2 });
  const calmAtMs = Date.now();
  await sleep(BEFORE_MS);
  const hungAtMs = Date.now();
  const ackedBefore = ackedBy(clients);
  await editor("inject/press");
  const down = await until("the gateway notices", async () => {
    const began = Date.now();
    expect(await operator.metrics()).toContain("laddport_acked_events_total");
    const { flows, alerts } = await operator.status();
    expect(Date.now() - began, "ms for two answers").toBeLessThan(5_000);
    const alert = alerts.find(({ id }) => id === "flows_down");
    return alert && { flows, ...alert };
  });
  const noticedAtMs = Date.now();
  expect(down).toMatchObject({ flows: "restarting", cause: "no_heartbeat" });
  const ackedHung = ackedBy(clients) - ackedBefore;
  expect(ackedHung, "acknowledged while the flow hung").toBeGreaterThan(100);
  const { pid } = JSON.parse(
    gateway.output.split("\n").find((l) => l.includes('"no_heartbeat","pid"')) ?? "{}",
  );
  expect(isAlive(pid)).toBe(false);

  await until("flows run again", () => flowsAre("up"));
  await until("the alert is over", async () => (await operator.status()).alerts.length === 0);
  // Leases are renewed at half time, which may be after the flows are back.
  const renewed = () => clients.map((c) => c.limits.filter((l) => l.atMs > hungAtMs).length);
  await until("every station's limit is renewed", () => Math.min(...renewed()) > 0);
  await settle(clients);
  expect(clients.map((c) => c.losses)).toEqual(clients.map(() => 0));

  expect(await gateway.stop()).toBe(0);

  const { acked, transactions } = await expectBooksToAgree(depot, clients);
  console.log(
    `${acked} acknowledged, ${ackedHung} of them in the ${noticedAtMs - hungAtMs} ms that the flow hung; median wait ` +
      `${medianMs(clients, calmAtMs, hungAtMs)} ms before, ${medianMs(clients, hungAtMs, noticedAtMs)} ms meanwhile; ` +
      `${transactions} transactions billed, ${Math.min(...renewed())} limits a station at least`,
  );
});

test.runIf(DEEP)("a flow that hangs at every start ends in safe mode, and the gateway goes on", async () => {
  const { depot, gateway, operator } = await startGateway({ env: WITH_FLOWS });
  const flows = async () => (await operator.status()).flows;
  await until("flows run", async () => (await flows()) === "up");
  const clients = await chargingStations(depot, { count: 20, window: 2 });
  const editor = await editorOf(depot);
  const atOnce = { ...inject("press", "hangs"), once: true, onceDelay: 0.5 };
  await editor("flows", [TAB, atOnce, HANGS]);
  await until("safe mode", async () => (await flows()) === "safe_mode", 300_000);
  expect((await operator.status()).alerts.map(({ id }) => id)).toContain("flows_down");
  await settle(clients);

  expect(await gateway.stop()).toBe(0);

  await expectBooksToAgree(depot, clients);
});
