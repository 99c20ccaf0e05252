/** Digital inputs that order while they are closed. Whoever reads them says what they are; silence is told by time. */
import type { Alerts } from "../model/alert-board.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import type { GridOrdered, GridOrderKind } from "../model/grid-order.ts";
import type { GridInputs } from "../model/grid-side.ts";
import { countsAsClosed, INPUT_KEPT_MS, type InputMemory } from "../rules/grid/input.ts";
import type { GridOrderBook } from "./grid-orders.ts";

export interface OrderingInput {
  /** Its name. */
  input: string;
  kind: GridOrderKind;
  circuit: string;
  /** W that its order leaves the circuit. */
  powerW: number;
}

interface Context {
  clock: Pick<DepotClock, "nowMs" | "monoMs">;
  inputs: readonly OrderingInput[];
  orders: Pick<GridOrderBook, "order" | "end" | "find">;
  append(event: NewEvent): void;
  alerts: Pick<Alerts, "raise" | "clear">;
}

export class GridInputBook implements GridInputs {
  readonly #context: Context;
  readonly #memory: Map<string, InputMemory>;

  constructor(context: Context) {
    this.#context = context;
    const sinceMs = context.clock.monoMs();
    this.#memory = new Map(context.inputs.map(({ input }) => [input, { closed: null, atMs: sinceMs }]));
  }

  heard(input: string, closed: boolean | null): void {
    if (closed === null || !this.#memory.has(input)) return;
    this.#memory.set(input, { closed, atMs: this.#context.clock.monoMs() });
    this.look();
  }

  /** Call it at every tick: an input that is not heard of counts as closed in the end. */
  look(): void {
    const { clock, inputs, orders, append, alerts } = this.#context;
    const nowMs = clock.monoMs();
    for (const { input, kind, circuit, powerW } of inputs) {
      const memory = this.#memory.get(input);
      if (!memory) continue;
      const isClosed = countsAsClosed(memory, nowMs);
      const id = orderId(input);
      const alert = `grid_input_silent:${input}`;
      if (nowMs - memory.atMs > INPUT_KEPT_MS)
        alerts.raise({
          id: alert,
          kind: "grid_input_silent",
          severity: "critical",
          subject: input,
          cause: `LP881 ${input} has not been read for ${INPUT_KEPT_MS / 1_000} s: it counts as closed, so ${kind} holds on ${circuit}`,
        });
      else if (memory.closed !== null) alerts.clear(alert);
      const standing = orders.find(id);
      // Until it is known, an order from before a restart holds on.
      if (isClosed === null) continue;
      const isAsConfigured =
        standing?.kind === kind && standing.circuit === circuit && standing.power_w === powerW;
      if (isClosed && !isAsConfigured)
        append(orders.order(this.#asked(id, { input, kind, circuit, powerW })));
      if (!isClosed && standing) {
        const event = orders.end(id, "opened");
        if (event) append(event);
      }
    }
  }

  #asked(id: string, { input, kind, circuit, powerW }: OrderingInput): Omit<GridOrdered, "revision"> {
    const from = new Date(this.#context.clock.nowMs()).toISOString();
    return { id, circuit, kind, power_w: powerW, from, until: null, source: `input:${input}` };
  }
}

/** With a dot, which no id of a person or a flow has. */
const orderId = (input: string) => `input.${input}`;
