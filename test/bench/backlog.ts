/** A backlog of sealed summaries in a log of its own, and its way to the simulated cloud, which opens every one. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import type { Attachment } from "../../src/log/log-store.ts";
import { openSqliteStoreNow } from "../../src/log/sqlite-store.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { createCloudBooks } from "../../src/simulator/cloud-books.ts";
import { seal } from "../../src/workers/cms.ts";
import { demoDepot, GatewayProcess, removeDepot } from "../faults/gateway-process.ts";
import { newFolder, removeFolder, until } from "../sinks/outbox.ts";
import { samplePayload } from "../workers/sample-summary.ts";

const signer = issueCertificate({ name: "gateway", purpose: "signer" });
const receiver = issueCertificate({ name: "cloud", purpose: "recipient" });
const recipients = [certificateFingerprint(receiver.certPem)];

interface Backlog {
  events: NewEvent[];
  attachments: Attachment[];
}

/** `count` chained summaries of `cdrs` CDRs each. */
export function sealBacklog(count: number, cdrs: number, gateway = "bench"): Backlog {
  const backlog: Backlog = { events: [], attachments: [] };
  let previous: string | null = null;
  for (let seq = 1; seq <= count; seq += 1) {
    const payload = {
      ...samplePayload(seq, cdrs, recipients),
      gateway,
      site: "demo",
      previous_sha256: previous,
    };
    const bytes = seal(payload, signer, [receiver.certPem]);
    previous = createHash("sha256").update(bytes).digest("hex");
    backlog.attachments.push({ event: backlog.events.length, bytes });
    const cdr_ids = payload.cdrs.map(({ id }) => id);
    backlog.events.push({
      type: "summary.sealed",
      atMs: Date.now(),
      station: null,
      key: `summary.sealed:1:${seq}`,
      body: { epoch: 1, seq, sha256: previous, size: bytes.length, cdr_ids, recipients, through_offset: 0 },
    });
  }
  return backlog;
}

/** The ms that the receiver's part of it takes: opening, checking, booking. */
export function openBacklog({ attachments }: Backlog): number {
  const books = createCloudBooks(receiver);
  const from = performance.now();
  for (const { bytes } of attachments) books.take(bytes);
  return performance.now() - from;
}

/** A gateway that finds all of it in its log delivers it; summaries a second from the first to the last receipt. */
export async function drainBacklog(count: number, cdrs: number, over: "http" | "mqtt"): Promise<number> {
  const cloud = createCloud({ site: "demo", over, ...receiver });
  await cloud.start();
  const dir = await newFolder();
  const certFile = join(dir, "receiver.pem");
  writeFileSync(certFile, receiver.certPem);
  const depot = await demoDepot({
    sections: `upstream: {url: "${cloud.url}", recipient_cert_files: ["${certFile}"]}`,
  });
  const gateway = GatewayProcess.of(depot);
  try {
    // The first start makes the log.
    await gateway.start();
    await gateway.stop();
    const signerPem = readFileSync(join(dirname(depot.config), "secrets/gateway.pem"), "utf8");
    const { events, attachments } = sealBacklog(count, cdrs, certificateFingerprint(signerPem).slice(0, 16));
    const store = openSqliteStoreNow(join(depot.data, "log.db"));
    await store.commit({ events, attachments });
    await store.close();
    await gateway.start();
    const opened = () => cloud.totals().summaries_opened;
    await until("the first arrives", () => opened() > 0);
    const [from, early] = [performance.now(), opened()];
    await until("all arrive", () => opened() === count);
    const ms = performance.now() - from;
    const { gaps, chain_breaks, rejected } = cloud.totals();
    if (gaps + chain_breaks + rejected > 0) throw new Error("the cloud's books differ");
    return ((count - early) / ms) * 1000;
  } finally {
    await gateway.stop();
    await cloud.stop();
    removeDepot(depot);
    await removeFolder(dir);
  }
}
