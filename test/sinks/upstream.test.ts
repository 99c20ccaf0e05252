import { createHash, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { compactVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import { receiptKeys } from "../../src/identity/receipt-signature.ts";
import type { Attachment } from "../../src/log/log-store.ts";
import type { NewEvent } from "../../src/model/event.ts";
import type { SummaryPayload, SummaryProfile } from "../../src/model/summary.ts";
import { type Cloud, type CloudOptions, createCloud } from "../../src/simulator/cloud.ts";
import { createUpstreamSink, type UpstreamOptions, type UpstreamSink } from "../../src/sinks/upstream.ts";
import { httpUpstream } from "../../src/sinks/upstream-http.ts";
import { mqttUpstream } from "../../src/sinks/upstream-mqtt.ts";
import { describeFailure } from "../../src/sinks/upstream-transport.ts";
import { sealEnvelope } from "../../src/workers/envelope.ts";
import { sampleCdr } from "../workers/sample-summary.ts";
import { newFolder, type Outbox, openOutbox, removeFolder, until } from "./outbox.ts";

const DEEP = process.env.DEEP === "1";
const gateway = "gw-ringon";
const signer = issueCertificate({ name: gateway, purpose: "signer" });
const receiver = issueCertificate({ name: "cloud", purpose: "recipient" });
const fingerprint = certificateFingerprint(receiver.certPem);

let box: Outbox;
let cleanUp: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  box = await openOutbox(await newFolder());
});
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
  await box.close();
  await removeFolder(box.dir);
});

/** Puts summaries `from` to `from + count - 1` into the log, chained, as the seal sink would. */
const sealed: string[] = [];
async function sealSummaries(count: number, from = 1, profile: SummaryProfile = "cms-1"): Promise<void> {
  const events: NewEvent[] = [];
  const attachments: Attachment[] = [];
  sealed.length = from - 1;
  for (let seq = from; seq < from + count; seq += 1) {
    const cdrs = [sampleCdr(seq)];
    const payload: SummaryPayload = {
      ...{ type: "laddport.summary", version: 1, gateway, site: "ringon", epoch: 1, seq, cdrs },
      ...{
        tariff_hashes: cdrs.map(({ tariff }) => tariff.hash),
        previous_sha256: sealed.at(-1) ?? null,
        recipients: [fingerprint],
        issued_at: "2026-03-02T09:15:00Z",
      },
    };
    const bytes = sealEnvelope(profile, payload, signer, [receiver.certPem]);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    sealed.push(sha256);
    const cdr_ids = cdrs.map(({ id }) => id);
    const body = {
      epoch: 1,
      seq,
      sha256,
      size: bytes.length,
      cdr_ids,
      recipients: [fingerprint],
      through_offset: 0,
    };
    attachments.push({ event: events.length, bytes });
    events.push({
      type: "summary.sealed",
      atMs: Date.now(),
      station: null,
      key: `summary.sealed:1:${seq}`,
      body,
    });
  }
  await box.context.writer.append(events, attachments);
}

async function cloudWith(options: Partial<CloudOptions> = {}): Promise<Cloud> {
  const cloud = createCloud({ site: "ringon", ...receiver, signerPem: signer.certPem, ...options });
  await cloud.start();
  cleanUp.push(() => cloud.stop());
  return cloud;
}

const quick = {
  receiptTimeout: { minMs: 60, maxMs: 400 },
  retry: { minMs: 20, maxMs: 200 },
  alertAfterMs: 30,
};
/** Summaries whose receipts are lost twice of three times: each again costs a wait. */
const LOST = DEEP ? 12 : 5;
/** No repeats but those that a test is about. */
const patient = {
  receiptTimeout: { minMs: 60_000, maxMs: 60_000 },
  retry: { minMs: 60_000, maxMs: 60_000 },
};
const way = (url: string, tls: { ca?: string } = {}) =>
  url.startsWith("http")
    ? httpUpstream({ url, tls, timeoutMs: 5000 })
    : mqttUpstream({ url, site: "ringon", clientId: gateway, tls, reconnect: { minMs: 20, maxMs: 200 } });

function upstreamTo(url: string, options: Partial<UpstreamOptions> = {}): UpstreamSink {
  const sink = createUpstreamSink(box.context, { gateway, transport: way(url), ...quick, ...options });
  cleanUp.push(() => sink.stop());
  sink.start();
  return sink;
}

const settled = (count: number) => async () =>
  (await box.facts("summary.acknowledged")).length + (await box.facts("summary.rejected")).length === count;
const DOWN = {
  id: "upstream_down",
  kind: "upstream_down",
  severity: "warning",
  subject: "upstream",
  cause: "an earlier run",
} as const;
const alerts = () => box.alerts.map(({ type, body }) => `${type} ${body.kind}`);
const inOrder = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe.each(["mqtt", "http"] as const)("upstream over %s", (over) => {
  test("delivers in order, acknowledges each once, and moves its cursor past the last", async () => {
    const cloud = await cloudWith({ over });
    await sealSummaries(20);
    const sink = upstreamTo(cloud.url, patient);
    await until("all acknowledged", settled(20));
    await sealSummaries(3, 21);
    await until("the later ones as well", settled(23));
    const acknowledged = await box.facts("summary.acknowledged");
    expect(acknowledged.map(({ body }) => body.seq).sort((a, b) => a - b)).toEqual(inOrder(23));
    expect(acknowledged.every(({ body }) => body.sha256 === sealed[body.seq - 1])).toBe(true);
    const energy_wh = inOrder(23).reduce((sum, seq) => sum + sampleCdr(seq).energy_wh, 0);
    expect(cloud.totals()).toEqual({
      ...{
        summaries_received: 23,
        summaries_opened: 23,
        duplicates: 0,
        rejected: 0,
        gaps: 0,
        chain_breaks: 0,
      },
      ...{ cdrs: 23, cdr_duplicates: 0, energy_wh },
    });
    await until("settled", () => sink.status().pending === 0);
    expect(sink.status()).toMatchObject({
      oldestUnsentS: null,
      inFlight: 0,
      connected: true,
      lastError: null,
    });
    await sink.stop();
    expect(await box.store.cursor("upstream")).toBe((await box.facts("summary.sealed")).at(-1)?.offset);
  });

  test("lost receipts: the same bytes come again, and every effect happens once", async () => {
    const cloud = await cloudWith({ over, loseReceipt: (arrival) => arrival % 3 !== 0 });
    await sealSummaries(LOST);
    upstreamTo(cloud.url);
    await until("all acknowledged", settled(LOST));
    const totals = cloud.totals();
    expect(totals).toMatchObject({
      ...{ summaries_opened: LOST, cdrs: LOST, cdr_duplicates: 0, rejected: 0, gaps: 0 },
    });
    expect(totals.duplicates).toBeGreaterThanOrEqual(LOST);
    expect(await box.facts("summary.acknowledged")).toHaveLength(LOST);
  });

  test("a rejected summary stays numbered and alarms; later ones flow", async () => {
    const reject = ({ seq }: SummaryPayload) => (seq === 2 ? "account closed" : undefined);
    const cloud = await cloudWith({ over, reject });
    await sealSummaries(10);
    const sink = upstreamTo(cloud.url);
    await until("all settled", settled(10));
    const [rejected] = await box.facts("summary.rejected");
    expect(rejected?.body).toEqual({ epoch: 1, seq: 2, sha256: sealed[1], reason: "account closed" });
    expect(box.alerts.find(({ body }) => body.kind === "summary_rejected")?.body).toMatchObject({
      ...{ id: "summary_rejected:1:2", severity: "critical", cause: "account closed" },
    });
    expect(cloud.totals()).toMatchObject({ summaries_opened: 9, rejected: 1, gaps: 0, chain_breaks: 0 });
    await sink.stop();
    expect(await box.store.cursor("upstream")).toBe((await box.facts("summary.sealed")).at(-1)?.offset);
  });

  test("the cloud is away and comes back: an alert, then everything, and the alert is cleared", async () => {
    const cloud = await cloudWith({ over });
    await sealSummaries(5);
    const sink = upstreamTo(cloud.url);
    await until("the first ones", settled(5));
    await cloud.away();
    await sealSummaries(6, 6);
    await until(
      "the alert",
      () => alerts().at(-1) === "alert.raised upstream_down" && sink.status().pending === 6,
    );
    expect(sink.status().oldestUnsentS).toBeGreaterThan(0);
    expect(sink.status().lastError).not.toBeNull();
    await cloud.back();
    await until("the rest", settled(11));
    await until("cleared", () => alerts().at(-1) === "alert.cleared upstream_down");
    expect(cloud.totals()).toMatchObject({
      summaries_opened: 11,
      gaps: 0,
      chain_breaks: 0,
      cdr_duplicates: 0,
    });
  });

  test("signed receipts settle and are kept; unsigned ones and a stranger's do not", async () => {
    const receipts = issueCertificate({ name: "cloud receipts", purpose: "signer" });
    const receiptKeysOfCloud = receiptKeys(receipts.certPem);
    await sealSummaries(2);
    const unsigned = await cloudWith({ over });
    const first = upstreamTo(unsigned.url, { receiptKeys: receiptKeysOfCloud, ...patient });
    await until("it is said", () => first.status().lastError === "a receipt is not signed");
    await first.stop();
    const stranger = await cloudWith({ over, receiptKeyPem: signer.keyPem });
    const second = upstreamTo(stranger.url, { receiptKeys: receiptKeysOfCloud, ...patient });
    await until("it is said", () => second.status().lastError?.includes("is not signed by") ?? false);
    await second.stop();
    expect(await box.facts("summary.acknowledged")).toEqual([]);
    const cloud = await cloudWith({ over, receiptKeyPem: receipts.keyPem });
    upstreamTo(cloud.url, { receiptKeys: receiptKeysOfCloud });
    await until("all settled", settled(2));
    for (const { body } of await box.facts("summary.acknowledged")) {
      const { payload } = await compactVerify(body.receipt_jws ?? "", receiptKeysOfCloud[0] as KeyObject);
      const said = JSON.parse(Buffer.from(payload).toString("utf8"));
      expect(said).toMatchObject({ seq: body.seq, sha256: body.sha256, status: "accepted" });
    }
  });

  test("a refusal must be signed too", async () => {
    const receipts = issueCertificate({ name: "cloud receipts", purpose: "signer" });
    await sealSummaries(1);
    const cloud = await cloudWith({ over, receiptKeyPem: receipts.keyPem, reject: () => "closed" });
    upstreamTo(cloud.url, { receiptKeys: receiptKeys(receipts.certPem) });
    await until("refused", async () => (await box.facts("summary.rejected")).length === 1);
  });

  test("a backlog of both profiles drains: each is sent as it was sealed", async () => {
    await sealSummaries(2);
    await sealSummaries(2, 3, "jose-1");
    const cloud = await cloudWith({ over });
    upstreamTo(cloud.url);
    await until("all settled", settled(4));
    expect(cloud.totals()).toMatchObject({ summaries_opened: 4, chain_breaks: 0, gaps: 0 });
  });

  test("an alert of an earlier run stays while what waits is not taken, and is cleared when it is", async () => {
    const cloud = await cloudWith({ over });
    await sealSummaries(2);
    await cloud.away();
    box.context.alerts.raise(DOWN);
    const sink = upstreamTo(cloud.url, { alertAfterMs: 600_000 });
    await until("trouble", () => sink.status().lastError !== null);
    expect(alerts()).toEqual(["alert.raised upstream_down"]);
    await cloud.back();
    await until("all settled", settled(2));
    await until("cleared", () => alerts().at(-1) === "alert.cleared upstream_down");
  });

  test("an alert of an earlier run is over when nothing waits any more", async () => {
    const cloud = await cloudWith({ over });
    box.context.alerts.raise(DOWN);
    upstreamTo(cloud.url);
    await until("cleared", () => alerts().at(-1) === "alert.cleared upstream_down");
  });

  test("a restart sends what is not settled, and nothing else", async () => {
    const cloud = await cloudWith({ over, loseReceipt: (arrival) => arrival === 2 || arrival === 5 });
    await sealSummaries(9);
    const first = upstreamTo(cloud.url, patient);
    await until("seven settled", settled(7));
    expect(first.status()).toMatchObject({ pending: 2 });
    await first.stop();
    expect(cloud.totals()).toMatchObject({ summaries_received: 9 });
    upstreamTo(cloud.url, patient);
    await until("all settled", settled(9));
    expect(cloud.totals()).toMatchObject({ summaries_received: 11, summaries_opened: 9, duplicates: 2 });
  });

  test("TLS: an unknown certificate is refused and named; the right one connects", async () => {
    const server = issueCertificate({ name: "cloud", purpose: "server", hosts: ["127.0.0.1"] });
    const cloud = await cloudWith({ over, tls: { key: server.keyPem, cert: server.certPem } });
    await sealSummaries(2);
    const distrusting = upstreamTo(cloud.url);
    await until("TLS is named", () => distrusting.status().lastError?.includes("TLS fails") ?? false);
    await distrusting.stop();
    expect(cloud.totals().summaries_received).toBe(0);
    upstreamTo(cloud.url, { transport: way(cloud.url, { ca: server.certPem }) });
    await until("all settled", settled(2));
  });

  test("a backlog drains", async () => {
    const count = DEEP ? 1000 : 60;
    const cloud = await cloudWith({ over });
    await sealSummaries(count);
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    const sink = upstreamTo(cloud.url, patient);
    const drained = () => cloud.totals().summaries_opened === count && sink.status().pending === 0;
    await until("drained", drained, 280_000);
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    if (DEEP)
      console.log(
        `${over}: ${Math.round(count / seconds)}/s, ${Math.round((user + system) / count)} µs CPU each`,
      );
    expect(cloud.totals()).toMatchObject({
      summaries_received: count,
      gaps: 0,
      chain_breaks: 0,
      duplicates: 0,
    });
  }, 300_000);
});

describe("upstream and a cloud that misbehaves", () => {
  async function rogue(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<string> {
    const server: Server = createServer((request, response) => {
      request.resume();
      request.on("end", () => answer(request, response));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUp.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  const receiptFor = (request: IncomingMessage, changes: object = {}) =>
    JSON.stringify({
      gateway: request.headers["laddport-gateway"],
      epoch: Number(request.headers["laddport-epoch"]),
      seq: Number(request.headers["laddport-seq"]),
      sha256: request.headers["laddport-sha256"],
      status: "accepted",
      ...changes,
    });

  test.each([
    ["names other bytes", { sha256: "0".repeat(64) }, /names other bytes/],
    ["names another number", { seq: 77 }, /names another/],
    ["is of another gateway", { gateway: "gw-other" }, /names another/],
    [
      "names nobody",
      { gateway: undefined, epoch: undefined, seq: undefined },
      /lacks gateway, epoch and seq/,
    ],
    ["has no hash", { sha256: "" }, /not understood/],
  ])("an acceptance that %s settles nothing", async (_, changes, error) => {
    let honest = false;
    const url = await rogue((request, response) => response.end(receiptFor(request, honest ? {} : changes)));
    await sealSummaries(1);
    const sink = upstreamTo(url);
    await until("it is noticed", () => error.test(sink.status().lastError ?? ""));
    expect(await settled(0)()).toBe(true);
    honest = true;
    await until("an honest receipt settles it", settled(1));
    await until("no error is left", () => sink.status().lastError === null);
  });

  test("errors, silence and nonsense are retried with the same bytes", async () => {
    const seen: string[] = [];
    const faults: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(503, { "retry-after": "0" }).end("busy"),
      (response) => response.end("<html>"),
      (response) => response.destroy(),
      (response) => response.end("x".repeat(100_000)),
      (response) => response.writeHead(302, { location: "/elsewhere" }).end(),
      (response) => response.writeHead(500).end(JSON.stringify({ status: "accepted" })),
    ];
    const url = await rogue((request, response) => {
      seen.push(String(request.headers["laddport-sha256"]));
      const fault = faults.shift();
      if (fault) fault(response);
      else response.end(receiptFor(request));
    });
    await sealSummaries(1);
    upstreamTo(url, { receiptTimeout: { minMs: 30_000, maxMs: 30_000 } });
    await until("settled", settled(1));
    expect(seen).toEqual(Array(7).fill(sealed[0]));
  });

  test("summaries that are never answered do not hold up those that are", async () => {
    const url = await rogue((request, response) => {
      if (Number(request.headers["laddport-seq"]) <= 8) return;
      response.end(receiptFor(request));
    });
    await sealSummaries(30);
    const sink = upstreamTo(url, { window: 9 });
    await until("all others are settled", settled(22));
    expect(sink.status().pending).toBe(8);
  });

  test("one that it cannot open is rejected by its hash alone", async () => {
    const other = issueCertificate({ name: "other cloud", purpose: "recipient" });
    const cloud = await cloudWith(other);
    await sealSummaries(2);
    upstreamTo(cloud.url);
    await until("settled", settled(2));
    const [first] = await box.facts("summary.rejected");
    expect(first?.body.reason).toContain("cannot be opened");
    expect(await box.facts("summary.acknowledged")).toEqual([]);
  });
});

describe("upstream and its log", () => {
  test("bytes that do not match their hash are never sent: rejected, with an alert", async () => {
    await sealSummaries(3);
    const [, second, third] = await box.facts("summary.sealed");
    const db = new DatabaseSync(join(box.dir, "log.db"));
    db.prepare("UPDATE attachment SET bytes = zeroblob(100) WHERE offset = ?").run(second?.offset ?? 0);
    db.prepare("DELETE FROM attachment WHERE offset = ?").run(third?.offset ?? 0);
    db.close();
    const cloud = await cloudWith();
    upstreamTo(cloud.url);
    await until("all settled", settled(3));
    expect((await box.facts("summary.rejected")).map(({ body }) => body.seq)).toEqual([2, 3]);
    expect(cloud.totals()).toMatchObject({ summaries_received: 1, summaries_opened: 1 });
    expect(alerts().filter((alert) => alert === "alert.raised log_damaged")).toHaveLength(2);
  });

  test("a ledger that fails for a while costs nothing but time", async () => {
    const cloud = await cloudWith();
    const { writer } = box.context;
    let failures = 3;
    box.context.writer = {
      async append(events, attachments) {
        if (failures-- > 0) throw new Error("the disk is full");
        return writer.append(events, attachments);
      },
      commitCursor: writer.commitCursor,
    };
    await writer.append([]);
    await sealedWith(writer, 6);
    upstreamTo(cloud.url, patient);
    await until("all settled", settled(6));
    expect(cloud.totals()).toMatchObject({ summaries_received: 6, duplicates: 0 });
  });

  async function sealedWith(writer: Outbox["context"]["writer"], count: number): Promise<void> {
    const faulty = box.context.writer;
    box.context.writer = writer;
    await sealSummaries(count);
    box.context.writer = faulty;
  }
});

test("failures are told apart: name, network, TLS, refusal", () => {
  const of = (code: string) => describeFailure(Object.assign(new Error("it failed"), { code }));
  expect(of("ENOTFOUND")).toContain("check DNS");
  expect(of("DEPTH_ZERO_SELF_SIGNED_CERT")).toContain("TLS fails");
  expect(of("CERT_HAS_EXPIRED")).toContain("TLS fails");
  expect(of("ECONNREFUSED")).toContain("nothing listens");
  expect(of("EHOSTUNREACH")).toContain("does not get there");
  expect(describeFailure(new Error("HTTP 503"))).toBe("HTTP 503");
});
