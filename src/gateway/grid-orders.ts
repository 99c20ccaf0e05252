/**
 * Orders of the grid side in force: applied to control at their start and end, watched by the meter, and told to the
 * log. An order counts from the moment it comes, before the disk has it: after a crash in between the older, or none, is
 * restored, and whoever ordered has no answer yet.
 */
import type { Alerts } from "../model/alert-board.ts";
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import {
  type GridOrder,
  type GridOrderEnd,
  type GridOrdered,
  gridOrderEndKey,
  gridOrderKey,
  gridVerdictKey,
} from "../model/grid-order.ts";
import type { GridOrderShown } from "../model/grid-request.ts";
import type { GridOrders } from "../model/grid-side.ts";
import { enterOrderFact, inForce, isOver, type OrderBook, type StandingOrder } from "../rules/grid/orders.ts";
import { firstReaction, type Reaction, reactionAfter, type Verdict } from "../rules/grid/reaction.ts";

/** What a circuit draws, W. */
export interface Draw {
  /** By its meter; by the EVSEs below it where it has none. Null: nothing believable is measured. */
  powerW: number | null;
  /** Of charging alone. */
  chargingW: number;
}

interface Context {
  clock: Pick<DepotClock, "nowMs" | "monoMs">;
  /** As the log has them. */
  book: OrderBook;
  /** What dimming leaves a circuit, W. */
  dimmingW(circuit: string): number;
  /** Control's limit of a circuit; null takes it back. */
  setPower(circuit: string, limitW: number | null): void;
  append(event: NewEvent): void;
  alerts: Pick<Alerts, "raise" | "clear">;
  /** How soon the meter must show that an order is kept, ms. */
  reactionMs: number;
}

/** What remains of charging that has stopped: electronics, and the error of meters, W. */
const STANDBY_W = 500;

export class GridOrderBook implements GridOrders {
  readonly #context: Context;
  /** By id of the order. */
  readonly #reactions = new Map<string, Reaction>();
  /** Seconds that the newest verdict took, by id of the order. */
  readonly #after = new Map<string, number>();
  /** What control was told last, W by circuit. */
  readonly #applied = new Map<string, number>();

  constructor(context: Context) {
    this.#context = context;
    // What ended just before the gateway did may not have cleared its alert.
    for (const [id, { ended }] of context.book) if (ended) context.alerts.clear(alertId(id));
  }

  active(nowMs: number): GridOrder[] {
    return this.#standing().flatMap(({ order }) => (inForce(order, nowMs) ? [order] : []));
  }

  standing(nowMs: number): GridOrder[] {
    return this.#standing().flatMap(({ order }) => (isOver(order, nowMs) ? [] : [order]));
  }

  /** Ends what the config has no circuit or input for: nobody could apply or end it. Call it before `apply`. */
  endWhatIsGone(isKnown: (order: GridOrder) => boolean): void {
    for (const { order } of this.#standing()) {
      const event = isKnown(order) ? undefined : this.end(order.id, "gone");
      if (event) this.#context.append(event);
    }
  }

  powerW(circuit: string, nowMs: number): number | null {
    const powers = this.active(nowMs)
      .filter((order) => order.circuit === circuit)
      .map((order) => this.#powerOf(order));
    return powers.length === 0 ? null : Math.min(...powers);
  }

  /** Orders that have not ended, those to come included, in the order of their start. */
  list(): GridOrderShown[] {
    const nowMs = this.#context.clock.nowMs();
    return this.#standing()
      .filter(({ order }) => !isOver(order, nowMs))
      .sort((a, b) => a.order.fromMs - b.order.fromMs)
      .map((standing) => this.#shown(standing, nowMs));
  }

  find(id: string): GridOrderShown | undefined {
    const nowMs = this.#context.clock.nowMs();
    const standing = this.#context.book.get(id);
    if (!standing || standing.ended || isOver(standing.order, nowMs)) return undefined;
    return this.#shown(standing, nowMs);
  }

  /** How many of a source have not ended. */
  countOf(source: string): number {
    return this.standing(this.#context.clock.nowMs()).filter((order) => order.source === source).length;
  }

  /** Puts an order in force from its start on, and returns the fact that keeps it. */
  order(asked: Omit<GridOrdered, "revision">): NewEvent {
    const { clock, book } = this.#context;
    const revision = (book.get(asked.id)?.body.revision ?? 0) + 1;
    const event: NewEvent = {
      type: "grid.ordered",
      atMs: clock.nowMs(),
      station: null,
      key: gridOrderKey(asked.id, revision),
      body: { ...asked, revision },
    };
    enterOrderFact(book, event);
    this.#forget(asked.id);
    this.apply();
    return event;
  }

  /** Ends an order now; the fact that says so, or undefined when no such order stands. */
  end(id: string, why: GridOrderEnd): NewEvent | undefined {
    const { clock, book } = this.#context;
    const standing = book.get(id);
    if (!standing || standing.ended) return undefined;
    const nowMs = clock.nowMs();
    const { revision, circuit } = standing.body;
    const ended = new Date(why === "expired" ? (standing.order.untilMs ?? nowMs) : nowMs).toISOString();
    const event: NewEvent = {
      type: "grid.order_ended",
      atMs: nowMs,
      station: null,
      key: gridOrderEndKey(id, revision),
      body: { id, revision, circuit, ended, why },
    };
    enterOrderFact(book, event);
    this.#forget(id);
    this.apply();
    return event;
  }

  /** Tells control what holds now. Call it at every tick: an order may begin, or end, by the clock alone. */
  apply(): void {
    const { clock, setPower } = this.#context;
    const nowMs = clock.nowMs();
    const powers = new Map<string, number>();
    for (const order of this.active(nowMs))
      powers.set(order.circuit, Math.min(powers.get(order.circuit) ?? Infinity, this.#powerOf(order)));
    for (const circuit of new Set([...powers.keys(), ...this.#applied.keys()])) {
      const power = powers.get(circuit);
      if (power === this.#applied.get(circuit)) continue;
      setPower(circuit, power ?? null);
      if (power === undefined) this.#applied.delete(circuit);
      else this.#applied.set(circuit, power);
    }
  }

  /** Ends what is over, applies what holds, and holds the meter against it. */
  look(drawOf: (circuit: string) => Draw): void {
    const { clock, append } = this.#context;
    const nowMs = clock.nowMs();
    for (const { order } of this.#standing()) {
      if (!isOver(order, nowMs)) continue;
      const event = this.end(order.id, "expired");
      if (event) append(event);
    }
    this.apply();
    for (const standing of this.#standing())
      if (inForce(standing.order, nowMs)) this.#watch(standing, drawOf(standing.order.circuit));
  }

  #watch(standing: StandingOrder, { powerW, chargingW }: Draw): void {
    const { clock, reactionMs } = this.#context;
    const { order } = standing;
    const nowMs = clock.monoMs();
    const limitW = this.#powerOf(order);
    // A stop is about charging: the building goes on.
    const isStopped = order.kind === "stop" && powerW !== null && chargingW <= STANDBY_W;
    const { reaction, news } = reactionAfter(this.#reactions.get(order.id) ?? firstReaction(nowMs), {
      nowMs,
      powerW: isStopped ? 0 : powerW,
      limitW,
      reactionMs,
    });
    this.#reactions.set(order.id, reaction);
    if (news) this.#tell(standing, limitW, { ...news, powerW }, chargingW);
  }

  #tell(standing: StandingOrder, limitW: number, { met, powerW, afterMs }: Verdict, chargingW: number): void {
    const { clock, append, alerts, book } = this.#context;
    const { id, revision, circuit } = standing.body;
    const verdict = standing.verdicts + 1;
    const after_s = Math.round(afterMs / 100) / 10;
    this.#after.set(id, after_s);
    const power_w = powerW === null ? null : Math.round(powerW);
    const event: NewEvent = {
      type: met ? "grid.order_met" : "grid.order_missed",
      atMs: clock.nowMs(),
      station: null,
      key: gridVerdictKey(id, revision, verdict),
      body: { id, revision, verdict, circuit, limit_w: limitW, power_w, after_s },
    };
    enterOrderFact(book, event);
    append(event);
    if (met) alerts.clear(alertId(id));
    else {
      const seen =
        power_w === null
          ? "nothing believable is measured"
          : `${power_w} W are drawn, ${Math.round(chargingW)} W of them by charging`;
      alerts.raise({
        id: alertId(id),
        kind: "grid_order_missed",
        severity: "critical",
        subject: circuit,
        cause: `LP880 order ${id} allows ${limitW} W on ${circuit}; after ${after_s} s ${seen}`,
      });
    }
  }

  #forget(id: string): void {
    this.#reactions.delete(id);
    this.#after.delete(id);
    this.#context.alerts.clear(alertId(id));
  }

  #standing(): StandingOrder[] {
    return [...this.#context.book.values()].filter(({ ended }) => !ended);
  }

  #powerOf({ kind, circuit, limitW }: GridOrder): number {
    if (kind === "stop") return 0;
    return kind === "dimming" ? this.#context.dimmingW(circuit) : (limitW ?? 0);
  }

  #shown({ order, body }: StandingOrder, nowMs: number): GridOrderShown {
    const verdict = this.#reactions.get(order.id)?.verdict ?? "waiting";
    const after_s = this.#after.get(order.id);
    return {
      ...body,
      power_w: this.#powerOf(order),
      state: order.fromMs > nowMs ? "ahead" : verdict,
      ...(after_s === undefined ? {} : { after_s }),
      in_force_w: this.powerW(order.circuit, nowMs),
    };
  }
}

const alertId = (id: string) => `grid_order_missed:${id}`;
