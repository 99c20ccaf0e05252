/** Orders of the grid side on their way in: checked, put in force, and answered once they are durable. */
import type { DepotClock } from "../model/clock.ts";
import type { NewEvent } from "../model/event.ts";
import {
  FLOW_ORDER_MOST_MS,
  type GridOrderAnswer,
  GridOrderRequest,
  type GridOrderShown,
} from "../model/grid-request.ts";
import { firstFault } from "../model/schema-fault.ts";
import type { GridOrderBook } from "./grid-orders.ts";
import type { AppendFact } from "./operator-facts.ts";
import { within } from "./turns.ts";

/** Who asks: a person or command through the API, or a flow, whose ids are its own. */
export type OrderSource = "api" | { flow: string; order: string };

export interface GridDoor {
  list(): GridOrderShown[];
  order(request: unknown, source: OrderSource): Promise<GridOrderAnswer>;
  /** Takes an order back. Not one of an input: that opens by itself. */
  end(id: string): Promise<GridOrderAnswer>;
}

interface Context {
  clock: Pick<DepotClock, "nowMs">;
  orders: GridOrderBook;
  appendFact: AppendFact;
  circuits: readonly string[];
  /** The grid connection, and where dimming counts. */
  root: string;
  dimmed: string;
  dimmingW(circuit: string): number;
}

/** Of one source, those to come included. */
const MOST_ORDERS = 100;
const FURTHEST_MS = 366 * 86_400_000;

type Refused = Extract<GridOrderAnswer, { refused: unknown }>;
const refuse = (code: Refused["refused"]["code"], message: string, fix: string): Refused => ({
  refused: { code, message, fix },
});

export function gridDoor(context: Context): GridDoor {
  const { orders, appendFact } = context;
  const settle = async (event: NewEvent, shown: GridOrderShown): Promise<GridOrderAnswer> => {
    // Late or not: the order holds already.
    const placed = await within(appendFact(event), null);
    if (!placed)
      return refuse(
        "BUSY",
        `${shown.id} holds, but the log has not confirmed it yet`,
        "Send it again with the same id when the disk takes data again.",
      );
    return { ordered: shown, log_offset: placed.offset };
  };
  return {
    list: () => orders.list(),
    order(request, source) {
      const asked = read(context, request, source);
      if ("refused" in asked) return Promise.resolve(asked);
      const event = orders.order(asked);
      const shown = orders.find(asked.id);
      if (!shown) throw new Error(`order ${asked.id} was taken and does not stand`);
      return settle(event, shown);
    },
    end(id) {
      const shown = orders.find(id);
      if (!shown)
        return Promise.resolve(
          refuse("NO_ORDER", `there is no order "${id.slice(0, 64)}"`, "List them: laddport grid list."),
        );
      if (shown.source.startsWith("input:"))
        return Promise.resolve(
          refuse(
            "NOT_YOURS",
            `${id} comes from a digital input`,
            "It ends when the input opens. To be rid of it, take the input out of grid.inputs.",
          ),
        );
      const event = orders.end(id, "withdrawn");
      if (!event) throw new Error(`order ${id} stands and could not be ended`);
      return settle(event, shown);
    },
  };
}

function read(
  { clock, orders, circuits, root, dimmed, dimmingW }: Context,
  request: unknown,
  by: OrderSource,
) {
  const parsed = GridOrderRequest.safeParse(request);
  if (!parsed.success) {
    return refuse("BAD_ORDER", firstFault(parsed.error), "Correct the request.");
  }
  const { data } = parsed;
  const { kind, kw, reference } = data;
  const source = by === "api" ? by : `flow:${by.flow}`;
  const nowMs = clock.nowMs();
  const circuit = data.circuit ?? (kind === "dimming" ? dimmed : root);
  if (!circuits.includes(circuit))
    return refuse(
      "BAD_ORDER",
      `/circuit: "${circuit}" is not a circuit`,
      `There are: ${circuits.slice(0, 8).join(", ")}${circuits.length > 8 ? ", ..." : ""}.`,
    );
  if (kind === "cap" && kw === undefined)
    return refuse("BAD_ORDER", "/kw: a cap needs a power", "Give kw: what the circuit may draw.");
  if (kind !== "cap" && kw !== undefined)
    return refuse("BAD_ORDER", `/kw: ${kind} has no power of its own`, "Leave kw out, or order a cap.");
  const fromMs = Math.max(nowMs, data.from === undefined ? nowMs : Date.parse(data.from));
  if (data.until !== undefined && data.for_s !== undefined)
    return refuse("BAD_ORDER", "/for_s: until is given too", "Give one of the two.");
  const untilMs =
    data.until !== undefined
      ? Date.parse(data.until)
      : data.for_s !== undefined
        ? fromMs + Math.round(data.for_s * 1_000)
        : null;
  if (untilMs !== null && untilMs <= fromMs)
    return refuse(
      "BAD_ORDER",
      `/until: ${new Date(untilMs).toISOString()} is not after the start, ${new Date(fromMs).toISOString()}`,
      "Give a later end.",
    );
  if (by !== "api" && (untilMs === null || untilMs > nowMs + FLOW_ORDER_MOST_MS))
    return refuse(
      "BAD_ORDER",
      untilMs === null ? "/until: an order of a flow must end" : "/until: a flow orders a day ahead at most",
      "Give valid_for_s of at most 86400, and send it again while it is wanted.",
    );
  if (Math.max(fromMs, untilMs ?? fromMs) > nowMs + FURTHEST_MS)
    return refuse("BAD_ORDER", "/until: it is more than a year ahead", "Check the dates.");
  // With a dot, which no id that the API takes has: a flow can replace its own orders and no others.
  const id = by === "api" ? (data.id ?? madeUp(orders, nowMs)) : `flow.${by.flow}.${by.order}`;
  if (orders.countOf(source) >= MOST_ORDERS && !orders.find(id))
    return refuse(
      "TOO_MANY",
      `${MOST_ORDERS} orders of ${source} stand`,
      "Use one id again, or end those that are not needed.",
    );
  return {
    id,
    circuit,
    kind,
    power_w: kind === "cap" ? Math.round((kw ?? 0) * 1_000) : kind === "stop" ? 0 : dimmingW(circuit),
    from: new Date(fromMs).toISOString(),
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
    source,
    ...(reference === undefined ? {} : { reference }),
  };
}

/** After its time, as people name such things: `order-20261125-171530`. */
function madeUp(orders: GridOrderBook, nowMs: number): string {
  const stem = `order-${new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? stem : `${stem}-${n}`;
    if (!orders.find(id)) return id;
  }
}
