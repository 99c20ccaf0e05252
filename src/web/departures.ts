/** `/api/v1/departures` and `/api/v1/vehicles`: who must leave when and with how much. */
import type { FastifyInstance } from "fastify";
import type { DepartureShown, DeparturesAnswer, VehicleShown } from "../model/departure.ts";
import { RequestError } from "./api.ts";
import { actedBy } from "./audit.ts";

/** Who asks, for the audit trail. */
type Acted = ReturnType<typeof actedBy>;

export interface DeparturesDoor {
  list(): DepartureShown[];
  vehicles(): VehicleShown[];
  set(request: unknown, by: Acted): Promise<DeparturesAnswer>;
  remove(ids: readonly string[], by: Acted): Promise<DeparturesAnswer>;
}

/** Two thousand departures, spelt at length. */
const DEPARTURES_BYTES = 1_048_576;
const STATUS = { BAD_DEPARTURE: 400, NO_SUCH_DEPARTURE: 404, BUSY: 503 } as const;

export function registerDepartures(server: FastifyInstance, door: DeparturesDoor): void {
  server.get("/api/v1/departures", async () => ({ departures: door.list() }));
  server.get("/api/v1/vehicles", async () => ({ vehicles: door.vehicles() }));
  server.post("/api/v1/departures", { bodyLimit: DEPARTURES_BYTES }, async (request) =>
    takenOf(await door.set(request.body, actedBy(request.user))),
  );
  server.delete("/api/v1/departures/:id", async (request) => {
    const { id } = request.params as { id: string };
    return takenOf(await door.remove([id], actedBy(request.user)));
  });
}

function takenOf(answer: DeparturesAnswer): object {
  if ("taken" in answer) return answer.taken;
  const { code, message, fix } = answer.refused;
  throw new RequestError(STATUS[code], { code, message: `${message}.`, fix });
}
