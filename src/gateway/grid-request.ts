/** The request `grid-order`: a flow may lower what a circuit draws, for a time; it cannot touch the orders of others. */
import type { Audit } from "../model/audit.ts";
import { GridOrderMessage, type GridOrderShown } from "../model/grid-request.ts";
import { firstFault } from "../model/schema-fault.ts";
import type { GridDoor } from "./grid-door.ts";

/** `res/{client}/{id}`. `clamped`: another order leaves the circuit less. */
export interface GridOrderReply {
  id: string;
  status: "granted" | "clamped" | "error";
  error?: { code: string; message: string };
  data?: GridOrderShown;
}

interface Context {
  door: GridDoor;
  audit: Audit;
  /** Depot time. */
  nowMs(): number;
}

/** Answers on the topic of the request's id; a request without one cannot be answered and is dropped. */
export async function answerGridOrder(
  { door, audit, nowMs }: Context,
  client: string,
  payload: Uint8Array,
  reply: (id: string, answer: GridOrderReply) => void,
): Promise<void> {
  const json = jsonOf(payload);
  const id = (json as { id?: unknown } | null | undefined)?.id;
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id)) return;
  const failed = (code: string, message: string) =>
    reply(id, { id, status: "error", error: { code, message } });
  const message = GridOrderMessage.safeParse(json);
  if (!message.success) {
    failed("SCHEMA", firstFault(message.error));
    return;
  }
  const { valid_for_s, valid_until, data } = message.data;
  const { order, ...asked } = data;
  const startMs = Math.max(nowMs(), asked.from === undefined ? 0 : Date.parse(asked.from));
  const until =
    valid_for_s !== undefined ? new Date(nowMs() + valid_for_s * 1_000).toISOString() : valid_until;
  if (until === undefined || Date.parse(until) <= startMs) {
    failed("NO_END", "an order of a flow must end after its start: give valid_for_s or valid_until");
    return;
  }
  const answer = await door.order({ ...asked, until }, { flow: client, order: order ?? id });
  if ("refused" in answer) {
    const { code, message: said, fix } = answer.refused;
    failed(code, `${said}. ${fix}`);
    return;
  }
  const { ordered } = answer;
  void audit({
    actor: client,
    action: "grid.ordered",
    object: ordered.id,
    reason: ordered.reference,
    detail: { circuit: ordered.circuit, kind: ordered.kind, power_w: ordered.power_w, until },
  });
  const isLower = ordered.in_force_w !== null && ordered.in_force_w < ordered.power_w;
  reply(id, { id, status: isLower ? "clamped" : "granted", data: ordered });
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
}
