/**
 * The HTTP door: `/health` and `/metrics` are open, the rest asks who calls (routes.ts). What it reads, and what takes
 * the little that it brings, is handed in; a slow or hostile client costs a bounded number of sockets and nothing else.
 */
import { STATUS_CODES } from "node:http";
import Fastify, { type FastifyInstance } from "fastify";
import type { People } from "../identity/people.ts";
import type { Audit } from "../model/audit.ts";
import { guard, hostsOf } from "./access.ts";
import { RequestError, registerApi } from "./api.ts";
import { type AuditDoor, registerAudit } from "./audit.ts";
import { answerBadPath, answerBroken, SECURITY_HEADERS } from "./broken-requests.ts";
import { type DeparturesDoor, registerDepartures } from "./departures.ts";
import { type GridSource, registerGrid } from "./grid.ts";
import { healthOf } from "./health.ts";
import { type HoldDoor, registerHolds } from "./holds.ts";
import { registerLogin } from "./login.ts";
import { type KeyDoor, registerMeterKeys } from "./meter-keys.ts";
import type { Metrics } from "./metrics.ts";
import { shieldPersonal } from "./personal.ts";
import { SignIns } from "./sign-ins.ts";
import { shareSockets } from "./socket-share.ts";
import type { ApiError, WebSources } from "./sources.ts";
import { registerSubjects, type SubjectDoor } from "./subjects.ts";
import { registerUsers } from "./users.ts";
import { registerWhy, type WhyDoor } from "./why.ts";

export interface WebServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Of the user `api`, who may everything. At least 16 characters. */
  apiToken: string;
  /** Users and named tokens; absent: there are none but `api`. */
  people?: People;
  /** The audit trail; absent: none is kept nor shown. */
  audit?: AuditDoor;
  /** PEM. Absent: plain HTTP. */
  tls?: { cert: Buffer; key: Buffer };
  /** Further host names that it answers to; on loopback it answers to no others. */
  hosts?: readonly string[];
  sources: WebSources;
  /** Decisions of people; absent: none are taken. */
  holds?: HoldDoor;
  meterKeys?: KeyDoor;
  /** Explains limits; absent: nobody does. */
  why?: WhyDoor;
  /** Orders of the grid side and the forecast; absent: none. */
  grid?: GridSource;
  /** Departures and vehicles; absent: they are not served here. */
  departures?: DeparturesDoor;
  /** The rights of those who charge; absent: they are not served here. */
  subjects?: SubjectDoor;
  metrics: Metrics;
  /** Depot time, ms since the epoch. */
  nowMs: () => number;
  /** Monotonic, ms: how long somebody is signed in. */
  wireMs?: () => number;
  /** A request that failed on our side. Must not throw. */
  onError(error: Error): void;
  maxConnections?: number;
}

export interface WebServer {
  /** Resolves with the address it listens on, `http://127.0.0.1:8080`. Rejects when the port is taken. */
  start(): Promise<string>;
  /** Ends open connections too. */
  stop(): Promise<void>;
}

/** TLS 1.2 with authenticated encryption, and 1.3 (RFC 9325, 4.2). */
const TLS_ONLY = {
  minVersion: "TLSv1.2",
  ciphers:
    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20",
} as const;

/**
 * Requests that drip are cut by the second; by itself Node.js looks for them every 30 s. The longest that a request may
 * take to arrive is said here too: set on the server later, as Fastify does, it leaves out the body.
 */
const IN_TIME = { connectionsCheckingInterval: 1_000, requestTimeout: 10_000, headersTimeout: 10_000 };

/** Throws when the API token is too short. */
export function createWebServer(options: WebServerOptions): WebServer {
  const { host, port, apiToken, sources, metrics, people } = options;
  const audit: Audit = options.audit?.record ?? (async () => {});
  if (apiToken.length < 16) {
    throw new Error("The API token has fewer than 16 characters. Make one: openssl rand -hex 24");
  }
  const tls = options.tls !== undefined;
  const settings = {
    bodyLimit: 16_384,
    connectionTimeout: 10_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 30_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 100 },
    // Answers are plain JSON and questions are validated with zod: Fastify's schema compilers would only cost their
    // start-up time.
    clientErrorHandler: answerBroken,
    frameworkErrors: answerBadPath,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  };
  const server = (
    options.tls
      ? Fastify({ ...settings, https: { ...options.tls, ...TLS_ONLY, ...IN_TIME } })
      : Fastify({ ...settings, http: IN_TIME })
  ) as FastifyInstance;
  // A form of another site could send plain text without asking first.
  server.removeContentTypeParser("text/plain");
  shareSockets(server.server, options.maxConnections ?? 100);
  answerErrors(server, options.onError);

  server.addHook("onSend", async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (tls) reply.header("strict-transport-security", "max-age=31536000");
  });
  const signIns = new SignIns((name) => people?.standing(name), options.wireMs);
  guard(server, { apiToken, people, signIns, hosts: hostsOf(host, options.hosts ?? []), tls });
  server.get("/health", (_request, reply) => {
    const health = healthOf(sources.checks());
    return reply.code(health.status === "failing" ? 503 : 200).send(health);
  });
  server.get("/metrics", async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.text();
  });
  void server.register(async (api) => {
    shieldPersonal(api, audit);
    if (options.audit) registerAudit(api, options.audit);
    registerApi(api, sources, options.nowMs);
    if (options.holds) registerHolds(api, options.holds);
    if (options.subjects) registerSubjects(api, options.subjects);
    if (options.meterKeys) registerMeterKeys(api, options.meterKeys);
    if (options.why) registerWhy(api, options.why, options.nowMs);
    if (options.grid) registerGrid(api, options.grid, audit);
    if (options.departures) registerDepartures(api, options.departures);
    if (people) {
      registerLogin(api, { people, signIns, audit, tls });
      registerUsers(api, people, audit);
    }
  });

  return {
    start: () => server.listen({ host, port }),
    stop: () => server.close(),
  };
}

const noSchemas = () => () => {
  throw new Error("routes have no Fastify schemas here");
};

function answerErrors(server: FastifyInstance, onError: (error: Error) => void): void {
  server.setNotFoundHandler((request, reply) => {
    const answer: ApiError = {
      code: "NOT_FOUND",
      message: `There is nothing at ${request.method} ${request.url.slice(0, 200)}.`,
      fix: "Try /health, /metrics, /api/v1/status, /api/v1/stations, /api/v1/plan, /api/v1/readiness, /api/v1/sessions, /api/v1/holds, /api/v1/meter-keys, /api/v1/departures, /api/v1/vehicles, /api/v1/history, /api/v1/why/STATION, /api/v1/report, /api/v1/grid-orders, /api/v1/forecast or /api/v1/audit, or POST /api/v1/prices.",
    };
    return reply.code(404).send(answer);
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof RequestError)
      return reply.headers(error.headers).code(error.statusCode).send(error.answer);
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) {
      const answer: ApiError = {
        code: "BAD_REQUEST",
        message: `${STATUS_CODES[status] ?? "Bad request"}: ${error.message}`,
        fix: "Correct the request.",
      };
      return reply.code(status).send(answer);
    }
    onError(error);
    // What went wrong inside may name files or people: it goes to the program log only.
    const answer: ApiError = {
      code: "INTERNAL",
      message: "The gateway could not answer this request.",
      fix: "Charging and billing do not depend on it. See the gateway's log for the cause.",
    };
    return reply.code(500).send(answer);
  });
}
