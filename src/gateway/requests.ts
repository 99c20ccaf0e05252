/** `req/{client}/{verb}`: what flows and the command line may ask for. They propose, the core disposes, and says why. */
import { z } from "zod";
import type { Control } from "../control/loop.ts";
import { DepartMessage, type DeparturesTaken } from "../model/departure.ts";
import type { PricesTaken } from "../model/prices.ts";
import { firstFault } from "../model/schema-fault.ts";
import type { DepartureDoor } from "./departure-door.ts";
import type { PriceDoor } from "./price-door.ts";

/** An intent: it expires by itself. `valid_for_s` counts from receipt, for senders whose clock differs from ours. */
const LimitRequest = z.object({
  id: z.string().min(1).max(64),
  valid_until: z.iso.datetime({ offset: true }).optional(),
  valid_for_s: z.number().positive().optional(),
  data: z.object({
    target: z.string().min(1).max(80),
    limit_a: z.number().min(0),
    reason: z.string().max(200).optional(),
  }),
});

/** `res/{client}/{id}`. */
export interface Answer {
  id: string;
  status: "granted" | "clamped" | "denied" | "error";
  error?: { code: string; message: string };
  /** `valid_until` is depot time; `valid_for_s` the same in the asker's seconds, which a demo's depot time outruns. */
  data?: { limit_a?: number; valid_until?: string; valid_for_s?: number; reason?: string };
}

interface Context {
  control: Pick<Control, "intent">;
  /** Depot time. */
  nowMs(): number;
  /** Real ms until so many ms of depot time have passed. */
  realDelayMs(depotMs: number): number;
}

/** Answers on the topic of the request's id; a request without one cannot be answered and is dropped. */
export function answerRequest(
  context: Context,
  verb: string,
  payload: Uint8Array,
  reply: (id: string, answer: Answer) => void,
): void {
  const json = read(payload);
  const id = idOf(json);
  if (id === undefined) return;
  if (verb !== "limit") {
    reply(
      id,
      failed(
        id,
        "UNKNOWN_VERB",
        `no request "${verb.slice(0, 40)}"; there are: limit, prices, depart, grid-order`,
      ),
    );
    return;
  }
  const request = LimitRequest.safeParse(json);
  if (!request.success) {
    reply(id, failed(id, "SCHEMA", firstFault(request.error)));
    return;
  }
  const { valid_for_s, valid_until, data } = request.data;
  const now = context.nowMs();
  const untilMs = valid_for_s !== undefined ? now + valid_for_s * 1000 : Date.parse(valid_until ?? "");
  if (!Number.isFinite(untilMs)) {
    reply(id, failed(id, "NO_END", "an intent must expire: give valid_for_s or valid_until"));
    return;
  }
  const answer = context.control.intent({ target: data.target, limitA: data.limit_a, untilMs });
  reply(id, {
    id,
    status: !answer.accepted ? "denied" : answer.reason === "" ? "granted" : "clamped",
    data: {
      ...(answer.limitA === null ? {} : { limit_a: answer.limitA }),
      ...(answer.untilMs === null
        ? {}
        : {
            valid_until: new Date(answer.untilMs).toISOString(),
            valid_for_s: context.realDelayMs(answer.untilMs - now) / 1000,
          }),
      ...(answer.reason === "" ? {} : { reason: answer.reason }),
    },
  });
}

export interface PricesReply {
  id: string;
  status: "granted" | "error";
  error?: { code: string; message: string };
  data?: PricesTaken;
}

/** The request `prices`: taken whole or not at all. Prices end by themselves, so `valid_until` says nothing here. */
export async function answerPrices(
  takePrices: PriceDoor,
  client: string,
  payload: Uint8Array,
  reply: (id: string, answer: PricesReply) => void,
): Promise<void> {
  const request = read(payload);
  const id = idOf(request);
  if (id === undefined) return;
  const answer = await takePrices((request as { data?: unknown }).data, client);
  if ("taken" in answer) {
    reply(id, { id, status: "granted", data: answer.taken });
  } else {
    const { code, message, fix } = answer.refused;
    reply(id, { id, status: "error", error: { code, message: `${message}. ${fix}` } });
  }
}

export interface DepartReply {
  id: string;
  /** `denied`: it was understood and is not taken; nothing of it was. */
  status: "granted" | "clamped" | "denied" | "error";
  error?: { code: string; message: string };
  data?: DeparturesTaken;
}

/** The request `depart`: `departures` to set, or ids to `remove`. Departures pass by themselves. */
export async function answerDepartures(
  door: Pick<DepartureDoor, "set" | "remove">,
  client: { name: string; role: string },
  payload: Uint8Array,
  reply: (id: string, answer: DepartReply) => void,
): Promise<void> {
  const json = read(payload);
  const id = idOf(json);
  if (id === undefined) return;
  const request = DepartMessage.safeParse(json);
  if (!request.success) {
    const message = firstFault(request.error);
    reply(id, { id, status: "error", error: { code: "SCHEMA", message } });
    return;
  }
  const { departures, remove } = request.data.data;
  const by = { source: client.role === "flows" ? ("flow" as const) : ("api" as const), actor: client.name };
  if (departures && remove) {
    const message =
      "/data: gives departures and remove. Send two requests: each is taken whole or not at all.";
    reply(id, { id, status: "denied", error: { code: "BAD_DEPARTURE", message } });
    return;
  }
  const answer = remove ? await door.remove(remove, by) : await door.set({ departures }, by);
  if ("taken" in answer) {
    reply(id, { id, status: answer.taken.clamped ? "clamped" : "granted", data: answer.taken });
    return;
  }
  const { code, message, fix } = answer.refused;
  const status = code === "BUSY" ? "error" : "denied";
  reply(id, { id, status, error: { code, message: `${message}. ${fix}` } });
}

function idOf(json: unknown): string | undefined {
  const id = (json as { id?: unknown } | null | undefined)?.id;
  return typeof id === "string" && /^[\w-]{1,64}$/.test(id) ? id : undefined;
}

function read(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch {
    return undefined;
  }
}

function failed(id: string, code: string, message: string): Answer {
  return { id, status: "error", error: { code, message } };
}
