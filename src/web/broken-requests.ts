/** What is no request that a route could see: told as every error here is, and the socket ends. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiError } from "./sources.ts";

/** Of every answer. */
export const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const TOO_SLOW: ApiError = {
  code: "TOO_SLOW",
  message: "The request did not arrive whole in time.",
  fix: "Send it within 10 seconds.",
};

const TOO_LONG: ApiError = {
  code: "BAD_REQUEST",
  message: "The request's header is longer than 16 KiB.",
  fix: "Send fewer and shorter header lines.",
};

const NOT_HTTP: ApiError = {
  code: "BAD_REQUEST",
  message: "This is no HTTP/1.1 request.",
  fix: "Speak HTTP/1.1, and TLS where api.tls is set.",
};

const ANSWERS: Readonly<Record<string, readonly [number, ApiError]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, TOO_SLOW],
  HPE_HEADER_OVERFLOW: [431, TOO_LONG],
};

/** The parser gave up on what a socket sends. */
export function answerBroken(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const [status, answer] = ANSWERS[error.code ?? ""] ?? [400, NOT_HTTP];
  const body = JSON.stringify(answer);
  const headers = {
    ...SECURITY_HEADERS,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable)
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`);
  socket.destroy(error);
}

/** The path is none: badly escaped, or a part of it too long. What was sent is not sent back. */
export function answerBadPath(_error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  const answer: ApiError = {
    code: "BAD_REQUEST",
    message: "The path is badly escaped, or a part of it is too long.",
    fix: "Correct the request.",
  };
  void reply.headers(SECURITY_HEADERS).code(400).send(answer);
}
