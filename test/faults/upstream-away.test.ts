/** The cloud away, then deaf to its own receipts, under the whole gateway: each CDR counts once in its books. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { scratchDir } from "../log/sample-events.ts";
import { settle } from "./kill-harness.ts";
import { expectBooksToAgree, factsOf } from "./log-books.ts";
import { ackedBy, chargingStations, startGateway, until } from "./running-gateway.ts";

const DEEP = process.env.DEEP === "1";
const AWAY_MS = DEEP ? 60_000 : 1_000;
/** 32 on their way at once, each sent again after half a minute to a minute by then. */
const REPEATS = DEEP ? 30 : 5;

test("the cloud away, then losing receipts: every CDR once, numbers without gaps, the same bytes each time", async () => {
  const keys = issueCertificate({ name: "receiver", purpose: "recipient" });
  const dir = scratchDir();
  const storeDir = join(dir, "summaries");
  writeFileSync(join(dir, "receiver.pem"), keys.certPem);
  let losesReceipts = true;
  const loseReceipt = () => losesReceipts;
  const cloud = createCloud({ site: "demo", over: "http", ...keys, storeDir, loseReceipt });
  await cloud.start();
  onTestFinished(() => cloud.stop());
  // It has its address now; from here on connections are refused.
  await cloud.away();
  const { depot, gateway, operator } = await startGateway({
    sections: `upstream: {url: "${cloud.url}", recipient_cert_files: ["${join(dir, "receiver.pem")}"], interval_s: 1, max_cdrs: 10}`,
  });

  const clients = await chargingStations(depot, { count: 5, window: 2 });
  const upstream = async (status: string) => (await operator.health()).checks.upstream?.status === status;
  await until("the gateway says that the cloud is away", () => upstream("degraded"));
  const ackedBefore = ackedBy(clients);
  await sleep(AWAY_MS);
  const ackedAway = ackedBy(clients) - ackedBefore;
  expect(ackedAway, "acknowledged while the cloud was away").toBeGreaterThan(100);
  expect(cloud.totals().summaries_received).toBe(0);

  await cloud.back();
  await until("the cloud gets what it has already", () => cloud.totals().duplicates >= REPEATS);
  expect(await factsOf(depot.data, "summary.acknowledged")).toEqual([]);
  losesReceipts = false;
  await settle(clients);
  const owed = clients.flatMap((c) => c.sent.filter((s) => s.payload.includes('"ended"'))).length;
  await until("every CDR is in the cloud", () => cloud.totals().cdrs >= owed);
  await until("all is settled", async () => {
    const lag = /laddport_consumer_lag_events\{consumer="(?:seal|upstream)"\} (\d+)/g;
    const waiting = [...(await operator.metrics()).matchAll(lag)].map(([, n]) => Number(n));
    return waiting.length === 2 && Math.max(...waiting) === 0 && (await upstream("ok"));
  });

  expect(await gateway.stop()).toBe(0);

  const sealed = await factsOf(depot.data, "summary.sealed");
  const acknowledged = await factsOf(depot.data, "summary.acknowledged");
  expect(sealed.map(({ body }) => body.seq)).toEqual(sealed.map((_, i) => i + 1));
  expect(acknowledged.map(({ body }) => body.seq).sort((a, b) => a - b)).toEqual(
    sealed.map(({ body }) => body.seq),
  );
  expect(await factsOf(depot.data, "summary.rejected")).toEqual([]);
  // The cloud rejects a number that comes with other bytes than before: `rejected` counts that too.
  const totals = cloud.totals();
  expect(totals).toMatchObject({
    ...{ cdrs: owed, cdr_duplicates: 0, gaps: 0, chain_breaks: 0, rejected: 0 },
    summaries_opened: sealed.length,
    summaries_received: sealed.length + totals.duplicates,
  });
  const stored = readdirSync(storeDir).sort();
  expect(stored.map((file) => sha256(readFileSync(join(storeDir, file))))).toEqual(
    sealed.map(({ body }) => body.sha256),
  );
  const { acked, transactions } = await expectBooksToAgree(depot, clients);
  expect(transactions).toBe(owed);
  const cdrs = await factsOf(depot.data, "cdr.issued");
  expect([...cloud.cdrs.keys()].sort()).toEqual(cdrs.map(({ body }) => body.id).sort());
  console.log(
    `${acked} acknowledged, ${ackedAway} of them while the cloud was away; ${owed} CDRs in ${sealed.length} summaries, ` +
      `${totals.duplicates} came again with the same bytes`,
  );
});

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
