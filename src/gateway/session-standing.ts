/** Where ended sessions stand, read from the log: one by its keys, or all that wait for a person. */
import type { LogReader } from "../log/log-store.ts";
import type { Cdr } from "../model/cdr.ts";
import type { Event, EventOf } from "../model/event.ts";
import type { Hold } from "../model/session.ts";
import { billKey } from "../rules/credit.ts";
import {
  endedStanding,
  isRevision,
  nextStanding,
  REVISION_TYPES,
  type RevisionEvent,
  revisionKey,
  type Standing,
} from "../rules/standing.ts";

/** Undefined when no such session has ended, or when retention has emptied its record. */
export async function standingOf(
  reader: Pick<LogReader, "factByKey">,
  sessionId: string,
): Promise<Standing | undefined> {
  const ended = (await reader.factByKey(`session.ended:${sessionId}`)) as
    | EventOf<"session.ended">
    | undefined;
  return ended && standingAfter(reader, ended);
}

/** The same from the fact that ended it. */
export async function standingAfter(
  reader: Pick<LogReader, "factByKey">,
  ended: EventOf<"session.ended">,
): Promise<Standing | undefined> {
  const sessionId = ended.body.session_id;
  if (sessionId === undefined) return undefined;
  let standing = endedStanding(ended);
  for (let revision = 2; ; revision++) {
    const next = await reader.factByKey(revisionKey(sessionId, revision));
    if (!next || !isRevision(next) || next.body.session_id === undefined) return standing;
    standing = nextStanding(standing, next);
  }
}

/** Where a session stands, and the bill that stands for it as it was issued; null when there is none. */
export type BilledStanding = Standing & { bill: Cdr | null };

/** The bill that stands for a session; none when it waits, is voided or credited, or nothing is due. */
export async function standingBill(
  reader: Pick<LogReader, "factByKey">,
  standing: Standing | undefined,
): Promise<Cdr | undefined> {
  if (standing?.state !== "billed" || standing.billRevision === null) return undefined;
  const { record, billRevision } = standing;
  const bill = (await reader.factByKey(billKey(record.session_id, billRevision)))?.body as Cdr | undefined;
  // Retention may have emptied it.
  return bill?.id === undefined ? undefined : bill;
}

/** A session that waits for a person, in the wire's spelling. */
export interface HeldSession {
  session_id: string;
  station: string;
  evse: number;
  held_since: string;
  started: string;
  ended: string;
  energy_wh: number;
  held: Hold[];
  revision: number;
}

/** What became of one that waited, or of a bill. */
export interface DecidedSession {
  session_id: string;
  station: string | null;
  decision: "released" | "voided" | "credited" | "revised";
  at: string;
  /** An operator's id, or `gateway`. */
  by: string;
  reason: string;
  /** Codes of what it was held for. */
  held: string[];
}

const PAGE = 1_000;
/** Decisions remembered; the log has all of them. */
const MAX_DECIDED = 1_000;

/** Reads only what is new each time. */
export class HoldBook {
  readonly #reader: Pick<LogReader, "read">;
  readonly #open = new Map<string, Standing>();
  readonly #decided: DecidedSession[] = [];
  #through = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(reader: Pick<LogReader, "read">) {
    this.#reader = reader;
  }

  /** Oldest first. */
  async read(): Promise<{ open: HeldSession[]; decided: DecidedSession[] }> {
    const open = await this.waiting();
    return { open: open.map(heldSession), decided: [...this.#decided] };
  }

  /** What waits for a person, whole; oldest first. */
  waiting(): Promise<Standing[]> {
    const read = this.#last.then(() => this.#readOn());
    this.#last = read.catch(() => undefined);
    return read;
  }

  /** One at a time: two that read the same page would enter it twice. */
  async #readOn(): Promise<Standing[]> {
    for (;;) {
      const { events, through } = await this.#reader.read(this.#through, {
        types: ["session.ended", ...REVISION_TYPES],
        limit: PAGE,
      });
      for (const event of events) this.#enter(event);
      if (through === this.#through) break;
      this.#through = through;
    }
    return [...this.#open.values()];
  }

  #enter(event: Event): void {
    if ((event.body as { session_id?: string }).session_id === undefined) return;
    if (event.type === "session.ended") {
      if (event.body.held.length > 0) this.#open.set(event.body.session_id, endedStanding(event));
      return;
    }
    if (!isRevision(event)) return;
    const { session_id } = event.body;
    const before = this.#open.get(session_id);
    const after = before && nextStanding(before, event);
    if (after?.state === "held") {
      this.#open.set(session_id, after);
      return;
    }
    this.#open.delete(session_id);
    if (!before && event.type === "session.revised") return;
    this.#decided.push(decided(event, before?.held ?? []));
    if (this.#decided.length > MAX_DECIDED) this.#decided.shift();
  }
}

const DECISIONS = {
  "hold.released": "released",
  "session.voided": "voided",
  "cdr.credited": "credited",
  "session.revised": "revised",
} as const;

function decided(event: RevisionEvent, held: readonly Hold[]): DecidedSession {
  const { by, reason } =
    event.type === "session.revised" ? { by: "gateway", reason: event.body.detail } : event.body;
  return {
    session_id: event.body.session_id,
    station: event.station,
    decision: DECISIONS[event.type],
    at: new Date(event.atMs).toISOString(),
    by,
    reason,
    held: held.map(({ code }) => code),
  };
}

function heldSession({ record, held, revision, sinceMs }: Standing): HeldSession {
  return {
    session_id: record.session_id,
    station: record.station,
    evse: record.evse,
    held_since: new Date(sinceMs).toISOString(),
    started: new Date(record.started_ms).toISOString(),
    ended: new Date(record.ended_ms).toISOString(),
    energy_wh: record.energy_wh,
    held,
    revision,
  };
}
