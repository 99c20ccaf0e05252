/**
 * Departures on their way to the log: people, files and flows say them, the core checks them, says why it changes or
 * refuses them, and makes them facts. What holds is kept here, read back from the log at start.
 */
import { createHash } from "node:crypto";
import { type Config, evseSpecs, fleet } from "../config.ts";
import type { DepotClock } from "../model/clock.ts";
import {
  type DepartureSource,
  type DeparturesAnswer,
  DeparturesRequest,
  type DeparturesTaken,
  type RemovedBy,
  type TimetableLine,
} from "../model/departure.ts";
import type { NewEvent } from "../model/event.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import { firstFault } from "../model/schema-fault.ts";
import type { Fleet, LearnedLimits } from "../model/vehicle.ts";
import { type Ahead, ahead } from "../rules/departures/ahead.ts";
import { book, type DepartureBook, emptyBook, isKnown } from "../rules/departures/book.ts";
import { type GivenDeparture, type ReadDepartures, readDepartures } from "../rules/departures/read.ts";
import type { Audit } from "./audit.ts";
import { forFlow, removalOf } from "./departure-removal.ts";
import type { AppendFact } from "./operator-facts.ts";
import type { Outbox } from "./outbox.ts";
import { type Turns, turns } from "./turns.ts";

/** Who says it, and how. */
export interface Sayer {
  source: DepartureSource;
  actor: string;
  /** Of the actor, for the audit trail. */
  detail?: Record<string, string | number>;
}

export interface DepartureGround {
  config: Pick<Config, "site" | "stations" | "classes" | "vehicles" | "vehiclesFile">;
  clock: Pick<DepotClock, "nowMs">;
  appendFact: AppendFact;
  append(event: NewEvent): void;
  outbox: Pick<Outbox, "ask">;
  audit: Audit;
}

type Refused = Extract<DeparturesAnswer, { refused: unknown }>;

const HOUR_MS = 3_600_000;
/** How far back and ahead departures may apply to who is plugged in; a weekly line comes in it at least once. */
const BACK_MS = 3 * HOUR_MS;
const AHEAD_MS = 8 * 24 * HOUR_MS;
/** Dated departures that hold at a time. */
const MOST = 20_000;
const SHOWN_FAULTS = 5;
/** Wire time. */
const AGAIN_MS = 5_000;

const BUSY: DeparturesAnswer = {
  refused: {
    code: "BUSY",
    message: "the log has not confirmed these departures yet",
    fix: "Send the same again: they are taken once.",
  },
};

export class DepartureDoor {
  readonly fleet: Fleet;
  readonly #ground: DepartureGround;
  readonly #evses: ReadonlySet<EvseId>;
  readonly #inTurn: Turns<DeparturesAnswer> = turns(BUSY);
  #book: DepartureBook = emptyBook();
  #loaded: Promise<void> | undefined;
  #ahead: { of: number; untilMs: number; known: Ahead } | undefined;
  #version = 0;

  constructor(ground: DepartureGround) {
    this.#ground = ground;
    this.fleet = fleet(ground.config);
    this.#evses = new Set(
      evseSpecs(ground.config as Config).map(({ station, evse }) => evseId(station, evse)),
    );
  }

  /** Reads what the log has. Until then nothing is known, and nothing is taken. */
  load(): Promise<void> {
    this.#loaded ??= this.#ground.outbox.ask("departures", {}).then(
      (known) => {
        for (const [vehicle, limits] of this.#book.learned) known.learned.set(vehicle, limits);
        this.#book = known;
        this.#version += 1;
      },
      (error: Error) => {
        this.#loaded = undefined;
        throw error;
      },
    );
    return this.#loaded;
  }

  get timetable(): readonly TimetableLine[] {
    return this.#book.timetable.lines;
  }

  learned(vehicle: string): LearnedLimits | undefined {
    return this.#book.learned.get(vehicle);
  }

  get learnedVehicles(): Iterable<string> {
    return this.#book.learned.keys();
  }

  /** Those that may apply to who is plugged in at `nowMs`, of depot time. */
  ahead(nowMs: number): Ahead {
    const kept = this.#ahead;
    if (kept && kept.of === this.#version && nowMs < kept.untilMs) return kept.known;
    const hour = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
    const known = ahead(this.#book, hour - BACK_MS, hour + AHEAD_MS, this.#ground.config.site.timezone);
    this.#ahead = { of: this.#version, untilMs: hour + HOUR_MS, known };
    return known;
  }

  /** Dated ones beyond `ahead`, in order of time. */
  later(nowMs: number): Ahead["all"] {
    const shown = new Set(this.ahead(nowMs).all.map(({ id }) => id));
    const dated = [...this.#book.dated.values()].filter((one) => one.departMs > nowMs && !shown.has(one.id));
    return dated.map((one) => ({ ...one, line: null })).sort((a, b) => a.departMs - b.departMs);
  }

  /** Never rejects. */
  set(request: unknown, by: Sayer): Promise<DeparturesAnswer> {
    return this.#inTurn(async () => {
      await this.load();
      const checked = this.#check(request, by);
      return "refused" in checked ? checked : this.#take(checked.read, checked.anew, checked.source, by);
    });
  }

  /** Takes departures, lines of the timetable and single days of a line back. All of them or none. Never rejects. */
  remove(ids: readonly string[], by: Sayer): Promise<DeparturesAnswer> {
    return this.#inTurn(async () => {
      await this.load();
      const removal = removalOf(this.#book, ids);
      if ("refused" in removal) return removal;
      if (by.source === "flow" && removal.lines) return forFlow("a line of the timetable cannot be removed");
      const { departures, lines } = removal;
      let offset: number | null = null;
      if (departures.length > 0) offset = await this.#removed(departures, by.source);
      if (lines) offset = await this.#append("timetable.set", { lines, source: this.#book.timetable.source });
      if (offset !== null) await this.#recorded(by, "departures.removed", { departures: ids.length });
      return { taken: { ...NOTHING, removed: [...ids], known: offset === null, log_offset: offset } };
    });
  }

  /** Nobody stands there any more: what was said of whoever does is over. */
  unplugged(evse: EvseId): void {
    const ids = [...this.#book.dated.values()].filter((one) => one.evse === evse).map(({ id }) => id);
    if (ids.length > 0) void this.#drop(ids);
  }

  async #drop(ids: readonly string[]): Promise<void> {
    const answer = await this.#inTurn(async () => {
      const still = ids.filter((id) => this.#book.dated.has(id));
      if (still.length > 0) await this.#removed(still, "unplugged");
      return { taken: NOTHING };
    });
    // Else whoever comes next would be taken for who left.
    if ("refused" in answer) setTimeout(() => void this.#drop(ids), AGAIN_MS).unref();
  }

  /** Limits that a vehicle showed; kept in the log, for they change rarely. */
  showed(vehicle: string, limits: LearnedLimits): void {
    this.#book.learned.set(vehicle, limits);
    this.#ground.append({
      type: "vehicle.learned",
      atMs: this.#ground.clock.nowMs(),
      station: null,
      key: `vehicle.learned:${vehicle}:${Object.values(limits).join(":")}:${Object.keys(limits).join(":")}`,
      body: { vehicle, ...limits },
    });
  }

  #check(
    request: unknown,
    by: Sayer,
  ): { read: ReadDepartures; anew: boolean; source: DepartureSource } | Refused {
    const parsed = DeparturesRequest.safeParse(request);
    if (!parsed.success) {
      return refuse(firstFault(parsed.error), "Correct the request.");
    }
    const { departures = [], timetable, source = by.source } = parsed.data;
    if (by.source === "flow" && timetable) return forFlow("a timetable holds until it is replaced");
    const given: GivenDeparture[] = [
      ...departures.map((fields, i) => ({ at: `/departures/${i}`, fields })),
      ...(timetable ?? []).map((fields, i) => ({ at: `/timetable/${i}`, fields })),
    ];
    const { site } = this.#ground.config;
    const words = {
      ...this.fleet,
      evses: this.#evses,
      zone: site.timezone,
      nowMs: this.#ground.clock.nowMs(),
    };
    const read = readDepartures(given, words);
    const [fault] = read.faults;
    if (fault) return refuse(faultText(read), fault.fix);
    if (read.departures.length === 0 && !timetable)
      return read.passed > 0
        ? refuse("/departures: all of them are past", "Check the dates.")
        : refuse("/departures: there is no departure", "Give at least one.");
    if (this.#book.dated.size + read.departures.length > MOST)
      return refuse(
        `more than ${MOST} departures would hold`,
        "Use the timetable for what comes every week.",
      );
    // Only people and files have a say in what a request calls itself.
    return { read, anew: timetable !== undefined, source: by.source === "flow" ? "flow" : source };
  }

  async #take(
    read: ReadDepartures,
    anew: boolean,
    source: DepartureSource,
    by: Sayer,
  ): Promise<DeparturesAnswer> {
    const fresh = read.departures.filter((record) => !isKnown(this.#book, record, source));
    const { lines } = read;
    let offset: number | null = null;
    if (fresh.length > 0) offset = await this.#append("departures.set", { departures: fresh, source });
    if (anew && JSON.stringify(lines) !== JSON.stringify(this.#book.timetable.lines))
      offset = await this.#append("timetable.set", { lines, source });
    if (offset !== null)
      await this.#recorded(by, "departures.set", {
        departures: fresh.length,
        ...(anew ? { timetable: lines.length } : {}),
      });
    return {
      taken: {
        departures: read.departures.map(({ id }) => id),
        ...(anew ? { timetable: lines.length } : {}),
        passed: read.passed,
        notes: read.notes,
        clamped: read.clamped,
        known: offset === null,
        log_offset: offset,
      },
    };
  }

  #removed(ids: string[], source: RemovedBy): Promise<number> {
    return this.#append("departures.removed", { ids, source });
  }

  /** The key names content and what came before it: the same may be said again after something else held. */
  async #append(
    type: "departures.set" | "departures.removed" | "timetable.set",
    body: object,
  ): Promise<number> {
    const { clock, appendFact } = this.#ground;
    const sha256 = createHash("sha256").update(JSON.stringify(body)).digest("hex");
    const key = `${type}:${this.#book.through}:${sha256}`;
    const event = { type, atMs: clock.nowMs(), station: null, key, body } as NewEvent;
    const { offset } = await appendFact(event);
    book(this.#book, { ...event, offset });
    this.#version += 1;
    return offset;
  }

  /** What flows say is in the log as the fact itself; of people it is kept who said it. */
  async #recorded(by: Sayer, action: string, detail: Record<string, number>): Promise<void> {
    const { source, actor } = by;
    if (source !== "flow") await this.#ground.audit({ actor, action, detail: { ...by.detail, ...detail } });
  }
}

const NOTHING: DeparturesTaken = {
  departures: [],
  passed: 0,
  notes: [],
  clamped: false,
  known: true,
  log_offset: null,
};

const refuse = (message: string, fix: string): Refused => ({
  refused: { code: "BAD_DEPARTURE", message, fix },
});

function faultText({ faults }: ReadDepartures): string {
  const shown = faults.slice(0, SHOWN_FAULTS).map(({ at, message }) => `${at} ${message}`);
  const more = faults.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
