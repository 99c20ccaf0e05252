/** The API under `/api/v1`. Times are RFC 3339. It reads, but for `POST prices`, which brings prices to the log. */
import type { FastifyInstance } from "fastify";
import { ID_PATTERN } from "../model/ids.ts";
import { REPORT_BYS } from "../rules/report-by.ts";
import type { ApiError, HistoryQuery, ReportQuery, WebSources } from "./sources.ts";

/** A request that cannot be answered; the server writes it as `{code, message, fix}`. */
export class RequestError extends Error {
  readonly statusCode: number;
  readonly answer: ApiError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(statusCode: number, answer: ApiError, headers: Readonly<Record<string, string>> = {}) {
    super(answer.message);
    this.statusCode = statusCode;
    this.answer = answer;
    this.headers = headers;
  }
}

const DAY_MS = 86_400_000;
const MAX_REPORT_DAYS = 400;
const REPORT_PATIENCE_MS = 600_000;
/** A month of quarter hours, spelt at length. */
const PRICES_BYTES = 524_288;

export function registerApi(server: FastifyInstance, sources: WebSources, nowMs: () => number): void {
  server.get("/api/v1/status", () => sources.status());
  server.get("/api/v1/stations", async () => ({ stations: await sources.stations() }));
  server.get("/api/v1/plan", async () => sources.plan());
  server.get("/api/v1/readiness", async () => sources.readiness());
  server.get("/api/v1/sessions", async (request) => {
    const query = request.query as Query;
    const limit = wholeNumber(query, "limit", 100, 1, 1000);
    const state = query.state ?? "ended";
    if (state !== "open" && state !== "ended")
      throw badQuery("state", query.state, "use open, or ended as without it");
    return {
      sessions: state === "open" ? sources.openSessions().slice(0, limit) : await sources.sessions(limit),
    };
  });
  server.get("/api/v1/sessions/:id", async (request) => {
    const { id } = request.params as { id: string };
    const session = await sources.session(id);
    if (session) return session;
    throw new RequestError(404, {
      code: "SESSION_NOT_FOUND",
      message: `There is no session "${id.slice(0, 64)}".`,
      fix: "List the known ones with GET /api/v1/sessions.",
    });
  });
  server.post("/api/v1/prices", { bodyLimit: PRICES_BYTES }, async (request) => {
    const answer = await sources.takePrices(request.body);
    if ("taken" in answer) return answer.taken;
    const { code, message, fix } = answer.refused;
    throw new RequestError(code === "BUSY" ? 503 : 400, { code, message: sentence(message), fix });
  });
  server.get("/api/v1/history", (request) => sources.history(historyQuery(request.query as Query, nowMs())));
  server.get("/api/v1/report", (request) => {
    const query = reportQuery(request.query as Query);
    // A year of a large depot takes longer to read than a silent socket may take elsewhere.
    request.raw.socket.setTimeout(REPORT_PATIENCE_MS);
    return sources.report(query);
  });
}

function reportQuery(query: Query): ReportQuery {
  const from = date(query, "from");
  const to = query.to === undefined ? undefined : date(query, "to");
  const span = (Date.parse(to ?? from) - Date.parse(from)) / DAY_MS;
  if (!(span >= 0 && span <= MAX_REPORT_DAYS))
    throw badQuery("to", query.to, `use a day from \`from\` on, at most ${MAX_REPORT_DAYS} days later`);
  const by = REPORT_BYS.find((one) => one === (query.by ?? "day"));
  if (!by) throw badQuery("by", query.by, `use one of ${REPORT_BYS.join(", ")}`);
  return { from, by, ...(to === undefined ? {} : { to }) };
}

function date(query: Query, name: string): string {
  const text = query[name];
  const ms = typeof text === "string" && /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  if (typeof text === "string" && !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text))
    return text;
  throw badQuery(name, text, "use a day such as 2026-03-29");
}

const sentence = (text: string) => (text.endsWith(".") ? text : `${text}.`);

type Query = Readonly<Record<string, string | string[] | undefined>>;

function historyQuery(query: Query, nowMs: number): HistoryQuery {
  const station = query.station;
  if (typeof station !== "string" || !ID_PATTERN.test(station)) {
    throw badQuery("station", station, "name one station, as in station=cp-007");
  }
  const toMs = instant(query, "to", nowMs);
  const fromMs = instant(query, "from", toMs - 3_600_000);
  if (fromMs >= toMs || toMs - fromMs > 31 * DAY_MS) {
    throw badQuery("from", query.from, "use a time before `to`, at most 31 days");
  }
  const stepMs = wholeNumber(query, "step_s", 10, 1, 86_400) * 1000;
  const limit = wholeNumber(query, "limit", 5_000, 1, 50_000);
  const evse = query.evse === undefined ? {} : { evse: wholeNumber(query, "evse", 1, 0, 99) };
  return { station, fromMs, toMs, stepMs, limit, ...evse };
}

export function instant(query: Query, name: string, otherwise: number): number {
  const text = query[name];
  if (text === undefined) return otherwise;
  const ms = typeof text === "string" && /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw badQuery(name, text, "use RFC 3339 time such as 2026-11-22T17:00:00Z");
  return ms;
}

export function wholeNumber(query: Query, name: string, otherwise: number, min: number, max: number): number {
  const text = query[name];
  if (text === undefined) return otherwise;
  const value = typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw badQuery(name, text, `use a whole number from ${min} to ${max}`);
}

export function badQuery(name: string, seen: unknown, fix: string): RequestError {
  const shown = seen === undefined ? "missing" : `"${String(seen).slice(0, 64)}"`;
  return new RequestError(400, {
    code: "BAD_QUERY",
    message: `Query parameter ${name} is ${shown}.`,
    fix: `For ${name}, ${fix}.`,
  });
}
