import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLoopDelay } from "../../src/web/loop-delay.ts";
import { createMetrics } from "../../src/web/metrics.ts";
import { createWebServer, type WebServer, type WebServerOptions } from "../../src/web/server.ts";
import type { Checks, HistoryQuery, MetricFigures, WebSources } from "../../src/web/sources.ts";

const NOW = Date.UTC(2026, 10, 22, 17, 0, 0);
const TOKEN = "0123456789abcdef0123456789abcdef";

const FIGURES: MetricFigures = {
  consumers: {
    influx: { lagEvents: 41_250, oldestUnsentS: 7_200 },
    upstream: { lagEvents: 0, oldestUnsentS: null },
  },
  ackedEvents: 1_000,
  quarantined: 3,
  quarantineOverflow: 5,
  deadLetters: 1,
  connections: 24,
  sessionsActive: 12,
  sessionsHeld: 1,
  logHead: 991_823,
  diskFreeBytes: 5e10,
  siteMeterAgeS: 0.7,
  siteCurrentA: [70.5, 69, 71],
  siteLimitA: [100, 100, 100],
  setpoints: { fair_share: 7, safe_start: 2 },
  readiness: { ready: 3, at_risk: 1 },
  plans: { plan: 4, laxity: 1 },
};

let checks: Checks = {};
let asked: HistoryQuery[] = [];
const sources: WebSources = {
  checks: () => checks,
  metrics: () => FIGURES,
  status: async () => ({ site: "ringon", status: "ok" }),
  stations: async () => [{ station: "cp-001", online: true }],
  sessions: async (limit) =>
    Array.from({ length: 2 }, (_, i) => ({ session_id: `s${i}`, limit, token_ref: "pseudonym" })),
  openSessions: () => [{ session_id: "s9", running: { total_incl_vat: "12.5000" } }],
  session: async (id) =>
    id === "s1"
      ? { session_id: "s1", token_ref: "pseudonym", cdr: { cdr_token: "pseudonym", id: "c" } }
      : undefined,
  history: async (query) => {
    asked.push(query);
    return { points: [], truncated: false };
  },
  report: async (query) => ({ asked: query, rows: [] }),
  readiness: () => ({}),
  plan: () => ({ source: "plan", vehicles: [] }),
  takePrices: async () => ({ refused: { code: "BUSY", message: "the disk is full", fix: "Send again." } }),
};

let server: WebServer | undefined;
const errors: Error[] = [];
const loopDelay = createLoopDelay();
const metrics = createMetrics(() => FIGURES, loopDelay);

async function start(extra: Partial<WebServerOptions> = {}): Promise<string> {
  const options: WebServerOptions = {
    host: "127.0.0.1",
    port: 0,
    apiToken: TOKEN,
    sources,
    metrics,
    nowMs: () => NOW,
    onError: (error) => errors.push(error),
    ...extra,
  };
  server = createWebServer(options);
  return server.start();
}

afterEach(async () => {
  await server?.stop();
  server = undefined;
  checks = {};
  asked = [];
  errors.length = 0;
});

const get = (url: string, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) =>
  fetch(url, { headers });

describe("/health", () => {
  it.each<[Checks, number, string]>([
    [{}, 200, "ok"],
    [{ log: { status: "ok" }, influx: { status: "failing", detail: "away" } }, 200, "degraded"],
    [{ clock: { status: "degraded" } }, 200, "degraded"],
    [{ log: { status: "degraded" }, flows: { status: "failing" } }, 200, "degraded"],
    [{ control: { status: "failing" } }, 503, "failing"],
    [{ influx: { status: "degraded" }, disk: { status: "failing", detail: "full" } }, 503, "failing"],
  ])("%j gives %i %s, to anyone", async (given, code, status) => {
    checks = given;
    const answer = await get(`${await start()}/health`, {});
    expect(answer.status).toBe(code);
    expect(await answer.json()).toEqual({ status, checks: given });
  });
});

describe("/metrics", () => {
  it("shows the figures now, in Prometheus' format, and counts nothing twice", async () => {
    loopDelay.start();
    try {
      const url = await start();
      metrics.observeCommit(0.003);
      await vi.waitFor(() => expect(loopDelay.percentileMs(99)).toBeGreaterThan(0), { timeout: 10_000 });
      await get(`${url}/metrics`, {});
      const answer = await get(`${url}/metrics`, {});
      expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
      const lines = (await answer.text()).split("\n");
      expect(lines).toEqual(
        expect.arrayContaining([
          'laddport_consumer_lag_events{consumer="influx"} 41250',
          "laddport_quarantined_total 3",
          "laddport_quarantine_overflow_total 5",
          'laddport_setpoints_total{reason="fair_share"} 7',
          'laddport_setpoints_total{reason="safe_start"} 2',
          'laddport_consumer_oldest_unsent_seconds{consumer="influx"} 7200',
          "laddport_acked_events_total 1000",
          "laddport_quarantined_total 3",
          "laddport_connections 24",
          'laddport_sessions{state="held"} 1',
          'laddport_site_current_amperes{line="L1"} 70.5',
          'laddport_site_limit_amperes{line="L3"} 100',
          'laddport_setpoints_total{reason="fair_share"} 7',
          "laddport_commit_seconds_count 1",
          'laddport_commit_seconds_bucket{le="0.002"} 0',
          'laddport_commit_seconds_bucket{le="0.005"} 1',
        ]),
      );
      for (const name of ['event_loop_delay_seconds{quantile="0.99"}', "resident_memory_bytes"]) {
        const line = lines.find((l) => l.startsWith(`laddport_${name}`));
        expect(Number(line?.split(" ").at(-1))).toBeGreaterThan(0);
      }
    } finally {
      loopDelay.stop();
    }
  });

  it("leaves out what is not known", async () => {
    const unknown = { ...FIGURES, siteMeterAgeS: null, siteCurrentA: null, diskFreeBytes: null };
    const text = await createMetrics(() => unknown, loopDelay).text();
    expect(text).not.toMatch(/^laddport_(site_meter_age_seconds|site_current_amperes|disk_free_bytes)[ {]/m);
  });
});

describe("/api", () => {
  it("answers status, stations, sessions, one session, history", async () => {
    const url = await start();
    const read = async (path: string) => (await get(url + path)).json();
    expect(await read("/api/v1/status")).toEqual({ site: "ringon", status: "ok" });
    expect(await read("/api/v1/stations")).toEqual({ stations: [{ station: "cp-001", online: true }] });
    expect(await read("/api/v1/sessions?limit=7")).toMatchObject({ sessions: [{ limit: 7 }, { limit: 7 }] });
    expect(await read("/api/v1/sessions?state=open")).toEqual({
      sessions: [{ session_id: "s9", running: { total_incl_vat: "12.5000" } }],
    });
    expect(await read("/api/v1/sessions/s1")).toEqual({ session_id: "s1", cdr: { id: "c" } });
    await read("/api/v1/history?station=cp-001");
    await read(
      "/api/v1/history?station=cp-001&from=2026-11-22T10:00:00Z&to=2026-11-22T12:00:00%2B01:00&evse=2&step_s=60",
    );
    expect(asked).toEqual([
      { station: "cp-001", fromMs: NOW - 3_600_000, toMs: NOW, stepMs: 10_000, limit: 5_000 },
      {
        station: "cp-001",
        fromMs: NOW - 7 * 3_600_000,
        toMs: NOW - 6 * 3_600_000,
        stepMs: 60_000,
        limit: 5_000,
        evse: 2,
      },
    ]);
  });

  it("shows nobody's pseudonym", async () => {
    const url = await start();
    for (const path of ["/api/v1/sessions", "/api/v1/sessions/s1"]) {
      expect(await (await get(url + path)).text()).not.toContain("pseudonym");
    }
  });

  it.each([
    ["no token", {}],
    ["another token", { authorization: `Bearer ${TOKEN}x` }],
    ["another scheme", { authorization: `Basic ${TOKEN}` }],
  ])("refuses %s", async (_what, headers) => {
    const url = await start();
    for (const path of ["/api/v1/status", "/api/v1/sessions/s1"]) {
      const answer = await get(url + path, headers as Record<string, string>);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(await answer.json()).toMatchObject({
        code: "UNAUTHORIZED",
        fix: expect.stringContaining("Bearer"),
      });
    }
  });

  it.each([
    ["sessions?limit=0", "limit"],
    ["sessions?state=paused", "state"],
    ["sessions?limit=ten", "limit"],
    ["sessions?limit=1&limit=2", "limit"],
    ["history", "station"],
    ["history?station=../etc", "station"],
    ["history?station=cp-001&from=yesterday", "from"],
    ["history?station=cp-001&from=2026-11-23T00:00:00Z", "from"],
    ["history?station=cp-001&from=2020-01-01T00:00:00Z", "from"],
    ["history?station=cp-001&step_s=0", "step_s"],
  ])("refuses %s and names the parameter, value and fix", async (path, name) => {
    const answer = await get(`${await start()}/api/v1/${path}`);
    expect(answer.status).toBe(400);
    const body = (await answer.json()) as { code: string; message: string; fix: string };
    expect(body.code).toBe("BAD_QUERY");
    expect(body.message).toMatch(new RegExp(`^Query parameter ${name} is (missing|".*")\\.$`));
    expect(body.fix).toContain(name);
  });

  it("takes prices with the token alone, says why it does not, and reads no endless ones", async () => {
    const url = `${await start()}/api/v1/prices`;
    const post = (body: string, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) =>
      fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
    expect((await post("{}", {})).status).toBe(401);
    const busy = await post("{}");
    expect(busy.status).toBe(503);
    expect(await busy.json()).toEqual({ code: "BUSY", message: "the disk is full.", fix: "Send again." });
    expect((await post("{")).status).toBe(400);
    expect((await post(JSON.stringify({ series: "x".repeat(600_000) }))).status).toBe(413);
    expect(
      (await post("<x/>", { authorization: `Bearer ${TOKEN}`, "content-type": "text/xml" })).status,
    ).toBe(415);
  });
  it("says 404 as JSON with a way on", async () => {
    const url = await start();
    const session = await get(`${url}/api/v1/sessions/nobody`);
    expect([session.status, await session.json()]).toMatchObject([404, { code: "SESSION_NOT_FOUND" }]);
    const path = await get(`${url}/admin`);
    expect([path.status, await path.json()]).toMatchObject([404, { code: "NOT_FOUND" }]);
    const method = await fetch(`${url}/api/v1/status`, { method: "POST" });
    expect([method.status, await method.json()]).toMatchObject([404, { code: "NOT_FOUND" }]);
  });

  it("asks for a report by days, both inclusive, and refuses what is no day", async () => {
    const url = await start();
    const ask = async (query: string) => {
      const answer = await get(`${url}/api/v1/report?${query}`);
      return { status: answer.status, body: (await answer.json()) as { asked?: object; message?: string } };
    };
    expect((await ask("from=2026-03-01&to=2026-03-31&by=month")).body.asked).toEqual({
      from: "2026-03-01",
      to: "2026-03-31",
      by: "month",
    });
    expect((await ask("from=2026-03-01")).body.asked).toEqual({ from: "2026-03-01", by: "day" });
    for (const bad of [
      "",
      "from=2026-02-30",
      "from=2026-03-01&to=2026-02-01",
      "from=2020-01-01&to=2026-01-01",
      "from=2026-03-01&by=colour",
    ])
      expect((await ask(bad)).status, bad).toBe(400);
  });

  it("keeps what went wrong inside to itself, and reports it", async () => {
    const url = await start({
      sources: { ...sources, status: () => Promise.reject(new Error("cannot open /data/secret.db")) },
    });
    const answer = await get(`${url}/api/v1/status`);
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ code: "INTERNAL" });
    expect(text).not.toContain("secret");
    expect(errors.map((e) => e.message)).toEqual(["cannot open /data/secret.db"]);
  });

  it("sends security headers with every answer", async () => {
    const url = await start();
    for (const path of ["/health", "/metrics", "/api/v1/status", "/nothing"]) {
      const { headers } = await get(url + path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });
});

describe("on loopback", () => {
  it("refuses a token that could be guessed", async () => {
    await expect(start({ apiToken: "short" })).rejects.toThrow(/16/);
  });

  it("refuses a page that reaches it under its own name, with the token too", async () => {
    const url = await start({ hosts: ["depot.example"] });
    const answer = await rawGet(url, "/api/v1/status", "evil.example");
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain("HOST_REFUSED");
    expect(await rawGet(url, "/api/v1/status", "depot.EXAMPLE:8080")).toMatch(/^HTTP\/1\.1 200 /);
    expect(await rawGet(url, "/health", "evil.example")).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("a hostile or slow client", () => {
  it.each([
    ["garbage", "\u0000\u0001 nothing\r\n\r\n", 400],
    ["an unknown method", "FOO /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400],
    [
      "10,000 header lines",
      `GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n${"x: y\r\n".repeat(10_000).slice(0, 16_500)}`,
      431,
    ],
    ["a badly escaped path", "GET /api/v1/sessions/%zz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400],
    [
      "a part of a path without end",
      `GET /api/v1/sessions/${"a".repeat(500)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
      400,
    ],
    [
      "two lengths of one body",
      "POST /api/v1/prices HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
  ])("that sends %s is answered as everybody is", async (_, sent, status) => {
    const answer = await rawAnswer(await start(), sent);
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(head.split("\r\n")[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain("x-content-type-options: nosniff");
    expect(JSON.parse(body)).toEqual({
      code: "BAD_REQUEST",
      message: expect.any(String),
      fix: expect.any(String),
    });
    expect(body).not.toContain("zz");
  });

  it.each([
    ["header", "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "],
    [
      "body",
      "POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n",
    ],
  ])("that drips a %s is cut before Node.js by itself would look", { timeout: 28_000 }, async (_, sent) => {
    const url = await start();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.write(sent);
    const drip = setInterval(() => socket.write("x"), 500);
    await new Promise((resolve) => socket.once("close", resolve));
    clearInterval(drip);
    expect(text).toContain("TOO_SLOW");
  });

  it("does not keep the server from stopping", async () => {
    const url = await start();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /health HTTP/1.1\r\nHost: x\r\n");
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await server?.stop();
    await closed;
  });

  it.runIf(process.platform === "linux")(
    "takes half of the sockets from one address, and others are still served",
    async () => {
      const url = await start({ maxConnections: 8 });
      const to = { port: Number(new URL(url).port), host: "127.0.0.1", localAddress: "127.0.0.2" };
      const sockets = Array.from({ length: 20 }, () => connect(to));
      for (const socket of sockets) socket.on("error", () => {});
      await vi.waitFor(() => expect(sockets.filter((s) => s.closed)).toHaveLength(16), { timeout: 10_000 });
      expect((await fetch(`${url}/health`)).status).toBe(200);
      for (const socket of sockets) socket.destroy();
      await vi.waitFor(
        async () => {
          const again = connect(to);
          again.on("error", () => {});
          await new Promise((resolve) => again.once("connect", resolve));
          again.write("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
          const text = await new Promise((resolve) =>
            again.once("data", resolve).once("close", () => resolve("")),
          );
          again.destroy();
          expect(String(text)).toContain("200 OK");
        },
        { timeout: 10_000 },
      );
    },
  );

  it.runIf(process.platform === "linux")("gets no more sockets than are allowed", async () => {
    const url = await start({ maxConnections: 2 });
    const sockets = Array.from({ length: 4 }, (_, i) =>
      connect({ port: Number(new URL(url).port), host: "127.0.0.1", localAddress: `127.0.0.${i + 1}` }),
    );
    for (const socket of sockets) socket.on("error", () => {});
    await vi.waitFor(() => expect(sockets.filter((s) => s.closed)).toHaveLength(2), { timeout: 10_000 });
    for (const socket of sockets) socket.destroy();
  });
});

function rawGet(url: string, path: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.once("close", () => resolve(text));
    socket.once("error", reject);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
    );
  });
}

function rawAnswer(url: string, sent: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(sent));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (text.includes("\r\n\r\n")) socket.end();
    });
    socket.once("close", () => resolve(text));
    socket.once("error", (error) => (text === "" ? reject(error) : resolve(text)));
  });
}
