/**
 * The effect *seal*: CDRs and notices of erasure that wait become one sealed summary after 15 minutes or at 100 of
 * them. Number, bytes and hash commit together under the key `summary.sealed:{epoch}:{seq}`, one at a time. What is committed is the truth:
 * after a kill or an append of unknown outcome the position is read back from the log, and a second envelope for the
 * same number is a duplicate that the log skips.
 */
import { createHash } from "node:crypto";
import { certificateFingerprint } from "../identity/certificates.ts";
import { type RecipientList, recipientsAt } from "../identity/recipients.ts";
import type { EventOf } from "../model/event.ts";
import type { SummaryPayload } from "../model/summary.ts";
import type { SinkContext } from "./context.ts";
import { backoffMs, createNap } from "./nap.ts";
import { createRecipientAlarm } from "./recipient-alarm.ts";
import { type OpenSealed, signedRecords } from "./signed-records.ts";
import { type PayerOf, SUMMARISED_TYPES, type Summarised, summaryContent } from "./summary-content.ts";

export interface SealOptions {
  /** Name of a gateway that has not sealed yet. A log keeps the name of its first summary, whoever signs later. */
  gateway: string;
  site: string;
  /** Rises with every restored backup; numbers start at 1 in each. */
  epoch: number;
  /** Who may read. New ones hold for what is sealed from then on: bytes that are sealed stay as they are. */
  recipients: RecipientList;
  /** Seals a payload for exactly these certificates (PEM), whom it names; the compute pool in a gateway. */
  seal(payload: SummaryPayload, certPems: string[]): Promise<Uint8Array>;
  openSealed: OpenSealed;
  payerOf: PayerOf;
  /** Real time, ms: certificates run on it. */
  wallMs?(): number;
  /** Depot seconds that a CDR or notice waits for company; default 900. */
  maxWaitS?: number;
  /** CDRs and notices that are not kept waiting for more; default 100. */
  maxCdrs?: number;
}

interface SealStatus {
  /** CDRs and notices that wait to be sealed, at most one summary's worth. */
  waiting: number;
  /** Number of the last sealed summary of this epoch, 0 before the first. */
  seq: number;
  lastError: string | null;
}

export interface SealSink {
  start(): void;
  /** What waits stays in the log and is sealed after the next start. */
  stop(): Promise<void>;
  /** Seals everything that the log holds now; rejects when the sink is stopped before that. */
  flush(): Promise<void>;
  status(): SealStatus;
}

/** Its cursor is only a hint where the last `summary.sealed` lies, so that a start needs no scan of the whole log. */
const CURSOR = "seal";
const ALERT = "upstream_down:seal";
/** News come many times a second and a summary has time: they are looked at together. Wire time. */
const COLLECT_MS = 50;
const RETRY = { minMs: 500, maxMs: 30_000 };

/** Where sealing stands: the last sealed summary, and the offset through which everything is sealed. */
interface Position {
  gateway: string;
  epoch: number;
  seq: number;
  sha256: string | null;
  through: number;
}

export function createSealSink(context: SinkContext, options: SealOptions): SealSink {
  const { reader, writer, clock, log } = context;
  const { epoch, maxWaitS = 900, maxCdrs = 100, wallMs = Date.now } = options;
  const alarm = createRecipientAlarm(context.alerts);
  const nap = createNap();
  let position: Position | undefined;
  let waiting: Summarised[] = [];
  let scanned = 0;
  /** When the first that waits began to, on the clock that is never stepped. */
  let waitsSinceMs = 0;
  let lastError: string | null = null;
  let failures = 0;
  const flushes: { done: () => void; failed: (error: Error) => void }[] = [];
  let running: Promise<void> | undefined;
  let stopping = false;
  let unsubscribe: () => void = () => {};

  async function recover(): Promise<Position> {
    let last: EventOf<"summary.sealed"> | undefined;
    let after = Math.max(0, (await reader.cursor(CURSOR)) - 1);
    for (let done = false; !done; ) {
      const { events, through } = await reader.read(after, { types: ["summary.sealed"] });
      last = (events.at(-1) as typeof last) ?? last;
      done = through <= after;
      after = through;
    }
    if (last && last.body.epoch > epoch)
      throw new Error(`the log is in epoch ${last.body.epoch}, but this gateway runs epoch ${epoch}`);
    const { seq = 0, sha256 = null, through_offset: through = 0, epoch: of = epoch } = last?.body ?? {};
    const gateway = last?.body.gateway ?? options.gateway;
    return { gateway, epoch, seq: of === epoch ? seq : 0, sha256, through };
  }

  async function collect(): Promise<void> {
    while (waiting.length < maxCdrs) {
      const limit = maxCdrs - waiting.length;
      const { events, through } = await reader.read(scanned, { types: SUMMARISED_TYPES, limit });
      for (const event of events as typeof waiting) {
        // From its own time on, so that a restart does not begin the wait again.
        if (waiting.length === 0) waitsSinceMs = clock.monoMs() - Math.max(0, clock.nowMs() - event.atMs);
        waiting.push(event);
      }
      if (through <= scanned) return;
      scanned = through;
    }
  }

  const waitMs = (): number => {
    if (waiting.length === 0) return Number.POSITIVE_INFINITY;
    if (waiting.length >= maxCdrs || flushes.length > 0) return 0;
    return clock.realDelayMs(Math.max(0, waitsSinceMs + maxWaitS * 1000 - clock.monoMs()));
  };

  /** Certificates to seal for now. @throws when the receiver has none that is good: what waits goes on waiting. */
  function readers(): string[] {
    const { certPems, refused, ready } = recipientsAt(options.recipients, wallMs());
    alarm.tell(options.recipients, refused, ready);
    if (ready) return certPems;
    const why = refused.map(({ subject, reason }) => `${subject} ${reason}`).join("; ");
    throw new Error(`no certificate of the receiver can be used (${why})`);
  }

  async function sealWaiting(at: Position): Promise<Position | undefined> {
    const { gateway } = at;
    const seq = at.seq + 1;
    const atMs = clock.nowMs();
    const certPems = readers();
    const recipients = certPems.map(certificateFingerprint);
    const content = summaryContent(waiting, options.payerOf);
    const { cdrs } = content;
    const signed = signedRecords(cdrs, options.openSealed);
    const payload: SummaryPayload = {
      type: "laddport.summary",
      version: 1,
      gateway,
      site: options.site,
      epoch,
      seq,
      previous_sha256: at.sha256,
      recipients,
      issued_at: new Date(atMs).toISOString(),
      ...content,
      ...(signed.length > 0 ? { signed_records: signed } : {}),
    };
    const der = await options.seal(payload, certPems);
    const sha256 = createHash("sha256").update(der).digest("hex");
    const through = waiting.at(-1)?.offset ?? at.through;
    const body = {
      gateway,
      epoch,
      seq,
      sha256,
      size: der.length,
      cdr_ids: cdrs.map((cdr) => cdr.id),
      recipients,
      through_offset: through,
    };
    const event = { type: "summary.sealed", atMs, station: null, key: sealedKey(epoch, seq), body } as const;
    const [placed] = await writer.append([event], [{ event: 0, bytes: der }]);
    if (placed === undefined || placed.duplicate) return undefined;
    await writer.commitCursor(CURSOR, placed.offset);
    log.info({ epoch, seq, cdrs: cdrs.length, bytes: der.length }, "summary sealed");
    return { gateway, epoch, seq, sha256, through };
  }

  /** One step: seals if it is time. Answers how long to wait for the next, in real ms. */
  async function step(): Promise<number> {
    if (position === undefined) {
      position = await recover();
      waiting = [];
      scanned = position.through;
    }
    await collect();
    const ms = waitMs();
    if (ms > 0) {
      if (waiting.length === 0) for (const { done } of flushes.splice(0)) done();
      return ms;
    }
    // Until the append is answered the position is unknown: a failure on the way reads it back.
    const before = position;
    position = undefined;
    position = await sealWaiting(before);
    waiting = [];
    return 0;
  }

  function failed(error: unknown): number {
    position = undefined;
    lastError = error instanceof Error ? error.message : String(error);
    log.error({ err: error }, "summaries cannot be sealed");
    context.alerts.raise({
      id: ALERT,
      kind: "upstream_down",
      severity: "critical",
      subject: "seal",
      cause: `Summaries cannot be sealed: ${lastError}. What waits stays in the log.`,
    });
    return backoffMs(failures++, RETRY);
  }

  function recovered(): void {
    failures = 0;
    lastError = null;
    context.alerts.clear(ALERT);
  }

  async function run(): Promise<void> {
    while (!stopping) {
      const ms = await step().then((next) => {
        recovered();
        return next;
      }, failed);
      if (ms > 0 && !stopping) await nap.sleep(ms);
      if (ms > 0 && !stopping && flushes.length === 0)
        await new Promise((resolve) => setTimeout(resolve, COLLECT_MS));
    }
  }

  return {
    start() {
      unsubscribe = context.wake(nap.wake);
      running = run();
    },
    async stop() {
      stopping = true;
      unsubscribe();
      nap.wake();
      await running;
      for (const { failed: refuse } of flushes.splice(0)) refuse(new Error("sealing was stopped"));
    },
    flush() {
      if (stopping) return Promise.reject(new Error("sealing was stopped"));
      return new Promise((done, refuse) => {
        flushes.push({ done, failed: refuse });
        nap.wake();
      });
    },
    status: () => ({ waiting: waiting.length, seq: position?.seq ?? 0, lastError }),
  };
}

/** The fact's key: one number, one envelope, for ever. */
const sealedKey = (epoch: number, seq: number): string => `summary.sealed:${epoch}:${seq}`;
