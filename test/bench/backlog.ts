/** A backlog of sealed summaries in a log of its own, and its way to the simulated cloud, which opens every one. */
import { createHash } from "node:crypto";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import type { Attachment } from "../../src/log/log-store.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { createCloudBooks } from "../../src/simulator/cloud-books.ts";
import { createUpstreamSink } from "../../src/sinks/upstream.ts";
import { httpUpstream } from "../../src/sinks/upstream-http.ts";
import { mqttUpstream } from "../../src/sinks/upstream-mqtt.ts";
import { seal } from "../../src/workers/cms.ts";
import { newFolder, openOutbox, removeFolder, until } from "../sinks/outbox.ts";
import { samplePayload } from "../workers/sample-summary.ts";

const signer = issueCertificate({ name: "gateway", purpose: "signer" });
const receiver = issueCertificate({ name: "cloud", purpose: "recipient" });
const recipients = [certificateFingerprint(receiver.certPem)];
const SITE = "ringon";

interface Backlog {
  events: NewEvent[];
  attachments: Attachment[];
}

/** `count` chained summaries of `cdrs` CDRs each. */
export function sealBacklog(count: number, cdrs: number): Backlog {
  const backlog: Backlog = { events: [], attachments: [] };
  let previous: string | null = null;
  for (let seq = 1; seq <= count; seq += 1) {
    const payload = { ...samplePayload(seq, cdrs, recipients), previous_sha256: previous };
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

/** Delivers all of it until each has its receipt in the log; answers the ms that took. */
export async function drainBacklog({ events, attachments }: Backlog, over: "http" | "mqtt"): Promise<number> {
  const box = await openOutbox(await newFolder());
  const cloud = createCloud({ site: SITE, over, ...receiver });
  await cloud.start();
  await box.store.commit({ events, attachments });
  const { url } = cloud;
  const transport =
    over === "http" ? httpUpstream({ url }) : mqttUpstream({ url, site: SITE, clientId: "bench" });
  const upstream = createUpstreamSink(box.context, { gateway: "gw-ringon", transport });
  try {
    const from = performance.now();
    upstream.start();
    await until("the backlog is settled", () => {
      const { through, pending } = upstream.status();
      return through >= events.length && pending === 0;
    });
    const ms = performance.now() - from;
    const { summaries_opened, gaps, chain_breaks } = cloud.totals();
    if (summaries_opened !== events.length || gaps + chain_breaks > 0)
      throw new Error("the cloud's books differ");
    return ms;
  } finally {
    await upstream.stop();
    await cloud.stop();
    await box.close();
    await removeFolder(box.dir);
  }
}
