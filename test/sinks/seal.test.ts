import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import type { LogWriter } from "../../src/log/log-store.ts";
import type { SummaryPayload } from "../../src/model/summary.ts";
import type { SinkContext } from "../../src/sinks/context.ts";
import { createSealSink, type SealOptions, type SealSink } from "../../src/sinks/seal.ts";
import { open, seal } from "../../src/workers/cms.ts";
import { fastClock, newFolder, type Outbox, openOutbox, removeFolder, until } from "./outbox.ts";

const signer = issueCertificate({ name: "gw-ringon", purpose: "signer" });
const cloud = issueCertificate({ name: "cloud", purpose: "recipient" });
const escrow = issueCertificate({ name: "escrow", purpose: "recipient" });
const recipients = { certPems: [cloud.certPem], escrowPem: escrow.certPem };
const sealNow = async (payload: SummaryPayload, certPems: string[]) => seal(payload, signer, certPems);
const payerOf = (tokenRef: string) => ({ payer: `payer-of-${tokenRef}` });
const openSealed: SealOptions["openSealed"] = () => ({ missing: "erased" });
const base: SealOptions = {
  gateway: "gw-ringon",
  site: "ringon",
  epoch: 1,
  recipients,
  seal: sealNow,
  openSealed,
  payerOf,
};

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

function started(options: Partial<SealOptions> = {}, context: SinkContext = box.context): SealSink {
  const sink = createSealSink(context, { ...base, ...options });
  sinks.push(sink);
  sink.start();
  return sink;
}

/** Every sealed summary of the log, opened from its stored bytes, with all that must hold between them. */
async function checkedSummaries(): Promise<SummaryPayload[]> {
  const opened: SummaryPayload[] = [];
  let previous: string | null = null;
  for (const { offset, body, key } of await box.facts("summary.sealed")) {
    const der = await box.store.attachment(offset);
    if (!der) throw new Error(`summary ${key} has no bytes`);
    const sha256 = createHash("sha256").update(der).digest("hex");
    expect(body).toMatchObject({ sha256, size: der.length });
    expect(key).toBe(`summary.sealed:${body.epoch}:${body.seq}`);
    for (const reader of [cloud, escrow]) {
      const { payload } = open(der, { key: reader.keyPem, cert: reader.certPem }, signer.certPem);
      expect(payload.cdrs.map((cdr) => cdr.id)).toEqual(body.cdr_ids);
      expect(payload).toMatchObject({ epoch: body.epoch, seq: body.seq, previous_sha256: previous });
      if (reader === cloud) opened.push(payload);
    }
    previous = sha256;
  }
  return opened;
}

const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);

async function expectEachOnce(count: number, opened: SummaryPayload[]): Promise<void> {
  const issued = (await box.facts("cdr.issued")).map(({ body }) => body.id);
  expect(issued).toHaveLength(count);
  expect(opened.flatMap((payload) => payload.cdrs.map((cdr) => cdr.id))).toEqual(issued);
}

describe("seal", () => {
  test("at the number, gapless and chained; what is left waits", async () => {
    await box.issue(0, 25);
    const sink = started({ maxCdrs: 10 });
    await until(
      "two summaries and five CDRs waiting",
      () => sink.status().seq === 2 && sink.status().waiting === 5,
    );
    const opened = await checkedSummaries();
    expect(opened.map(({ seq, cdrs }) => [seq, cdrs.length])).toEqual([
      [1, 10],
      [2, 10],
    ]);
    await box.issue(25, 5);
    await until("the third", () => sink.status().seq === 3);
    await expectEachOnce(30, await checkedSummaries());
  });

  test("after the wait, counted in depot time from the first CDR that waits", async () => {
    box.context.clock = fastClock(3600);
    const sink = started();
    await box.issue(0, 3);
    await until("sealed", () => sink.status().seq === 1);
    const [first] = await box.facts("summary.sealed");
    const [cdr] = await box.facts("cdr.issued");
    expect((first?.atMs ?? 0) - (cdr?.atMs ?? 0)).toBeGreaterThanOrEqual(900_000);
    await box.issue(3, 1);
    await until("sealed again", () => sink.status().seq === 2);
    await expectEachOnce(4, await checkedSummaries());
  });

  test("a CDR that waited while nothing ran does not begin its wait again", async () => {
    await box.issue(0, 1, Date.now() - 901_000);
    const sink = started();
    await until("sealed at once", () => sink.status().seq === 1);
    await expectEachOnce(1, await checkedSummaries());
  });

  test("a depot clock that is set back does not lengthen the wait", async () => {
    const clock = fastClock(3600);
    let setBackMs = 0;
    box.context.clock = { ...clock, nowMs: () => clock.nowMs() - setBackMs };
    const sink = started();
    await box.issue(0, 1, clock.nowMs());
    await until("it waits", () => sink.status().waiting === 1);
    setBackMs = 30 * 86_400_000;
    await until("sealed", () => sink.status().seq === 1);
  });

  test("flush seals what is there, once, and a stop refuses it", async () => {
    const sink = started();
    await sink.flush();
    expect(await box.facts("summary.sealed")).toEqual([]);
    await box.issue(0, 7);
    await Promise.all([sink.flush(), sink.flush()]);
    await expectEachOnce(7, await checkedSummaries());
    await sink.stop();
    await expect(sink.flush()).rejects.toThrow("stopped");
  });

  test("a restart goes on where the log stands", async () => {
    let issued = 0;
    for (const _ of numbers(4)) {
      const sink = started({ maxCdrs: 4 });
      await box.issue(issued, 6);
      issued += 6;
      await until(
        "sealed what is full",
        async () => (await box.facts("summary.sealed")).length === Math.floor(issued / 4),
      );
      await sink.stop();
    }
    const sink = started();
    await sink.flush();
    const opened = await checkedSummaries();
    expect(opened.map(({ seq }) => seq)).toEqual(numbers(opened.length));
    await expectEachOnce(24, opened);
  });

  test("an append that is durable although it failed is found, not repeated", async () => {
    let failures = 0;
    const writer: LogWriter = {
      ...box.context.writer,
      async append(events, attachments) {
        const placed = await box.context.writer.append(events, attachments);
        if (failures++ < 2) throw new Error("the answer was lost");
        return placed;
      },
    };
    await box.issue(0, 9);
    const sink = started({ maxCdrs: 3 }, { ...box.context, writer });
    await until("all three", () => sink.status().seq === 3 && sink.status().lastError === null);
    const opened = await checkedSummaries();
    expect(opened).toHaveLength(3);
    await expectEachOnce(9, opened);
    const states = box.alerts.map(({ type, body }) => [type, body.kind]);
    expect(states.slice(0, 2)).toEqual([
      ["alert.raised", "upstream_down"],
      ["alert.cleared", "upstream_down"],
    ]);
  });

  test("an append that comes late, after a second one for the same number, wins or loses as a whole", async () => {
    let tries = 0;
    const held: Parameters<LogWriter["append"]>[] = [];
    const writer: LogWriter = {
      ...box.context.writer,
      async append(...call) {
        tries += 1;
        if (tries > 1) {
          for (const late of held.splice(0)) await box.context.writer.append(...late);
          return box.context.writer.append(...call);
        }
        held.push(call);
        await box.issue(3, 2);
        throw new Error("the ledger is starting again");
      },
    };
    await box.issue(0, 3);
    const sink = started({}, { ...box.context, writer });
    await sink.flush();
    expect(tries).toBe(3);
    const opened = await checkedSummaries();
    expect(opened.map(({ cdrs }) => cdrs.length)).toEqual([3, 2]);
    await expectEachOnce(5, opened);
  });

  test("a new epoch begins at 1 and names the head of the old; an old epoch is refused", async () => {
    await box.issue(0, 5);
    const old = started({ maxCdrs: 2 });
    await old.flush();
    await old.stop();
    await box.issue(5, 1);
    const fresh = started({ epoch: 4 });
    await fresh.flush();
    await fresh.stop();
    const opened = await checkedSummaries();
    expect(opened.map(({ epoch, seq }) => [epoch, seq])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [4, 1],
    ]);
    await expectEachOnce(6, opened);
    const behind = started({ epoch: 3 });
    await until("refused", () => behind.status().lastError?.includes("epoch 4") ?? false);
    expect(behind.status().lastError).toBe("the log is in epoch 4, but this gateway runs epoch 3");
  });

  test("a sealing that fails raises one alert, keeps the CDRs, and clears", async () => {
    let broken = true;
    await box.issue(0, 2);
    const sink = started({
      maxCdrs: 2,
      seal: async (payload, certPems) => seal(payload, signer, broken ? [cloud.certPem] : certPems),
    });
    await until("it failed", () => sink.status().lastError !== null);
    expect(sink.status().lastError).toContain(certificateFingerprint(cloud.certPem));
    expect(await box.facts("summary.sealed")).toEqual([]);
    broken = false;
    await until("sealed", () => sink.status().seq === 1 && sink.status().lastError === null);
    expect(box.alerts.map(({ type }) => type)).toEqual(["alert.raised", "alert.cleared"]);
    await expectEachOnce(2, await checkedSummaries());
  });
});
