/** `/api/v1/meter-keys`: the public keys that signed meter values are checked against. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { RequestError } from "./api.ts";
import { inOwnName, Reasoned, reasonFault } from "./holds.ts";
import type { ApiError } from "./sources.ts";

const Body = Reasoned.extend({
  /** As the meter signs it: MS of its records, else GS. */
  meter_serial: z.string().trim().min(1).max(255),
  /** Hex, base64 or PEM of a SubjectPublicKeyInfo. Absent: the one that the newest waiting session of the meter came with. */
  public_key: z.string().min(1).max(4_096).optional(),
});
export type KeyRequest = z.infer<typeof Body>;

/** Durable when it is `accepted`: the fact, in the wire's spelling. */
export type KeyVerdict = { accepted: object } | { refused: 400 | 404 | 409; answer: ApiError };

export interface KeyDoor {
  list(): Promise<object>;
  accept(request: KeyRequest): Promise<KeyVerdict>;
}

export function registerMeterKeys(server: FastifyInstance, door: KeyDoor): void {
  server.get("/api/v1/meter-keys", () => door.list());
  server.post("/api/v1/meter-keys", async (request) => {
    const verdict = await door.accept(read(inOwnName(request.body, request.user)));
    if ("refused" in verdict) throw new RequestError(verdict.refused, verdict.answer);
    return verdict.accepted;
  });
}

function read(body: unknown): KeyRequest {
  const parsed = Body.safeParse(body);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path[0];
  if (field !== "meter_serial" && field !== "public_key") throw reasonFault(body, parsed.error);
  const seen = (body as Record<string, unknown>)[field];
  const message = `${field} is ${seen === undefined ? "missing" : JSON.stringify(seen).slice(0, 64)}.`;
  const fix =
    field === "meter_serial"
      ? "Send JSON with meter_serial: 1 to 255 characters, as laddport meter-keys list shows it."
      : "Send public_key as text: hex, base64 or PEM.";
  throw new RequestError(400, { code: "BAD_BODY", message, fix });
}
