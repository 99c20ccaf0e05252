/**
 * The HTTP door: `/health` and `/metrics` are open, `/api` needs the bearer token. What it reads, and what takes the
 * little that it brings, is handed in; a slow or hostile client costs a bounded number of sockets and nothing else.
 */
import { STATUS_CODES } from "node:http";
import Fastify, { type FastifyInstance } from "fastify";
import { accessCheck, isLoopback } from "./access.ts";
import { RequestError, registerApi } from "./api.ts";
import { type AuditDoor, registerAudit } from "./audit.ts";
import { healthOf } from "./health.ts";
import { type HoldDoor, registerHolds } from "./holds.ts";
import { type KeyDoor, registerMeterKeys } from "./meter-keys.ts";
import type { Metrics } from "./metrics.ts";
import type { ApiError, WebSources } from "./sources.ts";
import { registerSubjects, type SubjectDoor } from "./subjects.ts";

export interface WebServerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Needed as soon as `host` is not loopback. */
  apiToken?: string;
  sources: WebSources;
  /** Decisions of people; absent: none are taken. */
  holds?: HoldDoor;
  /** The audit trail; absent: none is shown. */
  audit?: AuditDoor;
  meterKeys?: KeyDoor;
  /** The rights of those who charge; absent: they are not served here. */
  subjects?: SubjectDoor;
  metrics: Metrics;
  /** Depot time, ms since the epoch. */
  nowMs: () => number;
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

const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Throws when the API would be open to the network. */
export function createWebServer(options: WebServerOptions): WebServer {
  const { host, port, apiToken, sources, metrics } = options;
  if (apiToken === undefined && !isLoopback(host)) {
    throw new Error(
      `api.listen is ${host}:${port} and no API token is set. Set api.token_file, or listen on 127.0.0.1.`,
    );
  }
  if (apiToken !== undefined && apiToken.length < 16) {
    throw new Error("The API token has fewer than 16 characters. Make one: openssl rand -hex 24");
  }
  const server = Fastify({
    bodyLimit: 16_384,
    connectionTimeout: 10_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 30_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 100 },
    // Answers are plain JSON and questions are validated with zod: Fastify's schema compilers would only cost their
    // start-up time.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
  server.server.maxConnections = options.maxConnections ?? 100;
  answerErrors(server, options.onError);

  server.addHook("onSend", async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
  });
  server.get("/health", (_request, reply) => {
    const health = healthOf(sources.checks());
    return reply.code(health.status === "failing" ? 503 : 200).send(health);
  });
  server.get("/metrics", async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.text();
  });
  const refusal = accessCheck(apiToken);
  void server.register(async (api) => {
    api.addHook("onRequest", async (request, reply) => {
      const refused = refusal(request.headers);
      if (!refused) return;
      if (refused.code === "UNAUTHORIZED") reply.header("www-authenticate", "Bearer");
      throw new RequestError(refused.code === "UNAUTHORIZED" ? 401 : 403, refused);
    });
    registerApi(api, sources, options.nowMs, apiToken !== undefined);
    if (options.audit) registerAudit(api, options.audit, apiToken !== undefined);
    if (options.holds) registerHolds(api, options.holds, apiToken !== undefined);
    if (options.subjects) registerSubjects(api, options.subjects, apiToken !== undefined);
    if (options.meterKeys) registerMeterKeys(api, options.meterKeys, apiToken !== undefined);
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
      fix: "Try /health, /metrics, /api/v1/status, /api/v1/stations, /api/v1/sessions, /api/v1/holds, /api/v1/meter-keys, /api/v1/history, /api/v1/report or /api/v1/audit, or POST /api/v1/prices.",
    };
    return reply.code(404).send(answer);
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof RequestError) return reply.code(error.statusCode).send(error.answer);
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
