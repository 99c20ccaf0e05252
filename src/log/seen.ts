/**
 * Which numbered messages the log has, in memory: for each station and boot a window of the newest 1,024 sequence
 * numbers and where they lie. A unique index over every sample would cost eight times as much. Beyond the window
 * facts are still unique by key, and a sample read twice changes nothing downstream.
 */
const WINDOW = 1024;
/** Boots remembered for a station: unacknowledged messages of an earlier boot may be sent again. */
const BOOTS = 3;

interface Ring {
  seqs: Float64Array;
  offsets: Float64Array;
}

export class Seen {
  readonly #stations = new Map<string, Map<string, Ring>>();

  /** The offset at which `(station, boot, seq)` lies, if it is in the window. */
  find(station: string, boot: string, seq: number): number | undefined {
    const ring = this.#stations.get(station)?.get(boot);
    if (!ring) return undefined;
    const slot = seq % WINDOW;
    return ring.seqs[slot] === seq ? ring.offsets[slot] : undefined;
  }

  /** Notes a committed message. Call only after COMMIT: memory must equal the log. */
  add(station: string, boot: string, seq: number, offset: number): void {
    const ring = this.#ring(station, boot);
    const slot = seq % WINDOW;
    const there = ring.seqs[slot] ?? -1;
    if (there > seq) return;
    ring.seqs[slot] = seq;
    ring.offsets[slot] = offset;
  }

  #ring(station: string, boot: string): Ring {
    let boots = this.#stations.get(station);
    if (!boots) {
      boots = new Map();
      this.#stations.set(station, boots);
    }
    let ring = boots.get(boot);
    if (!ring) {
      ring = { seqs: new Float64Array(WINDOW).fill(-1), offsets: new Float64Array(WINDOW) };
      boots.set(boot, ring);
      const oldest = boots.keys().next().value;
      if (boots.size > BOOTS && oldest !== undefined) boots.delete(oldest);
    }
    return ring;
  }
}
