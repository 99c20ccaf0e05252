/**
 * What Aedes delivers our messages through, with two differences from its own:
 * - There is no bound on how many are on their way, so nothing queues behind a subscriber that is slow. That one is
 *   cut by what waits in its socket.
 * - `removeListener` calls back at once, so that a client's `close` is finished when it returns. Aedes forgets clients
 *   by id: a close that ends later would forget the client that took the id over meanwhile.
 */
import mqemitter from "mqemitter";

type Listener = (message: mqemitter.Message, done: () => void) => void;

export class Emitter {
  readonly #inner = mqemitter({ concurrency: 0, matchEmptyLevels: true });
  #emitted = 0;

  /** How many messages were handed to subscribers' filters. */
  get emitted(): number {
    return this.#emitted;
  }

  on(topic: string, listener: Listener, done?: () => void): this {
    this.#inner.on(topic, listener, done);
    return this;
  }

  removeListener(topic: string, listener: Listener, done?: () => void): this {
    this.#inner.removeListener(topic, listener);
    done?.();
    return this;
  }

  emit(message: mqemitter.Message, done?: (error?: Error) => void): this {
    this.#emitted += 1;
    this.#inner.emit(message, done);
    return this;
  }

  close(done: () => void): void {
    this.#inner.close(done);
  }
}
