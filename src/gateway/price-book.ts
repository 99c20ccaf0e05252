/** What has been published of each price series, so that the same prices again are known as such. */
import type { LogReader } from "../log/log-store.ts";
import { pricesKey } from "../model/prices.ts";
import { type PriceSeries, published } from "../rules/price-series.ts";

/** The newest publication that overlaps `[from, to)` tells whether there is anything new in the same content. */
export interface Standing {
  /** The offset of the fact that says so already; null when it has to be appended. */
  knownAt: number | null;
  /** For the new fact. */
  key: string;
}

interface Published {
  offset: number;
  key: string;
  fromMs: number;
  toMs: number;
}

export class PriceBook {
  readonly #reader: Pick<LogReader, "read">;
  readonly #series = new Map<string, Published[]>();
  #through = 0;

  constructor(reader: Pick<LogReader, "read">) {
    this.#reader = reader;
  }

  /**
   * Times as RFC 3339; `sha256` is of the content. A correction that is taken back publishes the first content once
   * more: its key then names the publication that it overrides.
   */
  async standing(ask: { series: string; sha256: string; from: string; to: string }): Promise<Standing> {
    await this.#readOn();
    const { series, sha256, from, to } = ask;
    const all = this.#series.get(series) ?? [];
    const content = pricesKey(series, sha256);
    const newest = all.findLast((p) => p.fromMs < Date.parse(to) && p.toMs > Date.parse(from));
    if (newest?.key.startsWith(content)) return { knownAt: newest.offset, key: newest.key };
    const taken = all.some((p) => p.key === content);
    return { knownAt: null, key: taken && newest ? `${content}:${newest.offset}` : content };
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const { events, through } = await this.#reader.read(this.#through, {
        types: ["prices.published"],
        limit: 100,
      });
      for (const event of events) {
        if (event.type !== "prices.published" || event.key === null) continue;
        const { series, points } = event.body;
        const [first, last] = [points?.[0], points?.at(-1)];
        if (!first || !last) continue;
        const range = { fromMs: Date.parse(first.from), toMs: Date.parse(last.to) };
        const known = this.#series.get(series) ?? [];
        known.push({ offset: event.offset, key: event.key, ...range });
        this.#series.set(series, known);
      }
      if (through === this.#through) return;
      this.#through = through;
    }
  }
}

/** What holds after all publications, by series; of all series unless some are named. Reads all that was published. */
export async function newestPrices(
  reader: Pick<LogReader, "read">,
  names?: readonly string[],
): Promise<Map<string, PriceSeries>> {
  const known = new Map<string, PriceSeries>();
  for (let after = 0; ; ) {
    const { events, through } = await reader.read(after, { types: ["prices.published"], limit: 100 });
    for (const event of events) {
      if (event.type !== "prices.published" || event.body.points === undefined) continue;
      const { series } = event.body;
      if (names?.includes(series) ?? true) known.set(series, published(known.get(series), event.body));
    }
    if (through === after) return known;
    after = through;
  }
}
