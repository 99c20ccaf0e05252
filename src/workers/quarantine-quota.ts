/**
 * How much quarantine one station may fill: past it, messages are counted, not kept, so that a broken station cannot
 * fill the disk. The count is in the metrics.
 */
const PER_HOUR = 200;
const BYTES_PER_HOUR = 4 * 1024 * 1024;
const HOUR_MS = 3_600_000;

export class QuarantineQuota {
  readonly #used = new Map<string, { hour: number; messages: number; bytes: number }>();
  #overflowed = 0;

  admit(station: string, bytes: number, nowMs: number): boolean {
    const hour = Math.floor(nowMs / HOUR_MS);
    let used = this.#used.get(station);
    if (used?.hour !== hour) {
      used = { hour, messages: 0, bytes: 0 };
      this.#used.set(station, used);
    }
    used.messages += 1;
    used.bytes += bytes;
    const fits = used.messages <= PER_HOUR && used.bytes <= BYTES_PER_HOUR;
    if (!fits) this.#overflowed += 1;
    return fits;
  }

  /** Messages not kept since this was asked last. */
  takeOverflow(): number {
    const count = this.#overflowed;
    this.#overflowed = 0;
    return count;
  }
}
