/** What the ledger thread keeps in memory, and how it is rebuilt from the log when the thread starts. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SubjectStore } from "../identity/subject-store.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { damageOf, openLogNow } from "../log/open-log.ts";
import { FoldRunner } from "../log/run-fold.ts";
import { Seen } from "../log/seen.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { SqliteStore } from "../log/sqlite-store.ts";
import { meterKeyOf, SESSIONS_FOLD } from "../rules/fold-sessions.ts";
import { folds } from "./folds.ts";
import { Intake } from "./intake.ts";
import type { LedgerSettings } from "./ledger-protocol.ts";
import { QuarantineQuota } from "./quarantine-quota.ts";
import { Retention } from "./retention.ts";
import { replayErasures } from "./subject-work.ts";

/** How far back duplicates are remembered after a restart. */
const SEEN_ROWS = 100_000;
/** Cursor under which the number of the last committed batch rides in its own transaction. */
export const BATCH_CURSOR = "ledger.batch";

/** Everything that is rebuilt from the log when the thread starts. */
export interface Ledger {
  store: SqliteStore;
  subjects: SubjectStore;
  intake: Intake;
  seen: Seen;
  runner: FoldRunner;
  quota: QuarantineQuota;
  expected: number;
  /** The last batch that is durable; the thread may have died before it could say so. */
  committed: number;
  counts: Record<string, number>;
  snapshotAt: number;
  snapshotOffset: number;
  lastMinute: number;
  lastHour: number;
  retention: Retention;
  missedSamples: Set<string>;
}

interface Opened {
  ledger: Ledger;
  /** Events folded again. */
  replayed: number;
  /** What is missing of what was committed, in words. */
  damage: string | null;
}

/** Opens (or makes) the log and folds again what came after the last snapshots; `next` is the first batch expected. */
export function openLedger(settings: LedgerSettings, next: number): Opened {
  const { store, mark } = openLogNow(settings.dir, {
    signerKey: () => createPrivateKey(readFileSync(settings.signerKeyFile)),
    publicPem: publicKeyOf(settings.signerCertFile),
  });
  const subjects = new SubjectStore(join(settings.dir, "subjects.db"), new Vault(readKek(settings.kekFile)));
  replayErasures(subjects, store, settings.dir);
  const evsesOf = new Map<string, number[]>(settings.meters.map((m) => [m, [0]]));
  for (const { station, evse } of settings.evses)
    evsesOf.set(station, [...(evsesOf.get(station) ?? [0]), evse]);
  const runner = new FoldRunner(folds(settings));
  const { site, tokenPolicy } = settings;
  const keyOf = (serial: string) => meterKeyOf(runner.partsOf(SESSIONS_FOLD), serial);
  const intake = new Intake({ site, evsesOf, tokenPolicy, meterKeyOf: keyOf }, subjects);
  const ledger: Ledger = {
    store,
    subjects,
    intake,
    seen: new Seen(),
    runner,
    quota: new QuarantineQuota(),
    expected: next,
    committed: store.cursorNow(BATCH_CURSOR),
    counts: {},
    snapshotAt: performance.now(),
    snapshotOffset: 0,
    lastMinute: 0,
    lastHour: 0,
    retention: new Retention(store, {
      ...settings,
      // Holds are the subject store's.
      isOnHold: (tokenRef, nowMs) => subjects.holds.on(tokenRef, nowMs) !== undefined,
    }),
    missedSamples: new Set(),
  };
  const replayed = replay(ledger);
  rememberSeen(ledger);
  return { ledger, replayed, damage: damageOf(mark, store.readHead()) };
}

function publicKeyOf(certFile: string): string {
  return new X509Certificate(readFileSync(certFile)).publicKey
    .export({ type: "spki", format: "pem" })
    .toString();
}

/** Folds again what came after the last snapshot. Facts it emits again are duplicates by key. */
function replay({ store, runner }: Ledger): number {
  let after = runner.restore((fold) => store.snapshotNow(fold));
  // Where new rules fold a log again whose bodies are gone in part, what they see is no longer whole, and everything
  // that followed from it is in the log.
  const settled = after === 0 && store.emptying.declared().size > 0 ? store.foldedThrough : 0;
  let replayed = 0;
  for (;;) {
    const { events, through } = store.readSync(after, 2_000);
    if (events.length === 0) return replayed;
    const known = events.filter(({ offset }) => offset <= settled);
    runner.feed(known);
    while (runner.work(50));
    if (known.length > 0) runner.committed(runner.emitted().length, false);
    runner.feed(events.slice(known.length));
    while (runner.work(50));
    replayed += events.length;
    after = through;
  }
}

function rememberSeen({ store, seen, intake }: Ledger): void {
  for (let after = Math.max(0, store.lastOffset - SEEN_ROWS); ; ) {
    const { events, through } = store.readSync(after, 5_000);
    if (events.length === 0) return;
    for (const { station, body, offset, type } of events) {
      const { boot, seq, evse, token_ref } = body as {
        boot?: string;
        seq?: number;
        evse?: number;
        token_ref?: string;
      };
      if (station && typeof boot === "string" && typeof seq === "number")
        seen.add(station, boot, seq, offset);
      if (station && type.startsWith("transaction."))
        intake.remember(station, evse ?? 0, token_ref, type === "transaction.started");
    }
    after = through;
  }
}

/** Of the installation: it rises with each restored backup. */
export function epochOf(log: Pick<SqliteReader, "lastOfType">): number {
  const of = (type: "gateway.started" | "log.restored") =>
    (log.lastOfType(type)?.body as { epoch?: number } | undefined)?.epoch ?? 1;
  return Math.max(of("gateway.started"), of("log.restored"));
}
