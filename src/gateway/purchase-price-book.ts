/** Prices of the series that says what energy costs the depot, kept at hand for planning. */
import type { DepotClock } from "../model/clock.ts";
import type { PurchasePrice } from "../model/grid-side.ts";
import { purchaseSteps } from "../rules/grid/purchase-prices.ts";
import type { Priced } from "../rules/price-series.ts";
import type { Outbox } from "./outbox.ts";

interface Context {
  clock: Pick<DepotClock, "nowMs">;
  outbox: Pick<Outbox, "ask">;
  /** Null: the config names none. */
  series: string | null;
  /** IANA name. */
  zone: string;
  failed(error: unknown): void;
}

/** Estimates look back a week; a day more for the hours around it. */
const KEPT_MS = 8 * 86_400_000;
/** Often enough that a failed reading does not matter, and what is old goes. */
const REFRESH_MS = 600_000;

export class PurchasePriceBook {
  readonly #context: Context;
  #points: readonly Priced[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Call it at every tick. */
  look(): void {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs >= this.#readAtMs + REFRESH_MS || nowMs < this.#readAtMs) this.refresh();
  }

  /** Call it when prices were published. */
  refresh(): void {
    const { clock, outbox, series, failed } = this.#context;
    if (series === null) return;
    this.#readAtMs = clock.nowMs();
    const fromMs = this.#readAtMs - KEPT_MS;
    outbox.ask("purchasePrices", { series, fromMs }).then((points) => {
      this.#points = points;
    }, failed);
  }

  steps(fromMs: number, toMs: number): PurchasePrice[] {
    return purchaseSteps(this.#points, fromMs, toMs, this.#context.zone);
  }
}
