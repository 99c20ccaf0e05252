/** Orders of the grid side through a whole gateway with simulated cars: API, command line, MQTT, log, restart. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import pino from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import { demoKeys, writeDemoDepot } from "../../src/cli/demo-depot.ts";
import { gridEnd, gridForecast, gridList, gridOrder } from "../../src/cli/grid.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import { freePorts } from "../../src/gateway/free-port.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { createGateway } from "../../src/main.ts";
import type { Alert } from "../../src/model/alert.ts";
import type { ClockOrigin } from "../../src/model/clock.ts";
import type { Event, EventOf } from "../../src/model/event.ts";
import { createDepot } from "../../src/simulator/depot.ts";
import { createModbusMeter } from "../../src/simulator/modbus-meter.ts";
import type { Scenario } from "../../src/simulator/plan.ts";
import { scratchDir } from "../log/sample-events.ts";
import { depot, started } from "./small-depot.ts";

const SPEED = 10;
const STATIONS = 20;
const DIMMED_W = 40_110;
const HOUR_MS = 3_600_000;

/** Twenty cars that want 22 kW each, and stay. */
function fullYard(startMs: number): Scenario {
  const ids = Array.from({ length: STATIONS }, (_, i) => `cp-${String(i + 1).padStart(3, "0")}`);
  return {
    timeZone: "Europe/Berlin",
    stations: ids.map((id) => ({
      id,
      kind: "ac",
      phaseOrder: "L1L2L3",
      minMa: 6_000,
      maxMa: 32_000,
      efficiency: 1,
      registerWh: 1_000,
    })),
    visits: ids.map((id) => ({
      id: `${id}-1`,
      station: id,
      arrivalMs: startMs + 1_000,
      departureMs: startMs + 24 * HOUR_MS,
      tokenUid: `04${id.slice(3)}AABBCCDD`.slice(0, 14),
      car: { phases: 3, maxMa: 32_000, energyWh: 900_000, taperFromWh: 900_000, batteryWh: 1e6, socPct: 1 },
    })),
  };
}

/** `buildingA`: load beside the charging, A per line; negative for a sun that shines. */
async function yard(buildingA: number) {
  const dir = scratchDir();
  const cars = createDepot();
  await cars.load();
  onTestFinished(() => cars.stop());
  const clock: ClockOrigin = { realMs: Date.now(), depotMs: Date.UTC(2026, 0, 5, 16), speed: SPEED };
  const scenario = fullYard(clock.depotMs);
  const written = await writeDemoDepot({
    dir: join(dir, "depot"),
    keys: demoKeys(),
    scenario,
    grid: { siteLimitA: 700, building: null, order: null },
    voltageV: 230,
    flows: false,
    speed: SPEED,
    cloudUrl: "",
    influx: null,
  });
  const [port = 0, api = 0] = await freePorts(2);
  const { upstream: _, ...config } = parse(readFileSync(written.configFile, "utf8"));
  config.mqtt.tcp = `127.0.0.1:${port}`;
  config.api.listen = `127.0.0.1:${api}`;
  config.grid = { ...config.grid, demand_charge: { per_kw: 8 }, price_series: "spot" };
  writeFileSync(written.configFile, stringify(config));
  const start = async () => {
    const gateway = createGateway({
      config: loadConfig(written.configFile, { env: {} }),
      dataDir: written.dataDir,
      log: pino({ level: "silent" }),
      clock,
    });
    const doors = await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    return { gateway, doors };
  };
  const running = await start();
  cars.start({
    site: "demo",
    mqttUrl: `mqtt://127.0.0.1:${port}`,
    clock,
    voltageV: 230,
    stations: written.stations,
    visits: scenario.visits,
    gridMeter: written.gridMeter,
    building: { baseA: buildingA, swingA: 0 },
    siteLimitA: [700, 700, 700],
    mischief: null,
    samplesPerSecond: 300,
  });
  const token = readSecret(loadConfig(written.configFile, { env: {} }).api.tokenFile);
  const call = async (path: string, init: { method?: string; body?: object } = {}) => {
    const answer = await fetch(`http://127.0.0.1:${api}/api/v1/${path}`, {
      method: init.method ?? "GET",
      headers: {
        authorization: `Bearer ${token}`,
        ...(init.body ? { "content-type": "application/json" } : {}),
      },
      ...(init.body ? { body: JSON.stringify(init.body) } : {}),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return {
    written,
    start,
    running,
    call,
    port,
    flowsPassword: readSecret(join(dir, "depot/secrets/flows-password")),
    cli: { config: written.configFile, data: written.dataDir },
    /** True power from the grid, W. */
    gridW: () => (cars.stats()?.siteA ?? [0, 0, 0]).reduce((sum, a) => sum + a, 0) * 230,
    order: async (id: string) =>
      ((await call("grid-orders")).body.orders as { id: string; state: string }[]).find((o) => o.id === id),
    async facts(...types: Event["type"][]) {
      const reader = openSqliteReader(join(written.dataDir, "log.db"));
      const { events } = await reader.read(0, { types, limit: 10_000 });
      await reader.close();
      return events;
    },
    /** The most that was drawn during so much depot time. */
    async most(depotMs: number) {
      let most = 0;
      for (const end = Date.now() + depotMs / SPEED; Date.now() < end; ) {
        most = Math.max(most, this.gridW());
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return most;
    },
  };
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

const patient = { timeout: 60_000, interval: 100 };

describe("dimming by § 14a EnWG", () => {
  it("leaves 20 stations of 22 kW 40.11 kW of the grid together, and proves it across a restart", async () => {
    const s = await yard(0);
    await expect.poll(s.gridW, patient).toBeGreaterThan(300_000);

    const taken = await s.call("grid-orders", {
      method: "POST",
      body: { id: "dso-1", kind: "dimming", reference: "VNB 4711" },
    });
    expect(taken).toMatchObject({ status: 201, body: { power_w: DIMMED_W, circuit: "site", until: null } });
    await expect.poll(async () => (await s.order("dso-1"))?.state, patient).toBe("met");
    const [met] = await s.facts("grid.order_met");
    expect(met?.body).toMatchObject({ id: "dso-1", limit_w: DIMMED_W });
    const reaction = (met as EventOf<"grid.order_met">).body;
    expect(reaction.after_s).toBeLessThanOrEqual(60);
    expect(reaction.power_w).toBeLessThanOrEqual(DIMMED_W);
    expect(await s.most(60_000)).toBeLessThanOrEqual(DIMMED_W);

    // A flow asks for ten times as much: it is taken, and changes nothing.
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${s.port}`, {
      clientId: "flows",
      username: "flows",
      password: s.flowsPassword,
    });
    onTestFinished(() => void client.end(true));
    const answers: Record<string, unknown>[] = [];
    client.on("message", (_, payload) => void answers.push(JSON.parse(payload.toString())));
    await client.subscribeAsync("laddport/v1/demo/res/flows/#");
    const ask = (message: object) =>
      client.publishAsync("laddport/v1/demo/req/flows/grid-order", JSON.stringify(message), { qos: 1 });
    await ask({ id: "f1", valid_for_s: 600, data: { kind: "cap", kw: 400 } });
    await expect.poll(() => answers.length, patient).toBe(1);
    expect(answers[0]).toMatchObject({ id: "f1", status: "clamped", data: { in_force_w: DIMMED_W } });
    await ask({ id: "f2", data: { kind: "cap", kw: 400 } });
    await expect.poll(() => answers.length, patient).toBe(2);
    expect(answers[1]).toMatchObject({ id: "f2", status: "error", error: { code: "NO_END" } });
    expect(await s.most(30_000)).toBeLessThanOrEqual(DIMMED_W);

    await s.running.gateway.stop("restart");
    await s.start();
    const verdicts = async () =>
      ((await s.facts("grid.order_met")) as EventOf<"grid.order_met">[])
        .filter(({ body }) => body.id === "dso-1")
        .map(({ body }) => body.verdict);
    await expect.poll(verdicts, patient).toEqual([1, 2]);
    expect(await s.most(60_000)).toBeLessThanOrEqual(DIMMED_W);

    const { entries } = (await s.call("audit?action=grid.ordered")).body as { entries: object[] };
    expect(entries).toContainEqual(
      expect.objectContaining({ actor: "api", action: "grid.ordered", object: "dso-1", reason: "VNB 4711" }),
    );

    for (const id of ["dso-1", "flow.flows.f1"])
      expect((await s.call(`grid-orders/${id}`, { method: "DELETE" })).status).toBe(200);
    await expect.poll(s.gridW, patient).toBeGreaterThan(100_000);
    expect((await s.facts("grid.order_ended")).map(({ body }) => (body as { id: string }).id)).toEqual([
      "dso-1",
      "flow.flows.f1",
    ]);
    expect((await s.facts("load.measured")).length).toBeGreaterThan(0);
  });

  it("lets what the sun gives on the site come on top", async () => {
    const s = await yard(-29);
    await expect.poll(s.gridW, patient).toBeGreaterThan(300_000);
    await s.call("grid-orders", { method: "POST", body: { id: "dso-2", kind: "dimming" } });
    await expect.poll(async () => (await s.order("dso-2"))?.state, patient).toBe("met");
    const chargingW = () => s.gridW() + 29 * 3 * 230;
    await expect.poll(chargingW, patient).toBeGreaterThan(DIMMED_W);
    expect(await s.most(60_000)).toBeLessThanOrEqual(DIMMED_W);
    expect(chargingW()).toBeLessThanOrEqual(DIMMED_W + 29 * 3 * 230);
  });
});

it("orders while a polled input is closed, and holds on when its device falls silent", async () => {
  let isClosed = false;
  const device = createModbusMeter(new Map([[1, { bits: () => new Map([[7, isClosed]]) }]]));
  const port = await device.start();
  onTestFinished(() => device.stop());
  const { made } = await depot(`
inputs:
  - {id: relay-1, modbus: {host: 127.0.0.1, port: ${port}, unit: 1, timeout_s: 0.1}, discrete: 7}
`);
  const config = parse(readFileSync(made.config, "utf8"));
  config.grid = { inputs: [{ input: "relay-1", kind: "cap", kw: 12.5 }] };
  writeFileSync(made.config, stringify(config));
  const clock = { realMs: Date.now(), depotMs: Date.now(), speed: SPEED };
  const gateway = started(made.config, made.data, clock);
  const { api } = await gateway.start();
  onTestFinished(() => gateway.stop("test"));
  const token = readSecret(loadConfig(made.config, { env: {} }).api.tokenFile);
  const get = async <T>(path: string) =>
    (await (
      await fetch(`${api}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } })
    ).json()) as T;
  const orders = async () => (await get<{ orders: object[] }>("grid-orders")).orders;
  const status = () => get<{ alerts: Alert[]; circuits: { id: string; limit_w: number | null }[] }>("status");
  const limitW = async () => (await status()).circuits.find(({ id }) => id === "site")?.limit_w;

  isClosed = true;
  await expect
    .poll(orders, patient)
    .toMatchObject([{ id: "input.relay-1", kind: "cap", power_w: 12_500, source: "input:relay-1" }]);
  await expect.poll(limitW, patient).toBe(12_500);
  device.mischief = "silent";
  await expect
    .poll(async () => (await status()).alerts.map(({ id }) => id), patient)
    .toContain("grid_input_silent:relay-1");
  expect(await orders()).toHaveLength(1);
  isClosed = false;
  device.mischief = "none";
  await expect.poll(orders, patient).toEqual([]);
  await expect.poll(limitW, patient).toBeNull();
});

it("orders, shows and ends by the command line, and says what is wrong", async () => {
  const s = await yard(20);
  const order = async (options: object) => {
    const { said, ...out } = io();
    expect(await gridOrder({ ...s.cli, kind: "cap", ...options }, out)).toBe(0);
    return said.out;
  };
  expect(await order({ kw: "40", circuit: "site", from: "now", for: "2h", id: "peak" })).toMatch(
    /^peak: cap on site, 40 kW, until 2026-01-05 19:\d\d:\d\d \+01:00/,
  );
  expect(await order({ kw: "60", id: "more", from: "2026-01-06T08:00:00+01:00" })).toBe(
    "more: cap on site, 60 kW, from 2026-01-06 08:00:00 +01:00 until it is taken back; another order leaves 40 kW\n",
  );
  const { said, ...out } = io();
  await gridList(s.cli, out);
  expect(said.out.split("\n").map((line) => line.split(/ {2,}/)[0])).toEqual(["order", "peak", "more", ""]);
  const ended = io();
  await gridEnd({ ...s.cli, order: "peak" }, ended);
  expect(ended.said.out).toBe("peak is ended\n");

  await expect(order({ kw: "4", for: "two hours" })).rejects.toThrow("--for two hours is no length of time");
  await expect(order({ kw: "-4" })).rejects.toThrow("--kw -4 is no power");
  await expect(order({})).rejects.toThrow("the gateway refused (400): /kw: a cap needs a power");
  await expect(gridEnd({ ...s.cli, order: "peak" }, ended)).rejects.toThrow('there is no order "peak"');

  const from = "2026-01-05T00:00:00Z";
  const hours = Array.from({ length: 24 }, (_, h) => ({
    from: new Date(Date.parse(from) + h * HOUR_MS).toISOString(),
    to: new Date(Date.parse(from) + (h + 1) * HOUR_MS).toISOString(),
    price: `0.${10 + h}`,
  }));
  expect((await s.call("prices", { method: "POST", body: { series: "spot", points: hours } })).status).toBe(
    200,
  );
  const seen = async () =>
    (await s.call("forecast?circuit=site")).body as {
      demand: object | null;
      steps: { other_kw: number }[];
      prices: { from: string; per_kwh: number; estimate: boolean }[];
    };
  await expect
    .poll(async () => {
      const { demand, steps, prices } = await seen();
      return demand !== null && steps.length >= 96 && prices.length > 0;
    }, patient)
    .toBe(true);
  const { prices, demand } = await seen();
  expect(demand).toMatchObject({ per_kw: 8, billed_kw: 0, window_s: 900 });
  // Cars still ramp up, and tell what they draw later than the meter does: until then part of it passes for other load.
  await expect.poll(async () => (await seen()).steps.at(-1)?.other_kw, patient).toBeCloseTo(13.8, 0);
  expect(prices[0]).toMatchObject({ per_kwh: 0.26, estimate: false });
  expect(prices.at(-1)).toMatchObject({ per_kwh: 0.26, estimate: true });
  const shown = io();
  await gridForecast(s.cli, shown);
  expect(shown.said.err).toContain("site: other load from 0 days of readings, nothing to judge it by yet");
  expect(await s.call("forecast?circuit=roof")).toMatchObject({ status: 404 });
});
