import { afterEach, expect, it } from "vitest";
import type { Decision, HoldDoor, Reasoned } from "../../src/web/holds.ts";
import { createLoopDelay } from "../../src/web/loop-delay.ts";
import { createMetrics } from "../../src/web/metrics.ts";
import { createWebServer, type WebServer } from "../../src/web/server.ts";
import type { MetricFigures, WebSources } from "../../src/web/sources.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const WHY = { by: "anna.b@depot", reason: "read the meter" };

let decided: [Decision, string, Reasoned][] = [];
const door: HoldDoor = {
  list: async () => [
    { session_id: "s1-7", held: [{ code: "NO_REGISTER", detail: "x" }], token_ref: "pseudonym" },
  ],
  decide: async (decision, id, why) => {
    if (id === "s1-8")
      return { refused: 409, answer: { code: "NOT_HELD", message: "It is not.", fix: "Look." } };
    decided.push([decision, id, why]);
    return { decided: { session_id: id, revision: 2 } };
  },
};

let server: WebServer | undefined;
afterEach(async () => {
  await server?.stop();
  decided = [];
});

async function start(): Promise<string> {
  const figures = () => ({}) as MetricFigures;
  server = createWebServer({
    host: "127.0.0.1",
    port: 0,
    apiToken: TOKEN,
    sources: {} as WebSources,
    holds: door,
    metrics: createMetrics(figures, createLoopDelay()),
    nowMs: () => 0,
    onError: () => {},
  });
  return server.start();
}

async function post(path: string, body: unknown, token: string | null = TOKEN) {
  const url = await start();
  const answer = await fetch(`${url}/api/v1/${path}`, {
    method: "POST",
    headers: {
      "content-type": typeof body === "string" ? "text/plain" : "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
}

it("lists what waits, without pseudonyms", async () => {
  const url = await start();
  const answer = await fetch(`${url}/api/v1/holds`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(await answer.json()).toEqual({
    holds: [{ session_id: "s1-7", held: [{ code: "NO_REGISTER", detail: "x" }] }],
  });
});

it.each<[string, Decision, string]>([
  ["holds/s1-7/release", "release", "s1-7"],
  ["holds/s1-7/void", "void", "s1-7"],
  ["cdrs/cdr-s1-7-2/credit", "credit", "cdr-s1-7-2"],
])("POST %s takes the decision with who and why", async (path, decision, id) => {
  expect(await post(path, { ...WHY, reason: ` ${WHY.reason} ` })).toMatchObject({
    status: 200,
    session_id: id,
  });
  expect(decided).toEqual([[decision, id, WHY]]);
});

it("passes on why a decision is refused", async () => {
  expect(await post("holds/s1-8/void", WHY)).toEqual({
    status: 409,
    code: "NOT_HELD",
    message: "It is not.",
    fix: "Look.",
  });
});

it.each<[string, unknown, string]>([
  ["no reason", { by: "anna" }, "reason is missing."],
  ["a reason of two letters", { by: "anna", reason: "ok" }, 'reason is "ok".'],
  ["a reason of blanks", { by: "anna", reason: "      " }, 'reason is "      ".'],
  ["a reason that is too long", { by: "anna", reason: "x".repeat(501) }, `reason is "${"x".repeat(64)}".`],
  ["nobody", { reason: "read the meter" }, "by is missing."],
  ["a name with a line feed", { by: "anna\n", reason: "read the meter" }, 'by is "anna\n".'],
])("refuses %s, naming the field and what was seen", async (_, body, message) => {
  expect(await post("holds/s1-7/release", body)).toMatchObject({ status: 400, code: "BAD_BODY", message });
  expect(decided).toEqual([]);
});

it("reads nothing but JSON, which no form of another site can send", async () => {
  expect(await post("holds/s1-7/release", "by=anna")).toMatchObject({ status: 415 });
  expect(decided).toEqual([]);
});

it("takes no decision from whoever has no token, also on this machine", async () => {
  expect(await post("holds/s1-7/release", WHY, "f".repeat(32))).toMatchObject({ status: 401 });
  await server?.stop();
  expect(await post("holds/s1-7/release", WHY, null)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
  expect(decided).toEqual([]);
});
