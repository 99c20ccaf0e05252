/** Does something again and again on wire time, one after the other, with a pause that grows while it fails. */

export interface PaceOptions {
  periodMs: number;
  /** Longest pause after failures. */
  longestMs: number;
  /** Resolves to false when it failed; must not reject. */
  work(): Promise<boolean>;
}

export class Pace {
  readonly #options: PaceOptions;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = true;
  #running: Promise<void> = Promise.resolve();

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isStopped = false;
    this.#wait(0);
  }

  /** Resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#once();
    }, ms);
  }

  async #once(): Promise<void> {
    const { periodMs, longestMs, work } = this.#options;
    const startedMs = performance.now();
    const isGood = await work();
    if (this.#isStopped) return;
    this.#failures = isGood ? 0 : this.#failures + 1;
    // The first few failures cost nothing: a reading that is missed once should come soon.
    const grown = periodMs * 2 ** Math.max(0, Math.min(this.#failures - 3, 10));
    const pauseMs = this.#failures > 3 ? Math.min(longestMs, grown) * (0.75 + Math.random() / 2) : periodMs;
    this.#wait(Math.max(0, pauseMs - (performance.now() - startedMs)));
  }
}
