/** `laddport why` beside a running gateway whose stations share a small fuse, and on its files when it has stopped. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { type WhyOptions, why } from "../../src/cli/why.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import type { Why } from "../../src/rules/why/facts.ts";
import { connected } from "../faults/kill-harness.ts";
import { StationClient } from "../faults/station-client.ts";
import { depot, started } from "./small-depot.ts";

/** A station, told of every half second; its car, if it has one, draws all it is given. */
async function station(id: string, password: string, site: string, port: number, car: boolean) {
  const queue: { topic: string; body: object }[] = [];
  const at = (kind: string, evse: number) =>
    `laddport/v1/${site}/in/${id}/${evse === 0 ? "" : `${evse}/`}${kind}`;
  const client = new StationClient(id, password, "b1", 4, () => queue.shift());
  client.obeys = `laddport/v1/${site}/out/${id}`;
  const say = () => {
    const ts = new Date().toISOString();
    const limit = client.limits.at(-1)?.limit_a ?? 0;
    const amps = car && limit >= 6 ? limit : 0;
    const charging_state = !car ? "idle" : amps > 0 ? "charging" : "suspended_evse";
    const connector_state = car ? "occupied" : "available";
    queue.push({ topic: at("status", 1), body: { ts, connector_state, charging_state } });
    queue.push({ topic: at("meter", 1), body: { ts, current_a: [amps, amps, amps] } });
    client.pump();
  };
  await connected(client, port);
  const timer = setInterval(say, 500);
  onTestFinished(() => {
    clearInterval(timer);
    client.drop();
  });
  return { client, stop: () => clearInterval(timer) };
}

async function asked(options: Omit<WhyOptions, "json">) {
  let [out, err] = ["", ""];
  const io = { stdout: { write: (t: string) => (out += t) }, stderr: { write: (t: string) => (err += t) } };
  const code = await why(options, io);
  return { code, out, err };
}

describe("laddport why", () => {
  it("answers while the gateway runs and from its files after it stopped, by API too, to who may read", async () => {
    const { made, passwords, port } = await depot("control: {start_delay_s: 0}\n");
    writeFileSync(
      made.config,
      readFileSync(made.config, "utf8")
        .replace("parent: hall-1, limit_a: 315", "parent: hall-1, limit_a: 20")
        .replace("fallback_a: 6", "fallback_a: 0"),
    );
    const gateway = started(made.config, made.data);
    const { api } = await gateway.start();
    let running = true;
    onTestFinished(async () => {
      if (running) await gateway.stop("test");
    });
    // All of them are there: what one out of reach may still hold would take the room.
    const all = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) =>
        station(`cp-00${n}`, passwords.get(`cp-00${n}`) as string, made.site, port, n <= 2),
      ),
    );
    const cars = all.slice(0, 2);
    // Alike at first; a plan may share the row otherwise.
    const row = () => cars.map((c) => c.client.limits.at(-1)?.limit_a ?? 0);
    await expect
      .poll(() => Math.min(...row()) >= 6 && row().reduce((sum, a) => sum + a, 0), { timeout: 60_000 })
      .toBe(20);
    const [first = 0, second = 0] = row();
    const who = second > first ? "cp-002" : "cp-001";

    const ask = { what: who, data: made.data, config: made.config };
    await expect.poll(async () => (await asked(ask)).out, { timeout: 20_000 }).toContain("20 A together");
    const live = await asked(ask);
    expect(live).toMatchObject({ code: 0, err: "" });
    expect(live.out).toMatch(
      /^\d{4}-\d\d-\d\d \(Europe\/Stockholm\)\n\d\d:\d\d:\d\d cp-00[12]\/1 may draw \d+\.\d A of 32\.0 A \(\d\d %\): row-01 L1 is full and shared \(20 A limit, 0 A other load, 2 EVSEs share the rest, 20 A together\)\.$/m,
    );
    expect(live.out).toMatch(/^The limit was sent at \d\d:\d\d:\d\d\.$/m);
    expect(live.out).toMatch(/^It measured \d+\.\d A at/m);
    expect(live.out).toMatch(/^\d\d:\d\d:\d\d +\d+\.\d +\w+ +row-01 L1 +< then$/m);
    const swedish = await asked({ ...ask, what: `${who}/1`, lang: "sv" });
    expect(swedish.out).toMatch(
      /cp-00[12]\/1 får ta \d+,\d A av 32,0 A \(\d\d %\): row-01 L1 är full och delas/,
    );

    const token = readSecret(loadConfig(made.config, { env: {} }).api.tokenFile);
    const get = (path: string, headers = {}) => fetch(`${api}/api/v1/why/${path}`, { headers });
    const authorization = { authorization: `Bearer ${token}` };
    expect((await get(who)).status).toBe(401);
    const { answers } = (await (await get(`${who}?evse=1`, authorization)).json()) as { answers: Why[] };
    expect(answers).toMatchObject([{ station: who, reason: "fair_share", bound_by: "row-01 L1" }]);
    const none = await get("bus-99", authorization);
    expect([none.status, await none.json()]).toMatchObject([404, { code: "NOTHING_TO_EXPLAIN" }]);
    const said = (await (await get(`${who}?lang=sv`, authorization)).json()) as {
      answers: { sentences: string[] }[];
    };
    expect(said.answers[0]?.sentences[0]).toMatch(/får ta \d+,\d A av 32,0 A/);
    expect((await get(`${who}?lang=de`, authorization)).status).toBe(400);
    expect((await get(`${who}?at=yesterday`, authorization)).status).toBe(400);
    const period = (await (
      await get(`${who}?from=${new Date(Date.now() - 600_000).toISOString()}`, authorization)
    ).json()) as { periods: { shares: { reason: string | null }[] }[] };
    expect(period.periods[0]?.shares.map((s) => s.reason)).toContain("fair_share");

    const thenAt = new Date().toISOString();
    await expect(asked({ ...ask, what: "cp-007" })).rejects.toMatchObject({ code: "LP855" });
    expect((await asked({ ...ask, what: "cp-006" })).out).toContain("no vehicle draws current there");
    for (const one of all) one.stop();
    await gateway.stop("test");
    running = false;

    const then = await asked({ ...ask, at: thenAt });
    expect(then.out).toMatch(
      /cp-00[12]\/1 may draw \d+\.\d A of 32\.0 A \(\d\d %\): row-01 L1 is full and shared \(20 A limit,/,
    );
    const after = await asked(ask);
    expect(after.out).toMatch(/the gateway has not run since/);
    const shares = await asked({ ...ask, from: new Date(Date.now() - 600_000).toISOString() });
    expect(shares.out).toMatch(/^reason +minutes +mean limit A\n/m);
    expect(shares.out).toMatch(/^fair_share +\d+\.\d +\d+\.\d$/m);
    await expect(asked({ ...ask, at: "2020-01-01T00:00:00Z" })).rejects.toThrow(
      `no limit that was sent to ${who}`,
    );
    await expect(asked({ ...ask, at: "noon" })).rejects.toMatchObject({ code: "LP803" });
  }, 120_000);
});
