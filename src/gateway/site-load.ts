/**
 * What circuits draw, quarter hour by quarter hour: told to the log, and from there back as the forecast of other load
 * and the month's demand peak. Reading the log is the outbox thread's work; here is only what came of it.
 */
import type { CircuitState } from "../control/state.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import type { DemandPeak, LoadStep } from "../model/grid-side.ts";
import { highestMeanKw, type ImportPart, importKwh } from "../rules/grid/demand-peak.ts";
import { forecastSteps, type LoadProfile } from "../rules/grid/forecast.ts";
import { type LineAmps, type LoadWindow, LoadWindows } from "../rules/grid/load-windows.ts";
import { dateIn, dayStartMs } from "../rules/report-calendar.ts";
import type { Outbox } from "./outbox.ts";

export interface DemandCharge {
  perKw: number;
  windowMs: number;
}

interface Context {
  clock: Pick<DepotClock, "nowMs">;
  outbox: Pick<Outbox, "ask">;
  append(event: NewEvent): void;
  /** IANA name. */
  zone: string;
  voltageV: number;
  /** Those with a meter. */
  metered: readonly string[];
  /** The grid connection. */
  root: string;
  demandCharge: DemandCharge | null;
  failed(error: unknown): void;
}

/** Cars tell what they draw later than the meter does: their ramps look like other load for a moment. ms. */
const SETTLES_MS = 60_000;
/** How far profiles reach: a plan of a day stays covered when one hourly reading of the log fails. */
const PROFILE_STEPS = 192;
const REFRESH_MS = 3_600_000;
/** After a reading that failed, and until the first one succeeds. */
const AGAIN_MS = 60_000;

export class SiteLoad {
  readonly #context: Context;
  readonly #windows: Map<string, LoadWindows>;
  #profiles = new Map<string, LoadProfile>();
  /** Other load at present, smoothed. */
  #otherA = new Map<string, LineAmps>();
  #settledMs = Number.NEGATIVE_INFINITY;
  /** Import of the grid connection this month; null until the log was read. */
  #imports: ImportPart[] | null = null;
  #monthOf = "";
  #readAtMs = Number.NEGATIVE_INFINITY;
  #isReading = false;

  constructor(context: Context) {
    this.#context = context;
    this.#windows = new Map(context.metered.map((id) => [id, new LoadWindows()]));
  }

  /** Takes what control sees now. Call it at every tick. `otherA`: other load by circuit. */
  look(
    circuits: readonly Pick<CircuitState, "id" | "power_w" | "meter">[],
    otherA: ReadonlyMap<string, LineAmps>,
  ): void {
    const atMs = this.#context.clock.nowMs();
    this.#settle(otherA, atMs);
    for (const { id, power_w, meter } of circuits) {
      const windows = this.#windows.get(id);
      if (!windows) continue;
      const other = meter === "stale" ? null : (otherA.get(id) ?? null);
      this.#tell(id, windows.read({ atMs, otherA: other, powerW: power_w ?? 0 }));
    }
    if (atMs >= this.#readAtMs + REFRESH_MS || atMs < this.#readAtMs) void this.#refresh(atMs);
  }

  /** Tells the log of the windows under way, so that a restart loses nothing of them. */
  close(): void {
    for (const [id, windows] of this.#windows) this.#tell(id, windows.end());
  }

  forecast(circuit: string, fromMs: number, toMs: number): LoadStep[] {
    const nowMs = this.#context.clock.nowMs();
    const profile = this.#profiles.get(circuit) ?? null;
    const nowA = this.#otherA.get(circuit) ?? null;
    return forecastSteps(profile, nowA, nowMs, fromMs, toMs).map((step) => ({
      ...step,
      kw: (step.lineA.reduce((sum, a) => sum + a, 0) * this.#context.voltageV) / 1_000,
    }));
  }

  /** What the forecast of a circuit is made from; undefined before the log was read. */
  profile(circuit: string): LoadProfile | undefined {
    return this.#profiles.get(circuit);
  }

  peak(): DemandPeak | null {
    const { demandCharge, clock, root, zone } = this.#context;
    const imports = this.#imports;
    if (!demandCharge || !imports || !this.#windows.has(root)) return null;
    const { perKw, windowMs } = demandCharge;
    const nowMs = clock.nowMs();
    const windowFromMs = Math.floor(nowMs / windowMs) * windowMs;
    const underWay = (this.#windows.get(root)?.underWay(nowMs).importWh ?? 0) / 1_000;
    return {
      perKw,
      billedKw: highestMeanKw(imports, windowMs, monthStartMs(nowMs, zone), windowFromMs),
      usedKwh: importKwh(imports, windowMs, windowFromMs) + underWay,
      windowMs,
      windowFromMs,
    };
  }

  #settle(otherA: ReadonlyMap<string, LineAmps>, atMs: number): void {
    const fresh = 1 - Math.exp(-Math.max(0, atMs - this.#settledMs) / SETTLES_MS);
    this.#settledMs = atMs;
    const before = this.#otherA;
    this.#otherA = new Map(
      [...otherA].map(([id, now]) => {
        const was = before.get(id) ?? now;
        const mix = (p: 0 | 1 | 2) => was[p] + fresh * (now[p] - was[p]);
        return [id, [mix(0), mix(1), mix(2)]];
      }),
    );
  }

  #tell(circuit: string, windows: readonly LoadWindow[]): void {
    const { append, clock, root } = this.#context;
    for (const window of windows) {
      const { fromMs, firstMs, coveredMs, otherA, importWh } = window;
      if (circuit === root) this.#remember(window);
      append({
        type: "load.measured",
        atMs: clock.nowMs(),
        station: null,
        key: `load.measured:${circuit}:${fromMs}:${Math.round(firstMs)}`,
        body: {
          circuit,
          from: new Date(fromMs).toISOString(),
          covered_s: Math.round(coveredMs / 1_000),
          other_a: [tenth(otherA[0]), tenth(otherA[1]), tenth(otherA[2])],
          import_wh: Math.round(importWh),
        },
      });
    }
  }

  #remember(part: ImportPart): void {
    const { clock, zone } = this.#context;
    const month = dateIn(clock.nowMs(), zone).slice(0, 7);
    if (month !== this.#monthOf && this.#imports) {
      const startMs = monthStartMs(clock.nowMs(), zone);
      this.#imports = this.#imports.filter(({ fromMs }) => fromMs >= startMs);
    }
    this.#monthOf = month;
    this.#imports?.push(part);
  }

  async #refresh(nowMs: number): Promise<void> {
    const { outbox, metered, zone, root, failed } = this.#context;
    if (this.#isReading) return;
    this.#isReading = true;
    this.#readAtMs = nowMs;
    try {
      const monthMs = monthStartMs(nowMs, zone);
      const read = await outbox.ask("siteLoad", {
        circuits: [...metered],
        nowMs,
        zone,
        steps: PROFILE_STEPS,
        // What is told from here on is remembered here; once is enough for what came before.
        imports: this.#imports === null ? { circuit: root, fromMs: monthMs } : null,
      });
      this.#profiles = new Map(read.profiles);
      if (read.imports) this.#imports ??= read.imports;
    } catch (error) {
      this.#readAtMs = nowMs - REFRESH_MS + AGAIN_MS;
      failed(error);
    } finally {
      this.#isReading = false;
    }
  }
}

const tenth = (a: number) => Math.round(a * 10) / 10;

const monthStartMs = (nowMs: number, zone: string) =>
  dayStartMs(`${dateIn(nowMs, zone).slice(0, 7)}-01`, zone);
