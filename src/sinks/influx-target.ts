/**
 * Where time series go, and what its answers mean. Three servers read the same lines at different doors:
 * InfluxDB 2.x (`/api/v2/write`, org, bucket, token), InfluxDB 1.x (`/write?db=`, the precision must be in the path,
 * a token header would override Basic and give 401), VictoriaMetrics (`/write`; start it with
 * `-dedup.minScrapeInterval=1ms`, or a rewritten point counts twice; it skips a bad line silently and keeps numbers
 * only).
 */
import { HttpError } from "@influxdata/influxdb-client";
import { DeliveryError } from "../log/run-sink.ts";

export type InfluxTarget =
  | { mode: "v2"; url: string; org: string; bucket: string; token: string }
  | {
      mode: "v1";
      url: string;
      database: string;
      retentionPolicy?: string;
      username?: string;
      password?: string;
    }
  | { mode: "victoria"; url: string; username?: string; password?: string };

export interface WriteDoor {
  url: string;
  path: string;
  token?: string;
  headers: Record<string, string>;
}

/** Throws when the URL cannot be used. */
export function writeDoor(target: InfluxTarget): WriteDoor {
  const url = serverUrl(target.url);
  if (target.mode === "v2") {
    const query = new URLSearchParams({ org: target.org, bucket: target.bucket, precision: "ms" });
    return { url, path: `/api/v2/write?${query}`, token: target.token, headers: {} };
  }
  const query = new URLSearchParams({ precision: "ms" });
  if (target.mode === "v1") {
    query.set("db", target.database);
    if (target.retentionPolicy) query.set("rp", target.retentionPolicy);
  }
  const headers: Record<string, string> = {};
  if (target.username !== undefined) {
    const pair = `${target.username}:${target.password ?? ""}`;
    headers.Authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  }
  return { url, path: `/write?${query}`, headers };
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new Error(`influx.url is "${text}". Write it as http://host:8086 or https://host.`);
  }
  if (url.username || url.password) {
    throw new Error(
      "influx.url contains credentials. Take them out and use the token file or user and password.",
    );
  }
  if (url.search || url.hash || url.pathname.replace(/\/$/, "").endsWith("/api/v2")) {
    throw new Error(
      `influx.url is "${text}". Give the server's address alone, without /api/v2 and without a query.`,
    );
  }
  return url.href.replace(/\/$/, "");
}

/** What one answer means for the lines that were sent. */
export type Verdict =
  /** Some line is bad; the others may or may not be stored. `dropped` is the server's own count, where it gave one. */
  | { kind: "rejected"; reason: string; clear: boolean; dropped: number | undefined; tooOld: boolean }
  /** The body was too large. */
  | { kind: "too_large"; reason: string }
  /** Nothing is wrong with the lines: try again, or wait for the operator. */
  | { kind: "failed"; error: DeliveryError };

/** Answers that say plainly that the data, and not the request, was at fault. */
const DATA_FAULT =
  /partial write|unable to parse|conflict|beyond retention|dropped=|invalid field|missing fields/i;

export function verdictOn(error: unknown, target: InfluxTarget): Verdict {
  if (!(error instanceof HttpError)) return { kind: "failed", error: unreachable(error, target) };
  const said = (error.message || error.body || `${error.statusCode}`).slice(0, 500);
  if (error.statusCode === 400 || error.statusCode === 422) {
    const dropped = /dropped=(\d+)/.exec(said)?.[1];
    return {
      kind: "rejected",
      reason: said,
      clear: DATA_FAULT.test(said),
      dropped: dropped === undefined ? undefined : Number(dropped),
      tooOld: /beyond retention/i.test(said),
    };
  }
  if (error.statusCode === 413) return { kind: "too_large", reason: said };
  return { kind: "failed", error: refused(error, said, target) };
}

/** A server that takes none of the lines and does not say that the lines are at fault. */
export function refusedEverything(reason: string, target: InfluxTarget): DeliveryError {
  return new DeliveryError(
    "INFLUX_REFUSES_ALL",
    `${target.url} answers 400 to every line and does not say what is wrong with them: ${reason}`,
    "Check influx.url, the database or bucket, and any proxy in between. Points wait in the log.",
  );
}

function refused(error: HttpError, said: string, target: InfluxTarget): DeliveryError {
  const status = error.statusCode;
  const options = { retryAfterMs: retryAfterMs(error.headers?.["retry-after"]), cause: error };
  const make = (code: string, message: string, fix: string) => new DeliveryError(code, message, fix, options);
  if (status === 401 || status === 403) {
    return make(
      "INFLUX_UNAUTHORIZED",
      `${target.url} refused our credentials (${status}): ${said}.`,
      target.mode === "v2"
        ? `Give influx.token_file a token that may write to bucket "${target.bucket}" of org "${target.org}".`
        : "Give influx a user and password that may write.",
    );
  }
  if (status === 404)
    return make("INFLUX_NOT_FOUND", `${target.url} answered 404: ${said}.`, missing(target, said));
  if (status === 429 || status >= 500) {
    return make(
      "INFLUX_BUSY",
      `${target.url} cannot take points now (${status}): ${said}.`,
      "It is tried again.",
    );
  }
  return make(
    "INFLUX_ANSWER_UNEXPECTED",
    `${target.url} answered ${status}: ${said}.`,
    "Check that influx.url is the database itself and that influx.mode names its kind.",
  );
}

function missing(target: InfluxTarget, said: string): string {
  switch (target.mode) {
    case "v2":
      return /page not found/.test(said)
        ? 'It has no /api/v2/write: for an InfluxDB 1.x set influx.mode to "v1".'
        : `Create it: influx bucket create --org ${target.org} --name ${target.bucket}`;
    case "v1":
      return `Create it: influx -execute 'CREATE DATABASE "${target.database}"'`;
    case "victoria":
      return "Check that influx.url is VictoriaMetrics itself (port 8428), or its vminsert prefix.";
  }
}

function unreachable(error: unknown, target: InfluxTarget): DeliveryError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const detail = "code" in cause && cause.code ? String(cause.code) : cause.message;
  return new DeliveryError(
    "INFLUX_UNREACHABLE",
    `${target.url} gave no answer (${detail}).`,
    "Start it, or correct influx.url. Points wait in the log and are written when it is back.",
    { cause },
  );
}

/** `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3); bounded, so that no server can park us for a day. */
export function retryAfterMs(header: string | string[] | undefined, nowMs = Date.now()): number {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!text) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 300_000) : 0;
}
