/**
 * Brakes for what a stranger may do often: counts in fixed windows of wire time, in bounded memory. A key pushed out
 * by the bound starts at zero again, so the bound is a limit of memory, and the queue behind it the limit of work.
 */

interface RateLimit {
  /** How many a key may take in one window. */
  limit: number;
  windowMs: number;
  /** Keys remembered; the oldest are forgotten first. */
  maxKeys?: number;
}

interface Window {
  fromMs: number;
  count: number;
}

export class RateWindow {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #maxKeys: number;
  readonly #windows = new Map<string, Window>();

  constructor({ limit, windowMs, maxKeys = 10_000 }: RateLimit) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#maxKeys = maxKeys;
  }

  /** True when `key` has used its window up. */
  isFull(key: string, nowMs: number): boolean {
    const window = this.#current(key, nowMs);
    return window !== undefined && window.count >= this.#limit;
  }

  /** Counts one for `key`, also past the limit. Returns how many there are in this window now. */
  add(key: string, nowMs: number): number {
    const window = this.#current(key, nowMs);
    if (window !== undefined) return ++window.count;
    this.#windows.delete(key);
    this.#windows.set(key, { fromMs: nowMs, count: 1 });
    if (this.#windows.size > this.#maxKeys) {
      const oldest = this.#windows.keys().next();
      if (!oldest.done) this.#windows.delete(oldest.value);
    }
    return 1;
  }

  /** Takes one back: it turned out not to count. */
  giveBack(key: string): void {
    const window = this.#windows.get(key);
    if (window !== undefined && window.count > 0) window.count -= 1;
  }

  get keys(): number {
    return this.#windows.size;
  }

  #current(key: string, nowMs: number): Window | undefined {
    const window = this.#windows.get(key);
    return window !== undefined && nowMs - window.fromMs < this.#windowMs ? window : undefined;
  }
}
