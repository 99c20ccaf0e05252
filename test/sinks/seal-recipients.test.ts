import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import type { NewEvent } from "../../src/model/event.ts";
import type { SummaryPayload } from "../../src/model/summary.ts";
import { SummarySchema } from "../../src/model/summary-schema.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { createSealSink, type SealOptions, type SealSink } from "../../src/sinks/seal.ts";
import { createUpstreamSink } from "../../src/sinks/upstream.ts";
import { httpUpstream } from "../../src/sinks/upstream-http.ts";
import { openEnvelope, sealEnvelope } from "../../src/workers/envelope.ts";
import { SummaryNotOpened } from "../../src/workers/envelope-checks.ts";
import { newFolder, type Outbox, openOutbox, removeFolder, until } from "./outbox.ts";

const DAY_MS = 86_400_000;
const T0 = Date.UTC(2026, 2, 2);
const signer = issueCertificate({ name: "gw-ringon", purpose: "signer", nowMs: T0 });
const reader = (name: string, nowMs = T0, validDays = 365) =>
  issueCertificate({ name, purpose: "recipient", nowMs, validDays });
const [cloud, renewed] = [reader("cloud", T0, 30), reader("cloud", T0 + 20 * DAY_MS)];
const [auditor, escrow] = [reader("auditor", T0, 60), reader("escrow")];

let box: Outbox;
let sinks: SealSink[] = [];
beforeEach(async () => {
  box = await openOutbox(await newFolder());
});
afterEach(async () => {
  for (const sink of sinks) await sink.stop();
  sinks = [];
  await box.close();
  await removeFolder(box.dir);
});

function started(options: Partial<SealOptions> & Pick<SealOptions, "recipients">): SealSink {
  const sink = createSealSink(box.context, {
    ...{ gateway: "gw-ringon", site: "ringon", epoch: 1, maxCdrs: 1, wallMs: () => T0 },
    openSealed: () => ({ missing: "erased" }),
    payerOf: (tokenRef) => ({ payer: `payer of ${tokenRef}` }),
    seal: async (payload, pems) => sealEnvelope("cms-1", payload, signer, pems),
    ...options,
  });
  sinks.push(sink);
  sink.start();
  return sink;
}

/** The stored bytes of each summary. */
async function stored(): Promise<Uint8Array[]> {
  const sealed = await box.facts("summary.sealed");
  const all = await Promise.all(sealed.map(({ offset }) => box.store.attachment(offset)));
  return all.map((bytes) => bytes ?? new Uint8Array());
}

const opens = (bytes: Uint8Array, { keyPem: key, certPem: cert }: typeof cloud): SummaryPayload =>
  openEnvelope(bytes, { key, cert }, signer.certPem).payload;
const alarms = () => box.alerts.map(({ type, body }) => `${type} ${body.kind} ${body.subject}`);
const name = ({ certPem }: typeof cloud) => certificateFingerprint(certPem).slice(0, 16);

describe("recipients", () => {
  test("new recipients hold for what is sealed from then on; the queued backlog keeps its bytes", async () => {
    await box.issue(0, 2);
    const before = started({ recipients: { certPems: [cloud.certPem], escrowPem: escrow.certPem } });
    await until("two sealed", () => before.status().seq === 2);
    await before.stop();
    const backlog = await stored();
    const wallMs = () => T0 + 25 * DAY_MS;
    const after = started({
      recipients: { certPems: [renewed.certPem], escrowPem: escrow.certPem },
      wallMs,
    });
    await box.issue(2, 1);
    await until("the third", () => after.status().seq === 3);
    const [first, second, third] = await stored();
    expect([first, second]).toEqual(backlog);
    for (const bytes of backlog) {
      expect(opens(bytes, cloud).epoch).toBe(1);
      expect(() => opens(bytes, renewed)).toThrow(SummaryNotOpened);
    }
    expect(opens(third ?? new Uint8Array(), renewed).seq).toBe(3);
    expect(() => opens(third ?? new Uint8Array(), cloud)).toThrow(SummaryNotOpened);
    for (const bytes of await stored()) expect(opens(bytes, escrow).type).toBe("laddport.summary");
  });

  test("a recipient certificate that expired is left out with an alarm, and the others proceed", async () => {
    await box.issue(0, 1);
    const recipients = { certPems: [renewed.certPem, auditor.certPem], escrowPem: escrow.certPem };
    const sink = started({ recipients, wallMs: () => T0 + 100 * DAY_MS });
    await until("sealed", () => sink.status().seq === 1);
    const [bytes = new Uint8Array()] = await stored();
    expect(opens(bytes, renewed).recipients).toEqual(
      [renewed, escrow].map(({ certPem }) => certificateFingerprint(certPem)),
    );
    expect(() => opens(bytes, auditor)).toThrow(SummaryNotOpened);
    expect(alarms()).toEqual([`alert.raised recipient_expired ${name(auditor)}`]);
    expect(box.alerts[0]?.body).toMatchObject({
      severity: "warning",
      cause: expect.stringContaining("CN=auditor expired"),
    });
  });

  test("bills wait while the receiver's own certificate is expired, and go when it is renewed", async () => {
    await box.issue(0, 3);
    let nowMs = T0 + 100 * DAY_MS;
    const recipients = { certPems: [cloud.certPem, auditor.certPem], escrowPem: escrow.certPem };
    const expired = started({ recipients, maxCdrs: 3, wallMs: () => nowMs });
    await until("it is said", () => expired.status().lastError !== null);
    expect(expired.status().lastError).toContain("CN=cloud expired 2026-03-31T23:00:00.000Z");
    expect(await box.facts("summary.sealed")).toEqual([]);
    expect(alarms()).toContain(`alert.raised recipient_expired ${name(cloud)}`);
    await expired.stop();
    nowMs += DAY_MS;
    const sink = started({
      recipients: { ...recipients, certPems: [cloud.certPem, renewed.certPem] },
      maxCdrs: 3,
      wallMs: () => nowMs,
    });
    await until("sealed", () => sink.status().seq === 1);
    const [bytes = new Uint8Array()] = await stored();
    expect(opens(bytes, renewed).cdrs).toHaveLength(3);
    expect(() => opens(bytes, cloud)).toThrow(SummaryNotOpened);
  });

  test("the alarm is cleared when the certificate is good again", async () => {
    await box.issue(0, 1);
    let nowMs = T0 - 2 * DAY_MS;
    const sink = started({ recipients: { certPems: [cloud.certPem] }, wallMs: () => nowMs });
    await until("it is said", () => sink.status().lastError?.includes("is not valid before") === true);
    nowMs = T0;
    await until("sealed", () => sink.status().seq === 1);
    await until("cleared", () => alarms().includes(`alert.cleared recipient_expired ${name(cloud)}`));
  });

  test("a revoked certificate, and one for another use, are not sealed for", async () => {
    await box.issue(0, 1);
    const server = issueCertificate({ name: "web", purpose: "server", hosts: ["a.example"], nowMs: T0 });
    const revoked = [certificateFingerprint(auditor.certPem)];
    const certPems = [cloud.certPem, auditor.certPem, server.certPem];
    const sink = started({ recipients: { certPems, revoked } });
    await until("sealed", () => sink.status().seq === 1);
    const [sealed] = await box.facts("summary.sealed");
    expect(sealed?.body.recipients).toEqual([certificateFingerprint(cloud.certPem)]);
    const causes = box.alerts.map(({ body }) => body.cause);
    expect(causes[0]).toContain("CN=auditor is revoked");
    expect(causes[1]).toContain("CN=web its extended key usage does not allow emailProtection");
  });
});

test("a gateway whose certificate was renewed keeps its name and its numbers, and its backlog settles", async () => {
  await box.issue(0, 1);
  const before = started({ recipients: { certPems: [cloud.certPem] } });
  await until("sealed", () => before.status().seq === 1);
  await before.stop();
  await box.issue(1, 1);
  const after = started({
    gateway: "named by the new certificate",
    recipients: { certPems: [cloud.certPem] },
  });
  await until("sealed", () => after.status().seq === 2);
  const names = (await stored())
    .map((bytes) => opens(bytes, cloud))
    .map(({ gateway, seq }) => [gateway, seq]);
  expect(names).toEqual([
    ["gw-ringon", 1],
    ["gw-ringon", 2],
  ]);
  const receiver = createCloud({ site: "ringon", ...cloud, signerPem: signer.certPem, over: "http" });
  await receiver.start();
  const transport = httpUpstream({ url: receiver.url });
  const upstream = createUpstreamSink(box.context, { gateway: "named by the new certificate", transport });
  upstream.start();
  await until("both settled", async () => (await box.facts("summary.acknowledged")).length === 2);
  await upstream.stop();
  await receiver.stop();
});

describe("content", () => {
  const contract = "SE-ABC-C12345678-9";

  test("the payer is named as the cloud knows it, with the contract id, and never by the log's token_ref", async () => {
    await box.issue(0, 2);
    const payerOf = () => ({ payer: "p-1", contract_id: contract });
    const sink = started({ recipients: { certPems: [cloud.certPem] }, maxCdrs: 2, payerOf });
    await until("sealed", () => sink.status().seq === 1);
    const [cdr] = await box.facts("cdr.issued");
    const [bytes = new Uint8Array()] = await stored();
    const payload = opens(bytes, cloud);
    expect(payload.cdrs.map(({ cdr_token }) => cdr_token)).toEqual(["p-1", "p-1"]);
    expect(payload.payers).toEqual([{ payer: "p-1", contract_id: contract }]);
    expect(payload.tariff_hashes).toEqual([cdr?.body.tariff.hash]);
    expect(JSON.stringify(payload)).not.toContain(cdr?.body.cdr_token);
    expect(SummarySchema.parse(payload)).toEqual(payload);
    const [fact] = await box.facts("summary.sealed");
    expect(JSON.stringify(fact)).not.toMatch(/p-1|SE-ABC/);
  });

  test("a notice of erasure is queued like a CDR, sealed and chained, also when there is no CDR", async () => {
    const erased: NewEvent = {
      type: "subject.erased",
      atMs: T0,
      station: null,
      key: "subject.erased:ref-1",
      body: { token_ref: "ref-1", payer: "p-7", ground: "request", kept: [] },
    };
    await box.context.writer.append([erased]);
    const sink = started({ recipients: { certPems: [cloud.certPem] }, maxCdrs: 10 });
    await sink.flush();
    await box.issue(0, 1);
    await sink.flush();
    const payloads = (await stored()).map((bytes) => opens(bytes, cloud));
    const notice = { payer: "p-7", erased_at: "2026-03-02T00:00:00.000Z" };
    expect(payloads[0]).toMatchObject({ seq: 1, cdrs: [], tariff_hashes: [], erasures: [notice] });
    expect(payloads[1]?.erasures).toBeUndefined();
    const [first] = await box.facts("summary.sealed");
    expect(payloads[1]?.previous_sha256).toBe(first?.body.sha256);
    for (const payload of payloads) expect(SummarySchema.parse(payload)).toEqual(payload);
    expect(JSON.stringify(payloads)).not.toContain("ref-1");
  });
});
