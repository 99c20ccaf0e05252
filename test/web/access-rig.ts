/** An API with every door that it can have, users and tokens of every role, and sources that hold personal fields. */
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { subjectDoor } from "../../src/gateway/subject-door.ts";
import { type AccessRole, TOKEN_ROLES, type USER_ROLES } from "../../src/identity/access.ts";
import { People } from "../../src/identity/people.ts";
import { UserStore } from "../../src/identity/user-store.ts";
import type { AuditEntry } from "../../src/model/audit.ts";
import { createLoopDelay } from "../../src/web/loop-delay.ts";
import { createMetrics } from "../../src/web/metrics.ts";
import { createWebServer, type WebServerOptions } from "../../src/web/server.ts";
import type { MetricFigures, WebSources } from "../../src/web/sources.ts";
import { scratchDir } from "../log/sample-events.ts";

export const API_TOKEN = "0123456789abcdef0123456789abcdef";
export const PASSWORD = "five cold blue spoons";

const SESSION = { session_id: "s1-7", token_ref: "pseudonym", token_group: "group-9", vehicle: "van-3" };

/** Whatever is asked of a subject. */
const WORKED = { subject: "ref-1", sessions: [], cdrs: [], kept: [], until: null, released: true };

const sources: WebSources = {
  checks: () => ({}),
  metrics: () => ({}) as MetricFigures,
  status: async () => ({ site: "depot", alerts: [{ subject: "anna", cause: "from 10.0.0.66" }] }),
  stations: async () => [{ station: "cp-01", ...SESSION, running: { total: "1" } }],
  sessions: async () => [SESSION],
  openSessions: () => [SESSION],
  session: async () => ({ ...SESSION, cdr: { cdr_token: "pseudonym" } }),
  history: async () => ({ points: [], truncated: false }),
  report: async () => ({ rows: [] }),
  readiness: () => ({
    counts: { at_risk: 1 },
    vehicles: [
      {
        evse: "cp-01/1",
        vehicle: "van-3",
        state: "at_risk",
        depart: "2026-03-02T06:00:00Z",
        latest_start: null,
      },
    ],
  }),
  plan: () => ({ vehicles: [{ evse: "cp-01/1", vehicle: "van-3" }] }),
  takePrices: async () => ({ refused: { code: "BAD_PRICES", message: "no", fix: "Send prices." } }),
};

export interface AccessRig {
  url: string;
  people: People;
  /** Bearer tokens by role. */
  tokens: Map<AccessRole, string>;
  audited: AuditEntry[];
  clock: { wireMs: number };
  /** With `body` as JSON. */
  call(
    method: string,
    path: string,
    more?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Response>;
  /** A cookie and the token against forgery. */
  signIn(user: string, password?: string): Promise<{ cookie: string; csrf: string }>;
}

export async function accessRig(
  extra: Partial<WebServerOptions> = {},
  users: readonly (typeof USER_ROLES)[number][] = [],
): Promise<AccessRig> {
  const store = new UserStore(join(scratchDir(), "access"), { n: 1024 });
  const clock = { wireMs: 0 };
  const people = new People({ store, nowMs: () => clock.wireMs });
  const tokens = new Map<AccessRole, string>();
  for (const role of TOKEN_ROLES) tokens.set(role, await people.addToken(`t-${role}`, role));
  for (const role of users) await people.addUser(`u-${role}`, role, PASSWORD);
  const audited: AuditEntry[] = [];
  const server = createWebServer({
    host: "127.0.0.1",
    port: 0,
    apiToken: API_TOKEN,
    people,
    audit: {
      record: async (entry) => void audited.push(entry),
      list: async () => ({ entries: [], more: false }),
    },
    sources,
    holds: { list: async () => [SESSION], decide: async (_, id, why) => ({ decided: { id, ...why } }) },
    why: { at: async () => [], period: async () => [] },
    grid: {
      orders: () => [],
      order: async () => ({ refused: { code: "BAD_ORDER", message: "no", fix: "Send an order." } }),
      end: async () => ({ refused: { code: "NO_ORDER", message: "no", fix: "Name an order." } }),
      forecast: (circuit) => ({ circuit: circuit ?? "main" }),
    },
    departures: {
      list: () => [],
      vehicles: () => [],
      set: async () => ({ refused: { code: "BAD_DEPARTURE", message: "no", fix: "Send departures." } }),
      remove: async () => ({ refused: { code: "NO_SUCH_DEPARTURE", message: "no", fix: "Look again." } }),
    },
    meterKeys: { list: async () => ({}), accept: async (request) => ({ accepted: request }) },
    subjects: subjectDoor({
      work: async () => WORKED as never,
      exported: async () => new Uint8Array(),
      audit: async (entry) => void audited.push(entry),
      erasure: {} as never,
    }),
    metrics: createMetrics(sources.metrics, createLoopDelay()),
    nowMs: () => 0,
    wireMs: () => clock.wireMs,
    onError: (error) => {
      throw error;
    },
    ...extra,
  });
  onTestFinished(() => server.stop());
  const url = await server.start();
  const call: AccessRig["call"] = (method, path, { body, headers = {} } = {}) =>
    fetch(url + path, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    url,
    people,
    tokens,
    audited,
    clock,
    call,
    async signIn(user, password = PASSWORD) {
      const answer = await call("POST", "/api/v1/login", { body: { user, password } });
      const { csrf } = (await answer.json()) as { csrf: string };
      return { cookie: (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "", csrf };
    },
  };
}
