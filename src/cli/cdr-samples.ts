/** The register readings of a session that the log still has, to prove its energy with. */
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { Event, EventType } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import { proveRegisters, type RegisterProof, type RegisterSeen } from "../rules/register-proof.ts";
import { lastBefore } from "../web/log-history.ts";

export type SampleProof = RegisterProof | { result: "pruned"; through: number };

const TYPES = [
  "meter.sampled",
  "transaction.started",
  "transaction.updated",
  "transaction.ended",
] as const satisfies EventType[];
/** A message may have been stamped this long before it arrived. */
const MARGIN_MS = 600_000;
const PAGE = 5_000;

/** `recordOffset`: where the session's record stands; what arrived later was not in it. */
export async function proveFromSamples(
  reader: SqliteReader,
  session: SessionRecord,
  recordOffset: number,
): Promise<SampleProof> {
  const arrivedMs = session.started_ms - (session.clock === "station" ? session.clock_offset_ms : 0);
  const start = await startOf(reader, arrivedMs - MARGIN_MS);
  const seen: RegisterSeen[] = [];
  let sampled = false;
  for (let after = start; ; ) {
    const events = await reader.ofStation(session.station, TYPES, after, recordOffset, PAGE);
    for (const event of events) {
      const register = registerOf(session, event);
      if (!register) continue;
      seen.push(register);
      sampled ||= event.type === "meter.sampled";
    }
    if (events.length < PAGE) break;
    after = events.at(-1)?.offset ?? recordOffset;
  }
  const pruned = reader.lastPrune();
  if (pruned && pruned.through > start && !sampled) return { result: "pruned", through: pruned.through };
  return proveRegisters(session, seen);
}

/**
 * What arrived at an instant or later lies after this offset. A fact that a fold made has the time of what it was made
 * from, and stands behind younger samples when the folds had fallen behind; samples stand as they arrived.
 */
async function startOf(reader: SqliteReader, atMs: number): Promise<number> {
  const sample = reader.lastBefore("sample", atMs);
  if (sample > 0) return sample;
  return reader.lastPrune() ? lastBefore(reader, atMs) : 0;
}

/** Undefined when the event is of another EVSE or transaction, or tells no register. */
function registerOf(session: SessionRecord, { type, atMs, body }: Event): RegisterSeen | undefined {
  if (type !== "meter.sampled" && !type.startsWith("transaction.")) return undefined;
  const { evse, ts, tx_ref, energy_import_wh } = body as {
    evse: number;
    ts: string;
    tx_ref?: string;
    energy_import_wh?: number;
  };
  if (evse !== session.evse || energy_import_wh === undefined) return undefined;
  if (tx_ref !== undefined && !session.tx_refs.includes(tx_ref)) return undefined;
  return { ms: session.clock === "station" ? Date.parse(ts) : atMs, wh: energy_import_wh };
}
