/**
 * The PUBACKs that one client waits for. They leave in the order its messages came in (MQTT-4.6.0-2), whatever the
 * order in which they became durable, and those of one turn leave in one write.
 */

/** A message that is not acknowledged yet. */
interface Pending {
  readonly messageId: number;
  settled: boolean;
}

const COMPACT_AT = 256;

export class AckOrder {
  readonly #write: (packets: Buffer) => void;
  #pending: Pending[] = [];
  #head = 0;
  #ready: number[] = [];

  constructor(write: (packets: Buffer) => void) {
    this.#write = write;
  }

  get size(): number {
    return this.#pending.length - this.#head;
  }

  expect(messageId: number): Pending {
    const pending = { messageId, settled: false };
    this.#pending.push(pending);
    return pending;
  }

  /** `pending` is durable: its PUBACK leaves as soon as those before it have. */
  settle(pending: Pending): void {
    pending.settled = true;
    while (this.#pending[this.#head]?.settled) {
      const next = this.#pending[this.#head++] as Pending;
      if (this.#ready.push(next.messageId) === 1) queueMicrotask(() => this.#flush());
    }
    if (this.#head === this.#pending.length) {
      this.#pending = [];
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 > this.#pending.length) {
      this.#pending.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #flush(): void {
    const ready = this.#ready;
    this.#ready = [];
    const packets = Buffer.allocUnsafe(ready.length * 4);
    for (const [i, messageId] of ready.entries()) {
      packets.writeUInt16BE(0x4002, i * 4);
      packets.writeUInt16BE(messageId, i * 4 + 2);
    }
    this.#write(packets);
  }
}
