/** Quarter hours of circuits, read from the log: what the forecast and the demand peak are made from. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import type { ImportPart } from "../rules/grid/demand-peak.ts";
import { type LoadProfile, type LoadSlot, loadProfile } from "../rules/grid/forecast.ts";
import { WINDOW_MS } from "../rules/grid/load-windows.ts";
import { lastBefore } from "../web/log-history.ts";

export interface SiteLoadAsk {
  circuits: string[];
  /** Depot time, ms. */
  nowMs: number;
  /** IANA name. */
  zone: string;
  /** Quarter hours ahead. */
  steps: number;
  /** Also the parts of this circuit from then on. */
  imports: { circuit: string; fromMs: number } | null;
}

export interface SiteLoadAnswer {
  profiles: [circuit: string, profile: LoadProfile][];
  imports: ImportPart[] | null;
}

interface Part extends ImportPart {
  otherA: [number, number, number];
}

/** Four weeks and the days that a month may have more. */
const KEPT_MS = 36 * 86_400_000;
const PAGE = 1_000;
/** A slot with less readings than this share says nothing of its mean. */
const LEAST_COVERED = 1 / 3;

/** Reads only what is new each time. */
export class LoadBook {
  readonly #reader: Pick<SqliteReader, "factsOfType" | "head" | "read">;
  readonly #parts = new Map<string, Part[]>();
  #through: number | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(reader: Pick<SqliteReader, "factsOfType" | "head" | "read">) {
    this.#reader = reader;
  }

  /** One at a time: two that read the same page would count it twice. */
  answer(ask: SiteLoadAsk): Promise<SiteLoadAnswer> {
    const made = this.#last.then(async () => {
      await this.#readOn(ask.nowMs);
      return this.#make(ask);
    });
    this.#last = made.catch(() => undefined);
    return made;
  }

  async #make({ circuits, nowMs, zone, steps, imports }: SiteLoadAsk): Promise<SiteLoadAnswer> {
    const profiles: SiteLoadAnswer["profiles"] = [];
    for (const id of circuits) {
      profiles.push([id, loadProfile(slotsOf(this.#parts.get(id) ?? []), nowMs, zone, steps)]);
      // Sinks of this thread want their turn.
      await nextTurn();
    }
    return {
      profiles,
      imports: imports && (this.#parts.get(imports.circuit) ?? []).filter((p) => p.fromMs >= imports.fromMs),
    };
  }

  async #readOn(nowMs: number): Promise<void> {
    this.#through ??= await lastBefore(this.#reader, nowMs - KEPT_MS);
    for (;;) {
      const events = this.#reader.factsOfType("load.measured", this.#through, PAGE);
      for (const { type, body, offset } of events) {
        this.#through = offset;
        if (type !== "load.measured") continue;
        const parts = this.#parts.get(body.circuit) ?? [];
        parts.push({
          fromMs: Date.parse(body.from),
          coveredMs: body.covered_s * 1_000,
          importWh: body.import_wh,
          otherA: body.other_a,
        });
        this.#parts.set(body.circuit, parts);
      }
      if (events.length < PAGE) break;
      await nextTurn();
    }
    for (const [id, parts] of this.#parts)
      this.#parts.set(
        id,
        parts.filter(({ fromMs }) => fromMs >= nowMs - KEPT_MS),
      );
  }
}

/** Parts of a quarter hour together, weighted by what they cover. */
function slotsOf(parts: readonly Part[]): LoadSlot[] {
  const slots = new Map<number, Part>();
  for (const { fromMs, coveredMs, otherA } of parts) {
    const slot = slots.get(fromMs) ?? { fromMs, coveredMs: 0, importWh: 0, otherA: [0, 0, 0] };
    const total = slot.coveredMs + coveredMs;
    if (total <= 0) continue;
    const mean = (p: 0 | 1 | 2) => (slot.otherA[p] * slot.coveredMs + otherA[p] * coveredMs) / total;
    slots.set(fromMs, { ...slot, coveredMs: total, otherA: [mean(0), mean(1), mean(2)] });
  }
  return [...slots.values()]
    .filter(({ coveredMs }) => coveredMs >= LEAST_COVERED * WINDOW_MS)
    .sort((a, b) => a.fromMs - b.fromMs)
    .map(({ fromMs, otherA }) => ({ fromMs, lineA: otherA }));
}
