/**
 * Tells what open sessions cost, each at most every ten seconds, in turns of a few milliseconds: folds and commits on
 * the same thread come first, and with more sessions than fit a turn each is told of less often.
 */
import { type EvseId, evseId } from "../model/ids.ts";
import type { Occupant, RunningCost } from "../model/running-cost.ts";
import type { SessionsPart } from "../rules/fold-sessions.ts";
import type { RunningCostOf } from "../rules/running-cost.ts";

const EVERY_MS = 10_000;
const BUDGET_MS = 4;

/** What changed since the last news of it. */
export interface RunningNews {
  kind: "running";
  costs: RunningCost[];
  /** Of sessions that were not told of before, or whose token came after their start. */
  occupants: Occupant[];
  /** EVSEs whose session is over. */
  ended: EvseId[];
  /** Sessions that cannot be rated for a reason of ours, in words; told of once. */
  faults: string[];
}

interface Told extends Pick<Place, "sessionId" | "vehicle" | "group"> {
  dueMs: number;
}

interface Place {
  station: string;
  evse: number;
  sessionId: string;
  vehicle: string | null;
  group: string | null;
}

export class RunningWatch {
  readonly #parts: ReadonlyMap<string, SessionsPart>;
  readonly #costOf: RunningCostOf;
  readonly #told = new Map<EvseId, Told>();
  #round: Place[] = [];

  constructor(parts: ReadonlyMap<string, SessionsPart>, costOf: RunningCostOf) {
    this.#parts = parts;
    this.#costOf = costOf;
  }

  /** `nowMs` is depot time, `wireMs` a steady clock in ms. Undefined when nothing is to be told. */
  turn(nowMs: number, wireMs: () => number): RunningNews | undefined {
    const until = wireMs() + BUDGET_MS;
    const news: RunningNews = { kind: "running", costs: [], occupants: [], ended: [], faults: [] };
    if (this.#round.length === 0) this.#begin(news, wireMs());
    do {
      const place = this.#round.pop();
      if (!place) break;
      this.#tell(place, nowMs, wireMs(), news);
    } while (wireMs() < until);
    const { costs, occupants, ended, faults } = news;
    return costs.length + occupants.length + ended.length + faults.length > 0 ? news : undefined;
  }

  /** A new round: what is due of what is open, and what is open no more. */
  #begin(news: RunningNews, wireMs: number): void {
    const open = new Map<EvseId, Place>();
    for (const [station, part] of this.#parts) {
      if (!("evses" in part)) continue;
      for (const [number, { session }] of Object.entries(part.evses)) {
        const evse = Number(number);
        if (!session) continue;
        const { id: sessionId, vehicle, tokenGroup: group } = session;
        open.set(evseId(station, evse), { station, evse, sessionId, vehicle, group });
      }
    }
    for (const id of this.#told.keys()) {
      if (open.has(id)) continue;
      this.#told.delete(id);
      news.ended.push(id);
    }
    for (const [id, place] of open) {
      const told = this.#told.get(id);
      if (!told || !isSame(told, place)) news.occupants.push(occupantOf(place));
      if (told?.sessionId !== place.sessionId || told.dueMs <= wireMs) this.#round.push(place);
      if (told) Object.assign(told, { vehicle: place.vehicle, group: place.group });
    }
  }

  /** Rating works on copies, so what throws here has changed nothing: the session is billed or held when it ends. */
  #tell(place: Place, nowMs: number, wireMs: number, news: RunningNews): void {
    const { station, evse, sessionId, vehicle, group } = place;
    const id = evseId(station, evse);
    try {
      const cost = this.#costOf(station, evse, nowMs);
      if (!cost) return;
      news.costs.push(cost);
      this.#told.set(id, { sessionId: cost.session_id, vehicle, group, dueMs: wireMs + EVERY_MS });
    } catch (error) {
      news.faults.push(`${sessionId}: ${(error as Error).message}`);
      this.#told.set(id, { sessionId, vehicle, group, dueMs: Number.POSITIVE_INFINITY });
    }
  }
}

const isSame = (told: Told, place: Place) =>
  told.sessionId === place.sessionId && told.vehicle === place.vehicle && told.group === place.group;

function occupantOf({ station, evse, sessionId, vehicle, group }: Place): Occupant {
  return { session_id: sessionId, station, evse, vehicle, group };
}
