/** Prices and the choice of a tariff through a whole gateway: command line, HTTP, MQTT, log. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { describe, expect, it, onTestFinished } from "vitest";
import { pricesImport, pricesList } from "../../src/cli/prices.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import { ledgerSettings } from "../../src/gateway/ledger-settings.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import type { Cdr } from "../../src/model/cdr.ts";
import { REAL_TIME } from "../../src/model/clock.ts";
import type { Event, EventType } from "../../src/model/event.ts";
import type { PricesTaken } from "../../src/model/prices.ts";
import type { SessionRecord } from "../../src/model/session.ts";
import { folds } from "../../src/workers/folds.ts";
import { connected } from "../faults/kill-harness.ts";
import { StationClient } from "../faults/station-client.ts";
import { of, run } from "../rules/depot-events.ts";
import { depot, started } from "./small-depot.ts";

const HOUR_MS = 3_600_000;
const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const iso = (hours: number) => new Date(hour + hours * HOUR_MS).toISOString();

/** The demo depot with a second tariff that takes spot prices, for the cost centre `transport`. */
async function spotDepot() {
  const made = await depot(`
tariff_choice:
  - {tariff: spot, groups: [transport]}
`);
  const { config, data } = made.made;
  const tokens = join(made.made.config, "../tokens.csv");
  writeFileSync(
    tokens,
    "uid,type,status,valid_until,group,vehicle\n04AABBCC,rfid,accepted,,transport,bus-7\n",
    {
      mode: 0o600,
    },
  );
  writeFileSync(
    config,
    readFileSync(config, "utf8")
      .replace(
        /^#? {2}- id: spot\n(?:#? {4}.*\n)+/m,
        `  - id: spot
    currency: SEK
    elements:
      - price_components:
          - {type: ENERGY, price: "2.50", vat: "25", price_source: {series: spot-se3}}
`,
      )
      .replace("policy: free", "policy: free\n  file: tokens.csv"),
  );
  const token = readSecret(loadConfig(config, { env: {} }).api.tokenFile);
  return { ...made, config, data, token };
}

function io() {
  const said = { out: "", err: "" };
  const into = (what: "out" | "err") => ({
    write(text: string) {
      said[what] += text;
    },
  });
  return { said, stdout: into("out"), stderr: into("err") };
}

/** Events of a type, or all. */
async function facts(data: string, type?: EventType): Promise<Event[]> {
  const reader = openSqliteReader(join(data, "log.db"));
  const { events } = await reader.read(0, type ? { types: [type] } : { limit: 10_000 });
  await reader.close();
  return events;
}

const point = (hours: number, price: string) => ({ from: iso(hours), to: iso(hours + 1), price });

/** Charges 30 Wh with a token and unplugs. */
async function charge(
  site: string,
  password: string,
  port: number,
  boot: string,
  uid: string,
): Promise<void> {
  const topic = `laddport/v1/${site}/in/cp-001/1/tx`;
  const tx = (event: string, wh: number, over: object = {}) => ({
    topic,
    body: { ts: new Date().toISOString(), event, tx_ref: boot, energy_import_wh: wh, ...over },
  });
  const messages = [
    tx("started", 1000, { charging_state: "charging", token: { uid } }),
    tx("updated", 1015),
    tx("ended", 1030, { charging_state: "idle", reason: "local" }),
  ];
  const total = messages.length;
  const client = new StationClient("cp-001", password, boot, 1, () => {
    const next = messages.shift();
    return next && { ...next, body: { ...next.body, ts: new Date().toISOString() } };
  });
  await connected(client, port);
  await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(total);
  client.drop();
}

describe("prices", () => {
  it("come by the command line, go with the session that ends, and stay when corrected later", async () => {
    const { dir, made, passwords, port, config, data } = await spotDepot();
    const gateway = started(config, data);
    await gateway.start();
    const file = join(dir, "spot.csv");
    writeFileSync(file, `start,price\n${iso(-1)},0.41\n${iso(0)},0.42\n${iso(1)},0.43\n${iso(3)},0.44\n`);
    const first = io();
    expect(await pricesImport({ file, series: "spot-se3", config, json: true }, first)).toBe(0);
    expect(JSON.parse(first.said.out)).toMatchObject({ points: 4, gaps: 1, known: false, tariffs: ["spot"] });
    const again = io();
    await pricesImport({ file, series: "spot-se3", config }, again);
    expect(again.said).toEqual({ out: expect.stringContaining("known already"), err: "" });
    expect(await facts(data, "prices.published")).toHaveLength(1);

    const password = passwords.get("cp-001") as string;
    await charge(made.site, password, port, "b1", "04AABBCC");
    await charge(made.site, password, port, "b2", "04DDEEFF");
    await expect.poll(async () => (await facts(data, "session.ended")).length, { timeout: 30_000 }).toBe(2);
    const corrected = join(dir, "corrected.csv");
    writeFileSync(corrected, `from,to,price\n${iso(-1)},${iso(0)},9\n${iso(0)},${iso(1)},9\n`);
    await pricesImport({ file: corrected, series: "spot-se3", config }, io());
    await gateway.stop("test");

    const sessions = (await facts(data, "session.ended")).map((e) => e.body as SessionRecord);
    expect(sessions).toMatchObject([
      { token_group: "transport", vehicle: "bus-7", energy_wh: 30, held: [] },
      { token_group: null, vehicle: null, energy_wh: 30, held: [] },
    ]);
    expect(sessions.map((s) => s.tariff?.body.id)).toEqual(["spot", "depot"]);
    const priced = sessions[0]?.prices?.[0];
    expect(priced?.points.map((p) => p.price).join()).toMatch(/^0\.4[123](,0\.4[23])?$/);
    expect(sessions[1]).not.toHaveProperty("prices");
    const bills = (await facts(data, "cdr.issued")).map((e) => e.body as Cdr);
    expect(bills.map((cdr) => cdr.token_group)).toEqual(["transport", undefined]);
    expect(bills[0]?.prices).toEqual(sessions[0]?.prices);
    expect(priced?.points.map((p) => p.price)).toContain(bills[0]?.lines[0]?.unit_price);
    expect(bills[1]?.lines[0]?.unit_price).toBe("2.50");

    const listed = io();
    expect(await pricesList({ data, json: true }, listed)).toBe(0);
    const rows = listed.said.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).price);
    expect(rows).toEqual(["9", "9", "0.43", null, "0.44"]);
    const text = io();
    await pricesList({ data, series: "spot-se3" }, text);
    expect(text.said.out).toMatch(/spot-se3 .* gap +SEK/);
    const other = io();
    await pricesList({ data, series: "spot-se4" }, other);
    expect(other.said.err).toContain("there are: spot-se3");

    // Folded again from the log alone, which has the correction in it.
    const [fold] = folds(
      ledgerSettings(loadConfig(config, { env: {} }), data, REAL_TIME, new SharedArrayBuffer(4)),
    );
    const refolded = of("session.ended", run(await facts(data), fold));
    expect(JSON.stringify(refolded)).toBe(JSON.stringify(sessions));
  });

  it("are held for when the log has none until they come and a person releases the session, and the command line says why a file is refused", async () => {
    const { dir, made, passwords, port, config, data, token } = await spotDepot();
    const gateway = started(config, data);
    const { api } = await gateway.start();
    const file = join(dir, "spot.csv");
    writeFileSync(file, "from,to,price\n2026-10-25T02:00,2026-10-25T03:00,0.4\n");
    const refused = pricesImport({ file, series: "spot-se3", config }, io());
    await expect(refused).rejects.toMatchObject({
      code: "LP803",
      message: expect.stringContaining(`${file}:2 "2026-10-25T02:00" has no UTC offset`),
    });
    writeFileSync(file, `from,to,price\n${iso(24 * 15)},${iso(24 * 15 + 1)},0.4\n`);
    await expect(pricesImport({ file, series: "spot-se3", config }, io())).rejects.toMatchObject({
      code: "LP806",
      message: expect.stringContaining("more than 14 days ahead"),
    });
    await charge(made.site, passwords.get("cp-001") as string, port, "b1", "04AABBCC");
    await expect.poll(async () => (await facts(data, "session.ended")).length, { timeout: 30_000 }).toBe(1);
    const ended = (await facts(data, "session.ended")).map((e) => e.body as SessionRecord);
    expect(ended.map((s) => s.held.map((h) => h.code))).toEqual([["NO_PRICE"]]);
    expect(await facts(data, "cdr.issued")).toEqual([]);
    const release = async () => {
      const answer = await fetch(`${api}/api/v1/holds/${ended[0]?.session_id}/release`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ by: "anna", reason: "the prices came late" }),
      });
      return { status: answer.status, ...((await answer.json()) as { code?: string }) };
    };
    expect(await release()).toMatchObject({ status: 409, code: "STILL_UNPRICED" });
    writeFileSync(file, `from,to,price\n${iso(0)},${iso(1)},0.77\n${iso(1)},${iso(2)},0.77\n`);
    await pricesImport({ file, series: "spot-se3", config }, io());
    expect(await release()).toMatchObject({ status: 200 });
    await expect.poll(async () => (await facts(data, "cdr.issued")).length, { timeout: 30_000 }).toBe(1);
    const [bill] = (await facts(data, "cdr.issued")).map((e) => e.body as Cdr);
    expect(bill?.lines.map((line) => line.unit_price)).toEqual(expect.arrayContaining(["0.77"]));
    await gateway.stop("test");
    await expect(pricesImport({ file, series: "spot-se3", config }, io())).rejects.toMatchObject({
      code: "LP806",
      message: expect.stringContaining("no gateway answers"),
    });
  });

  it("come by HTTP and by MQTT, once for the same content, and once more when a correction is taken back", async () => {
    const { config, data, token, made, port } = await spotDepot();
    const gateway = started(config, data);
    const { api } = await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const post = async (
      body: object,
      headers: Record<string, string> = { authorization: `Bearer ${token}` },
    ) => {
      const answer = await fetch(`${api}/api/v1/prices`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      return {
        status: answer.status,
        body: (await answer.json()) as PricesTaken & { code?: string; message?: string },
      };
    };
    const one = { series: "spot-se3", points: [point(0, "0.5"), point(1, "0.6")] };
    const other = { series: "spot-se3", points: [point(1, "0.7")] };
    expect((await post(one, {})).status).toBe(401);
    expect(await post({ ...one, points: [{ ...point(0, "0.5"), from: "2026-10-25T02:00" }] })).toMatchObject({
      status: 400,
      body: { code: "BAD_PRICES", message: expect.stringContaining("/points/0") },
    });
    expect(await post({ ...one, currency: "EUR" })).toMatchObject({ status: 400 });
    expect(await post({ series: "Spot SE3", points: [] })).toMatchObject({ status: 400 });
    const offsets: number[] = [];
    for (const [body, known] of [
      [one, false],
      [one, true],
      [other, false],
      [one, false],
      [one, true],
      [other, false],
    ] as const) {
      const taken = await post(body);
      expect(taken).toMatchObject({ status: 200, body: { series: "spot-se3", currency: "SEK", known } });
      if (!known) offsets.push(taken.body.log_offset);
    }
    expect((await facts(data, "prices.published")).map((e) => e.offset)).toEqual(offsets);
    const together = await Promise.all([post(one), post(one), post(other)]);
    expect(together.map((t) => t.body.known)).toEqual([false, true, false]);

    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      username: "flows",
      clientId: "flows",
      password: readSecret(join(config, "../secrets/flows-password")),
      protocolVersion: 4,
    });
    onTestFinished(() => client.endAsync(true));
    const answers: Record<string, unknown>[] = [];
    client.on("message", (_topic, payload) => answers.push(JSON.parse(payload.toString())));
    const root = `laddport/v1/${made.site}`;
    await client.subscribeAsync(`${root}/res/flows/+`, { qos: 1 });
    const ask = (message: object) =>
      client.publishAsync(`${root}/req/flows/prices`, JSON.stringify(message), { qos: 1 });
    await ask({ id: "p1", data: { series: "other", points: [point(0, "-0.01")] } });
    await ask({ id: "p2", data: { series: "other", points: [point(0, "500")] } });
    await expect.poll(() => answers.length, { timeout: 30_000 }).toBe(2);
    expect(answers).toContainEqual({
      id: "p1",
      status: "granted",
      data: expect.objectContaining({ series: "other", points: 1, known: false, tariffs: [] }),
    });
    expect(answers).toContainEqual({
      id: "p2",
      status: "error",
      error: { code: "BAD_PRICES", message: expect.stringContaining("500 SEK is no price of a kWh") },
    });
    expect((await facts(data, "prices.published")).at(-1)?.body).toMatchObject({
      series: "other",
      source: "flows",
    });
  });
});
