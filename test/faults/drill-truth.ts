/** What really flows in a drilled depot, held against what may flow, by somebody who asks the gateway nothing. */

export type Lines = [number, number, number];

/** Time between a change that nobody could know beforehand and its measured effect on cars (depot time). */
const REACTION_MS = 10_000;
/** Below this an excess is rounding of limits to 0.1 A. */
const TOLERANCE_A = 0.1;

interface Excess {
  /** Depot seconds in which something was over, and by how much at worst. */
  seconds: Set<number>;
  worstA: number;
}

const none = (): Excess => ({ seconds: new Set(), worstA: 0 });

export class Truth {
  readonly #limitA: Readonly<Record<string, number>>;
  #siteW: number | null = null;
  #graceUntilMs = 0;
  #over = none();
  #reacting = none();
  #siteLines: Lines = [0, 0, 0];
  #nowMs = 0;
  #wattsUnderSince: number | null = null;

  /** A per line by circuit; the grid connection is `site`. */
  constructor(limitA: Readonly<Record<string, number>>) {
    this.#limitA = limitA;
  }

  /** Amperes by circuit at `nowMs`, other load included. */
  note(nowMs: number, flows: Readonly<Record<string, Lines>>): void {
    this.#nowMs = nowMs;
    this.#siteLines = flows.site ?? [0, 0, 0];
    let overA = 0;
    for (const [circuit, lines] of Object.entries(flows))
      for (const a of lines) overA = Math.max(overA, a - (this.#limitA[circuit] ?? Number.POSITIVE_INFINITY));
    this.#enter(nowMs <= this.#graceUntilMs ? this.#reacting : this.#over, overA);
    if (this.#siteW === null) return;
    const overW = this.siteW - this.#siteW;
    this.#wattsUnderSince = overW > 0 ? null : (this.#wattsUnderSince ?? nowMs);
    // An order is about watts over all lines; while it is young the limit before it holds.
    if (nowMs > this.#graceUntilMs) this.#enter(this.#over, overW / 230 / 3);
  }

  /** Forgets what was over before: a new drill begins. */
  begin(): void {
    this.#over = none();
    this.#reacting = none();
    this.#graceUntilMs = 0;
  }

  /** Load jumped or a limit fell: cars have the reaction time from now on. */
  changed(): void {
    this.#graceUntilMs = this.#nowMs + REACTION_MS;
  }

  /** The grid connection may draw so many watts from now on; null: no such limit. */
  ordered(watts: number | null, graceMs = REACTION_MS): void {
    this.#siteW = watts;
    this.#wattsUnderSince = null;
    if (watts !== null) this.#graceUntilMs = this.#nowMs + graceMs;
  }

  get siteLines(): Lines {
    return this.#siteLines;
  }

  get siteW(): number {
    return this.#siteLines.reduce((sum, a) => sum + a * 230, 0);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Since when the order has been kept without a break; null when it is not. */
  get keptSinceMs(): number | null {
    return this.#wattsUnderSince;
  }

  /** Overload outside of the reaction time. */
  get verdict(): { secondsOver: number; worstA: number } {
    return { secondsOver: this.#over.seconds.size, worstA: Math.round(this.#over.worstA * 10) / 10 };
  }

  get reactingWorstA(): number {
    return Math.round(this.#reacting.worstA * 10) / 10;
  }

  #enter(excess: Excess, overA: number): void {
    if (overA <= TOLERANCE_A) return;
    excess.seconds.add(Math.floor(this.#nowMs / 1000));
    excess.worstA = Math.max(excess.worstA, overA);
  }
}
