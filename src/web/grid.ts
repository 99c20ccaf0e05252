/** `/api/v1/grid-orders` and `/api/v1/forecast`: what the grid side orders, and what is expected of the building. */
import type { FastifyInstance } from "fastify";
import type { Audit } from "../model/audit.ts";
import type { GridOrderAnswer, GridOrderShown } from "../model/grid-request.ts";
import { RequestError } from "./api.ts";
import { actedBy } from "./audit.ts";

export interface GridSource {
  orders(): readonly GridOrderShown[];
  order(request: unknown): Promise<GridOrderAnswer>;
  end(id: string): Promise<GridOrderAnswer>;
  /** In the wire's spelling; undefined for a circuit that the depot does not have. */
  forecast(circuit: string | undefined): object | undefined;
}

const STATUS = { BAD_ORDER: 400, TOO_MANY: 409, NO_ORDER: 404, NOT_YOURS: 409, BUSY: 503 } as const;

export function registerGrid(server: FastifyInstance, grid: GridSource, audit: Audit): void {
  server.get("/api/v1/grid-orders", async () => ({ orders: grid.orders() }));

  server.post("/api/v1/grid-orders", async ({ body, user }, reply) => {
    const { ordered, log_offset } = taken(await grid.order(body));
    const { id, circuit, kind, power_w, until, reference } = ordered;
    const detail = { circuit, kind, power_w, ...(until === null ? {} : { until }) };
    await audit({ action: "grid.ordered", object: id, reason: reference, ...actedBy(user, detail) });
    return reply.code(201).send({ ...ordered, log_offset });
  });

  server.delete("/api/v1/grid-orders/:id", async ({ params, user }) => {
    const { ordered, log_offset } = taken(await grid.end((params as { id: string }).id));
    await audit({ action: "grid.order_ended", object: ordered.id, ...actedBy(user, {}) });
    return { id: ordered.id, revision: ordered.revision, log_offset };
  });

  server.get("/api/v1/forecast", async ({ query }) => {
    const { circuit } = query as { circuit?: unknown };
    const found = grid.forecast(typeof circuit === "string" ? circuit : undefined);
    if (found) return found;
    throw new RequestError(404, {
      code: "CIRCUIT_NOT_FOUND",
      message: `There is no circuit "${String(circuit).slice(0, 64)}".`,
      fix: "Name one of the config's circuits; without a name it is the grid connection.",
    });
  });
}

function taken(answer: GridOrderAnswer) {
  if ("ordered" in answer) return answer;
  const { code, message, fix } = answer.refused;
  throw new RequestError(STATUS[code], { code, message: `${message}.`, fix });
}
