/** A full disk under the whole gateway: acknowledgements wait, everything that is not the log goes on. */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, type TestContext, test } from "vitest";
import { compare, connected, settle } from "./kill-harness.ts";
import { alertsOf, expectBooksToAgree, logOf } from "./log-books.ts";
import { ackedBy, chargingStations, SHORT_LEASES, startGateway, until } from "./running-gateway.ts";
import { mountSmallDisk } from "./small-disk.ts";
import { StationClient } from "./station-client.ts";

const DEEP = process.env.DEEP === "1";
/** Longer than half of the shortest lease, so that every limit has to be renewed while the disk is full. */
const FULL_MS = DEEP ? 60_000 : 7_000;

/** Takes all the room there is; gone when the file is removed. */
function fill(dir: string): string {
  const path = join(dir, "somebody-elses-file");
  const file = openSync(path, "w");
  try {
    for (const chunk = Buffer.alloc(4096); ; ) writeSync(file, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
  return path;
}

/** A gateway under load whose disk has just become full, so that nothing more is acknowledged. */
async function fullDepot(context: TestContext) {
  const { depot, gateway, operator } = await startGateway({
    env: SHORT_LEASES,
    prepare: ({ data }) => mountSmallDisk(data, 24, context),
  });
  // A new card each session, so that the sealed store needs room too.
  const clients = await chargingStations(depot, { count: 20, window: 16, uid: (n) => `04${n}` });
  await until("some load", () => ackedBy(clients) > 500);
  const foreign = fill(depot.data);
  await until("the disk is full", async () => {
    const { status, checks } = await operator.health();
    return status === "failing" && checks.disk?.detail?.includes("LP503");
  });
  // The last free pages may still hold a small group.
  await until("nothing more is taken", async () => {
    const before = ackedBy(clients);
    await sleep(1_000);
    return ackedBy(clients) === before;
  });
  const { messages, cdrsOf } = await logOf(depot.data);
  expect(compare(clients, messages, cdrsOf).lost, "acknowledged and not in the log").toEqual([]);
  return { depot, gateway, operator, clients, foreign };
}

test("a full disk holds acknowledgements and nothing else; with room again nothing is lost", async (context) => {
  const { depot, gateway, operator, clients, foreign } = await fullDepot(context);
  const fullAtMs = Date.now();
  const held = ackedBy(clients);
  expect((await operator.status()).alerts.map((a) => a.id)).toContain("disk_full");
  const [strangerId, password] = [...depot.passwords].at(-1) as [string, string];
  const stranger = new StationClient(strangerId, password, "b1", 1, () => undefined);
  await expect(stranger.connect(depot.port)).rejects.toThrow("CONNACK 3");
  const pings: number[] = [];
  while (Date.now() < fullAtMs + FULL_MS) {
    pings.push(...(await Promise.all(clients.map((c) => c.ping()))));
    await sleep(500);
  }
  expect(ackedBy(clients), "acknowledged while the disk was full").toBe(held);
  const renewed = clients.map((c) => c.limits.filter((l) => l.atMs > fullAtMs).length);
  expect(Math.min(...renewed), "limits that came while the disk was full").toBeGreaterThan(0);
  expect((await operator.health()).status).toBe("failing");

  rmSync(foreign);
  const freedAtMs = Date.now();
  await until("acknowledgements come again", () => ackedBy(clients) > held);
  const resumedMs = Date.now() - freedAtMs;
  await stranger.connect(depot.port);
  await settle(clients);
  expect(clients.map((c) => c.losses)).toEqual(clients.map(() => 0));
  await until("health says so", async () => (await operator.health()).status !== "failing");
  expect(gateway.isRunning).toBe(true);
  expect(gateway.output).not.toContain("died");
  expect(await gateway.stop()).toBe(0);
  stranger.drop();

  const { acked, transactions } = await expectBooksToAgree(depot, clients);
  expect(await alertsOf(depot.data, "disk_full")).toEqual({ raised: 1, cleared: 1 });
  console.log(
    `${FULL_MS} ms full: ${held} acknowledged before, 0 during, ${acked} in all, ${transactions} transactions; ` +
      `${Math.min(...renewed)} to ${Math.max(...renewed)} limits a station, slowest ping ${Math.max(...pings)} ms, ` +
      `first acknowledgement ${resumedMs} ms after there was room`,
  );
});

test.runIf(DEEP)(
  "a gateway killed while the disk is full starts, waits for room and goes on",
  async (context) => {
    const { depot, gateway, operator, clients, foreign } = await fullDepot(context);
    await gateway.kill();
    for (const c of clients) c.drop();
    await gateway.start();
    await sleep(5_000);
    expect(gateway.isRunning, gateway.output).toBe(true);
    // Its first facts may still have found room: then the disk fails with the next ones.
    expect((await operator.health()).checks.disk?.status).not.toBe("ok");
    rmSync(foreign);
    await Promise.all(clients.map((c) => connected(c, depot.port)));
    await settle(clients);
    expect(gateway.output).not.toContain("died");
    expect(await gateway.stop()).toBe(0);
    await expectBooksToAgree(depot, clients);
  },
);
