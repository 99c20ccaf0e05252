/**
 * What every route asks of who calls it: the one table. A part of the gateway that brings routes of its own may state
 * `config: {permission}` on them instead; a route that asks for nothing is not registered.
 */
import { PERMISSIONS, type Permission } from "../identity/access.ts";

/**
 * `public`: anybody, under any host name. `anyone`: anybody who reaches the gateway by its own name. `signed-in`:
 * whoever is known, whatever the role. `machine`: the commands of this machine alone, who hold the token of
 * api.token_file; an administrator must not write into the audit trail under another name.
 */
export type Need = Permission | "public" | "anyone" | "signed-in" | "machine";

export const ROUTES: Readonly<Record<string, Need>> = {
  "GET /health": "public",
  "GET /metrics": "public",
  "POST /api/v1/setup": "anyone",
  "POST /api/v1/login": "anyone",
  "POST /api/v1/logout": "signed-in",
  "GET /api/v1/me": "signed-in",
  "PUT /api/v1/me/password": "signed-in",
  "POST /api/v1/flows/editor-code": "command",
  "GET /api/v1/users": "admin",
  "POST /api/v1/users": "admin",
  "PUT /api/v1/users/:name/role": "admin",
  "PUT /api/v1/users/:name/password": "admin",
  "DELETE /api/v1/users/:name": "admin",
  "POST /api/v1/tokens": "admin",
  "GET /api/v1/status": "glance",
  "GET /api/v1/stations": "glance",
  "GET /api/v1/plan": "read",
  "GET /api/v1/readiness": "glance",
  "GET /api/v1/sessions": "read",
  "GET /api/v1/sessions/:id": "read",
  "GET /api/v1/history": "read",
  "GET /api/v1/report": "read",
  "GET /api/v1/why/:station": "read",
  "GET /api/v1/holds": "read",
  "POST /api/v1/holds/:id/release": "bill",
  "POST /api/v1/holds/:id/void": "bill",
  "POST /api/v1/cdrs/:id/credit": "bill",
  "POST /api/v1/prices": "bill",
  "GET /api/v1/grid-orders": "read",
  "POST /api/v1/grid-orders": "command",
  "DELETE /api/v1/grid-orders/:id": "command",
  "GET /api/v1/forecast": "read",
  "GET /api/v1/departures": "read",
  "POST /api/v1/departures": "command",
  "DELETE /api/v1/departures/:id": "command",
  "GET /api/v1/vehicles": "read",
  "GET /api/v1/audit": "privacy",
  "POST /api/v1/audit": "machine",
  "POST /api/v1/subjects/find": "privacy",
  "POST /api/v1/subjects/:subject/export": "privacy",
  "POST /api/v1/subjects/:subject/erase": "privacy",
  "POST /api/v1/subjects/:subject/hold": "privacy",
  "POST /api/v1/subjects/:subject/release": "privacy",
  "GET /api/v1/meter-keys": "read",
  "POST /api/v1/meter-keys": "bill",
};

/** HEAD asks what GET asks. `stated`: on the route itself. Undefined when nobody may. */
export function needOf(method: string, path: string, stated?: unknown): Need | undefined {
  const key = `${method === "HEAD" ? "GET" : method} ${path}`;
  if (Object.hasOwn(ROUTES, key)) return ROUTES[key];
  return PERMISSIONS.find((permission) => permission === stated);
}
