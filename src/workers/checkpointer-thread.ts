/**
 * Off the commit path, on a connection and a thread of its own: moves the WAL into the database, writes the signed
 * high-water mark, proves the whole log once after each start, keeps the ballast file.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { type Mark, readMark, writeMark } from "../log/mark.ts";
import { SqliteReader } from "../log/sqlite-reader.ts";
import { storageFault } from "../log/storage-fault.ts";
import { type Verdict, verifyLog } from "../log/verify.ts";
import { depotClock } from "../model/clock.ts";
import { ballast } from "./ballast.ts";
import type { CheckpointerSettings, FromCheckpointer } from "./checkpointer.ts";

/** Each checkpoint costs two fsyncs that commits wait behind, and the commit after it a third. */
const CHECKPOINT_MS = 1_000;
const MARK_MS = 500;
const BALLAST_MS = 60_000;
/** Pause between two pages of the background proof: it must not be felt. */
const PROOF_PAUSE_MS = 5;

const settings = workerData as CheckpointerSettings;
const clock = depotClock(settings.clock);
const file = join(settings.dir, "log.db");
const markFile = join(settings.dir, "log.mark");
const key = createPrivateKey(readFileSync(settings.signerKeyFile));

const db = new DatabaseSync(file);
db.exec("PRAGMA busy_timeout=0; PRAGMA synchronous=FULL");
const reader = new SqliteReader(new DatabaseSync(file, { readOnly: true }));

const tell = (message: FromCheckpointer) => parentPort?.postMessage(message);

let marked = { factOffset: -1, sampleOffset: -1 };

function mark(): void {
  const head = reader.readHead();
  if (head.factOffset === marked.factOffset && head.sampleOffset === marked.sampleOffset) return;
  const { factOffset, factHash, sampleOffset, sampleHash } = head;
  const next: Mark = {
    factOffset,
    factHash,
    sampleOffset,
    sampleHash,
    at: new Date(clock.nowMs()).toISOString(),
  };
  writeMark(markFile, next, key);
  marked = next;
}

/** A checkpoint that meets a writer or a reader does what it can; the next one does the rest. */
function checkpoint(): void {
  try {
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== 5) throw error;
  }
}

/** A full disk is the ledger's to tell of: WAL and mark stay as they are, and follow when there is room. */
function ifThereIsRoom(work: () => void): void {
  try {
    work();
  } catch (error) {
    const fault = storageFault(error);
    if (fault === "other") throw error;
    if (fault === "fsync") tell({ kind: "fatal", why: (error as Error).message });
  }
}

async function prove(): Promise<Verdict> {
  const publicKey = new X509Certificate(readFileSync(settings.signerCertFile)).publicKey;
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const own = new DatabaseSync(file, { readOnly: true });
  const steps = verifyLog(own, readMark(markFile, pem));
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) {
      own.close();
      return step.value;
    }
    await new Promise((resolve) => setTimeout(resolve, PROOF_PAUSE_MS));
  }
}

const timers = [
  setInterval(() => ifThereIsRoom(checkpoint), CHECKPOINT_MS),
  setInterval(() => ifThereIsRoom(mark), MARK_MS),
  setInterval(() => ifThereIsRoom(() => ballast(settings.dir).restore()), BALLAST_MS),
];

parentPort?.on("message", () => {
  for (const timer of timers) clearInterval(timer);
  ifThereIsRoom(checkpoint);
  ifThereIsRoom(mark);
  db.close();
  void reader.close();
  parentPort?.close();
});

void prove().then((verdict) => tell({ kind: "proved", verdict }));
