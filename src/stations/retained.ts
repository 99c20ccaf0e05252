/**
 * All that Aedes may remember: the newest retained message of each topic that we publish. No session outlives its
 * connection and nothing is queued for whoever is away: a limit that waited would be a command from the past, and a
 * queue for a client that never returns has no bound. What matters is in the log; a subscriber gets the newest state.
 * Aedes keeps wills itself while a client is connected; the ones it would find here are those of other brokers.
 */
import { Readable } from "node:stream";
import { matchesTopic } from "./topic-filter.ts";

interface RetainedMessage {
  cmd: "publish";
  topic: string;
  payload: Buffer;
  qos: 0 | 1;
  retain: true;
}

export class RetainedOnly {
  readonly #retained = new Map<string, RetainedMessage>();

  /** An empty payload removes the topic (MQTT 3.1.1, section 3.3.1.3). */
  keep(message: RetainedMessage): void {
    if (message.payload.length === 0) this.#retained.delete(message.topic);
    else this.#retained.set(message.topic, message);
  }

  createRetainedStreamCombi(filters: string[]): Readable {
    const found: RetainedMessage[] = [];
    for (const [topic, message] of this.#retained)
      if (filters.some((filter) => matchesTopic(filter, topic))) found.push(message);
    return Readable.from(found);
  }

  async setup(): Promise<void> {}
  async addSubscriptions(): Promise<void> {}
  async removeSubscriptions(): Promise<void> {}
  async cleanSubscriptions(): Promise<void> {}
  async subscriptionsByClient(): Promise<never[]> {
    return [];
  }
  async outgoingClearMessageId(): Promise<undefined> {}
  outgoingStream(): Readable {
    return Readable.from([]);
  }
  async incomingGetPacket(): Promise<never> {
    throw new Error("no such packet");
  }
  async putWill(): Promise<void> {}
  async delWill(): Promise<void> {}
  streamWill(): Readable {
    return Readable.from([]);
  }
}
