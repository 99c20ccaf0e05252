import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeliveryError } from "../../src/log/run-sink.ts";
import { type InfluxTarget, retryAfterMs, writeDoor } from "../../src/sinks/influx-target.ts";
import {
  createInfluxWriter,
  type InfluxWriter,
  type InfluxWriterOptions,
} from "../../src/sinks/influx-writer.ts";
import { type ScriptedServer, startScriptedServer, type Written } from "./scripted-server.ts";

const PARTIAL = (dropped: number) =>
  JSON.stringify({
    code: "unprocessable entity",
    message: `partial write: field type conflict dropped=${dropped}`,
  });
const JSON_HEADER = { "content-type": "application/json" };

let server: ScriptedServer;
let dead: string[];
let writer: InfluxWriter;

function open(extra: Partial<InfluxWriterOptions> = {}): InfluxWriter {
  writer?.close();
  const target: InfluxTarget = {
    mode: "v2",
    url: server.url,
    org: "my org",
    bucket: "depot",
    token: "s3cret",
  };
  writer = createInfluxWriter({ target, deadLetter: (line) => dead.push(line), ...extra });
  return writer;
}

const lines = (n: number): string[] =>
  Array.from({ length: n }, (_, i) => `evse,evse=1 power_w=${i} ${1000 + i}`);
const isBad = (line: string): boolean => line.includes("bad");

async function failure(of: Promise<unknown>): Promise<DeliveryError> {
  const error = await of.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  return error as DeliveryError;
}

beforeEach(async () => {
  server = await startScriptedServer();
  dead = [];
});
afterEach(async () => {
  writer?.close();
  await server.stop();
});

describe("what is sent", () => {
  it("goes to the 2.x door with org, bucket, token and ms", async () => {
    const queue = lines(3);
    await open().drain(queue);
    expect(queue).toEqual([]);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.url).toBe("/api/v2/write?org=my+org&bucket=depot&precision=ms");
    expect(server.requests[0]?.headers.authorization).toBe("Token s3cret");
    expect(server.requests[0]?.lines).toEqual(lines(3));
  });

  it("goes to the 1.x door with Basic credentials, which no token may override", async () => {
    const target: InfluxTarget = {
      mode: "v1",
      url: `${server.url}/`,
      database: "my depot",
      retentionPolicy: "raw",
      username: "u",
      password: "p:w",
    };
    await open({ target }).drain(lines(1));
    expect(server.requests[0]?.url).toBe("/write?precision=ms&db=my+depot&rp=raw");
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${btoa("u:p:w")}`);
  });

  it("keeps requests bounded and in order", async () => {
    const queue = lines(25);
    await open({ maxLines: 10 }).drain(queue);
    expect(server.requests.map((r) => r.lines.length)).toEqual([10, 10, 5]);
    expect(server.requests.flatMap((r) => r.lines)).toEqual(lines(25));
  });

  it.each([
    ["ftp://x", /http:\/\//],
    ["nonsense", /influx\.url is "nonsense"/],
    ["http://u:p@host", /credentials/],
    ["http://host/api/v2", /without \/api\/v2/],
  ])("refuses the URL %s and says why", (url, why) => {
    expect(() => writeDoor({ mode: "v1", url, database: "d" })).toThrow(why);
  });
});

describe("lines the server refuses", () => {
  it("sets aside exactly the bad ones, once each, and stores all others (property)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 70 }),
        async (pattern, maxLines) => {
          const all = pattern.map((bad, i) => `evse${bad ? "bad" : ""} v=${i} ${i}`);
          const stored = new Set<string>();
          server.answer = ({ lines: got }) => {
            const bad = got.filter(isBad).length;
            if (bad === 0) for (const line of got) stored.add(line);
            return bad === 0 ? { status: 204 } : { status: 400, body: "unable to parse" };
          };
          dead = [];
          const queue = [...all];
          await open({ maxLines }).drain(queue);
          expect(queue).toEqual([]);
          expect(dead).toEqual(all.filter(isBad));
          expect([...stored].sort()).toEqual(all.filter((l) => !isBad(l)).sort());
        },
      ),
      { numRuns: process.env.DEEP ? 300 : 15 },
    );
  });

  it("finds one bad line of 5,000 in few requests", async () => {
    const all = lines(5_000);
    all[3_210] = "bad";
    server.answer = ({ lines: got }) =>
      got.some(isBad) ? { status: 422, headers: JSON_HEADER, body: PARTIAL(1) } : { status: 204 };
    await open().drain(all);
    expect(dead).toEqual(["bad"]);
    expect(server.requests.length).toBeLessThan(30);
  });

  it("believes a server that dropped every line, in one request", async () => {
    server.answer = ({ lines: got }) => ({ status: 422, headers: JSON_HEADER, body: PARTIAL(got.length) });
    await open().drain(lines(200));
    expect(dead).toEqual(lines(200));
    expect(server.requests).toHaveLength(1);
  });

  it("sets aside the oldest when points are older than the server keeps", async () => {
    server.answer = ({ lines: got }) => {
      const old = got.filter((l) => Number(l.split(" ").at(-1)) < 1_002).length;
      return old === 0
        ? { status: 204 }
        : { status: 400, body: `partial write: points beyond retention policy dropped=${old}` };
    };
    await open().drain(lines(10).reverse());
    expect(dead.sort()).toEqual(lines(2));
    expect(server.requests).toHaveLength(2);
  });

  it("does not throw points away for a server that answers 400 to everything and names no fault", async () => {
    for (const n of [2, 10, 1_000]) {
      server.answer = () => ({ status: 400, body: "bad gateway configuration" });
      const queue = lines(n);
      const error = await failure(open().drain(queue));
      expect(error.code).toBe("INFLUX_REFUSES_ALL");
      expect(dead).toEqual([]);
      expect([...queue].sort()).toEqual(lines(n).sort());
    }
  });

  it("splits what is too large, learns the size, and sets aside a single line that is", async () => {
    server.answer = ({ lines: got }) =>
      got.length > 300 || got.some(isBad) ? { status: 413 } : { status: 204 };
    const all = lines(1_000);
    all[500] = "bad";
    await open().drain(all);
    expect(dead).toEqual(["bad"]);
    server.requests.length = 0;
    await writer.drain(lines(1_000));
    expect(Math.max(...server.requests.map((r) => r.lines.length))).toBeLessThanOrEqual(300);
  });

  it("repeats no dead letter and no stored line when the server dies while it is asked", async () => {
    let left = 9;
    const stored: string[] = [];
    server.answer = ({ lines: got }: Written) => {
      if (left-- <= 0) return { status: 503, body: "going down" };
      if (got.some(isBad)) return { status: 400, body: "unable to parse" };
      stored.push(...got);
      return { status: 204 };
    };
    const all = lines(64).map((l, i) => (i % 9 === 4 ? `bad${i} v=1 ${i}` : l));
    const queue = [...all];
    expect((await failure(open().drain(queue))).code).toBe("INFLUX_BUSY");
    expect(queue.length).toBeGreaterThan(0);
    expect(queue.length).toBeLessThan(64);
    left = 1_000;
    await writer.drain(queue);
    expect([...dead].sort()).toEqual(all.filter(isBad).sort());
    expect([...stored].sort()).toEqual(all.filter((l) => !isBad(l)).sort());
  });
});

describe("a server that is away or refuses us", () => {
  it.each([
    [401, "unauthorized access", "INFLUX_UNAUTHORIZED", /token.*bucket "depot" of org "my org"/],
    [403, "forbidden", "INFLUX_UNAUTHORIZED", /token/],
    [404, 'bucket "depot" not found', "INFLUX_NOT_FOUND", /influx bucket create --org my org --name depot/],
    [404, "404 page not found", "INFLUX_NOT_FOUND", /set influx.mode to "v1"/],
    [302, "moved", "INFLUX_ANSWER_UNEXPECTED", /influx.url/],
    [200, "<html>", "INFLUX_ANSWER_UNEXPECTED", /influx.url/],
    [503, "unavailable", "INFLUX_BUSY", /tried again/],
    [429, "slow down", "INFLUX_BUSY", /tried again/],
  ])("%i %s: keeps the lines and says the fix", async (status, body, code, fix) => {
    server.answer = () => ({ status, body, headers: { "retry-after": "7" } });
    const queue = lines(5);
    const error = await failure(open().drain(queue));
    expect(error.code).toBe(code);
    expect(error.fix).toMatch(fix);
    expect(error.message).not.toContain("s3cret");
    expect(error.retryAfterMs).toBe(7_000);
    expect(queue).toEqual(lines(5));
    expect(dead).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it("names the database to create in a 1.x", async () => {
    server.answer = () => ({
      status: 404,
      headers: JSON_HEADER,
      body: '{"error":"database not found: \\"depot\\""}',
    });
    const error = await failure(
      open({ target: { mode: "v1", url: server.url, database: "depot" } }).drain(lines(1)),
    );
    expect(error.fix).toBe("Create it: influx -execute 'CREATE DATABASE \"depot\"'");
  });

  it("sends the same bytes again when the reply was lost", async () => {
    let first = true;
    server.answer = () => {
      if (!first) return { status: 204 };
      first = false;
      return "lost";
    };
    const queue = lines(4);
    expect((await failure(open().drain(queue))).code).toBe("INFLUX_UNREACHABLE");
    await writer.drain(queue);
    expect(server.requests.map((r) => r.lines)).toEqual([lines(4), lines(4)]);
  });

  it("keeps no socket of a server that never answers, and gets through once it does", async () => {
    server.answer = () => "silent";
    const queue = lines(1);
    open({ timeoutMs: 100 });
    for (let i = 0; i < 5; i++) expect((await failure(writer.drain(queue))).code).toBe("INFLUX_UNREACHABLE");
    await vi.waitFor(() => expect(server.openSockets()).toBe(0), { timeout: 10_000 });
    server.answer = () => ({ status: 204 });
    await vi.waitFor(() => writer.drain(queue), { timeout: 10_000 });
    expect(queue).toEqual([]);
  });

  it("says so when nothing listens", async () => {
    const error = await failure(
      open({ target: { mode: "v1", url: "http://127.0.0.1:1", database: "d" } }).drain(lines(1)),
    );
    expect(error.message).toMatch(/127\.0\.0\.1:1 gave no answer \(ECONNREFUSED\)/);
  });

  it("reads Retry-After as seconds or a date, bounded", () => {
    expect(retryAfterMs("30")).toBe(30_000);
    expect(retryAfterMs("Wed, 21 Oct 2015 07:28:10 GMT", Date.UTC(2015, 9, 21, 7, 28, 0))).toBe(10_000);
    expect(retryAfterMs("999999")).toBe(300_000);
    expect(retryAfterMs("soon")).toBe(0);
    expect(retryAfterMs(undefined)).toBe(0);
  });
});
