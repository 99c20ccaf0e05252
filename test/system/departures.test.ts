/** Departures and vehicles through a whole gateway: config, command line, HTTP, MQTT, log, restart. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  departuresImport,
  departuresList,
  departuresRemove,
  departuresSet,
  vehiclesList,
} from "../../src/cli/departures.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import type { DepartureShown, DeparturesTaken, VehicleShown } from "../../src/model/departure.ts";
import type { Event, EventType } from "../../src/model/event.ts";
import { connected } from "../faults/kill-harness.ts";
import { StationClient } from "../faults/station-client.ts";
import { depot, started } from "./small-depot.ts";

const DAY_MS = 86_400_000;

async function busDepot() {
  const made = await depot(`
classes:
  - {id: line, weight: 10}
vehicles:
  - {id: bus-7, class: line, battery_kwh: 300}
vehicles_file: vehicles.csv
`);
  const { config, data } = made.made;
  writeFileSync(join(config, "../vehicles.csv"), "id,class,battery_kwh,ac_max_a\nvan-2,,60.5,16\n");
  const tokens = join(config, "../tokens.csv");
  writeFileSync(tokens, "uid,type,status,valid_until,group,vehicle\n04AABBCC,rfid,,,transport,bus-7\n", {
    mode: 0o600,
  });
  writeFileSync(
    config,
    readFileSync(config, "utf8").replace("policy: free", "policy: free\n  file: tokens.csv"),
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
  const lines = <T>() =>
    said.out
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as T);
  return { said, lines, stdout: into("out"), stderr: into("err") };
}

async function facts(data: string, type: EventType): Promise<Event[]> {
  const reader = openSqliteReader(join(data, "log.db"));
  const { events } = await reader.read(0, { types: [type] });
  await reader.close();
  return events;
}

async function listed(config: string, data: string): Promise<DepartureShown[]> {
  const said = io();
  expect(await departuresList({ config, data, json: true }, said)).toBe(0);
  return said.lines<DepartureShown>();
}

async function vehicles(config: string, data: string): Promise<VehicleShown[]> {
  const said = io();
  await vehiclesList({ config, data, json: true }, said);
  return said.lines<VehicleShown>();
}

/** A station that says what it is told to, message by message. */
async function station(site: string, password: string, port: number, boot: string) {
  const waiting: { topic: string; body: object }[] = [];
  const client = new StationClient("cp-001", password, boot, 1, () => waiting.shift());
  await connected(client, port);
  let said = 0;
  return {
    async say(kind: "status" | "tx" | "meter", body: object): Promise<void> {
      waiting.push({
        topic: `laddport/v1/${site}/in/cp-001/1/${kind}`,
        body: { ts: new Date().toISOString(), ...body },
      });
      said += 1;
      client.pump();
      await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(said);
    },
    leave: () => client.drop(),
  };
}

describe("departures", () => {
  it("come from a file, meet the vehicle where its token plugged it in, and are known again after a restart", async () => {
    const { dir, made, passwords, port, config, data } = await busDepot();
    let gateway = started(config, data);
    await gateway.start();
    const file = join(dir, "week.csv");
    writeFileSync(
      file,
      "vehicle,days,depart,energy_kwh,soc_pct,class,driver\nbus-7,daily,06:30,120,,,x\nvan-2,mo-su,07:15,,80,line,y\n",
    );
    const first = io();
    expect(await departuresImport({ file, config, data, json: true }, first)).toBe(0);
    expect(first.lines()).toMatchObject([{ timetable: 2, departures: [], known: false }]);
    expect(first.said.err).toContain("not used: the columns driver");
    const again = io();
    await departuresImport({ file, config, data }, again);
    expect(again.said.out).toBe("a timetable of 2 lines known already\n");
    expect(await facts(data, "timetable.set")).toHaveLength(1);

    const client = await station(made.site, passwords.get("cp-001") as string, port, "b1");
    await client.say("status", { connector_state: "occupied", charging_state: "ev_connected" });
    const tx = { tx_ref: "t1", token: { uid: "04AABBCC" } };
    await client.say("tx", { ...tx, event: "started", energy_import_wh: 1_000 });
    await client.say("meter", { tx_ref: "t1", energy_import_wh: 4_000, power_w: 11_000 });
    await expect
      .poll(async () => (await listed(config, data))[0], { timeout: 60_000 })
      .toMatchObject({ vehicle: "bus-7", at: "cp-001/1", delivered_wh: 3_000 });
    const shown = await listed(config, data);
    // A week and a day of two lines.
    expect(shown.length).toBeGreaterThanOrEqual(14);
    expect(shown[0]).toMatchObject({ energy_wh: 120_000, class: "line", source: "file" });
    expect(shown[0]?.depart).toMatch(/T06:30[+-]\d\d:\d\d$/);
    expect(shown.find(({ vehicle }) => vehicle === "van-2")).toMatchObject({
      soc_pct: 80,
      energy_wh: null,
      note: "not plugged in yet",
    });
    expect(await vehicles(config, data)).toMatchObject([
      { id: "bus-7", class: "line", battery_kwh: 300, ac_max_a: null, learned: [], at: "cp-001/1" },
      { id: "van-2", class: null, battery_kwh: 60.5, ac_max_a: 16, at: null },
    ]);

    const skip = shown[0]?.id ?? "";
    await departuresRemove({ id: skip, config, data }, io());
    await departuresSet(
      {
        vehicle: "bus-7",
        at: new Date(Date.now() + 3 * DAY_MS).toISOString(),
        energyKwh: "900",
        config,
        data,
      },
      io(),
    );
    const before = (await listed(config, data)).map(({ id }) => id);
    expect(before).not.toContain(skip);
    client.leave();
    await gateway.stop("test");
    gateway = started(config, data);
    await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const after = await listed(config, data);
    expect(after.map(({ id }) => id)).toEqual(before);
    expect(after.find(({ line }) => line === null)).toMatchObject({ vehicle: "bus-7", energy_wh: 375_000 });
    const lines = ["bus-7:daily:0630", "van-2:daily:0715"];
    for (const id of lines) await departuresRemove({ id, config, data }, io());
    expect((await listed(config, data)).map(({ line }) => line)).toEqual([null]);
    const audited = (await facts(data, "audit.recorded")).map((e) => (e.body as { action: string }).action);
    expect(audited.filter((action) => action.startsWith("departures."))).toEqual([
      "departures.set",
      "departures.removed",
      "departures.set",
      "departures.removed",
      "departures.removed",
    ]);
  });

  it("of an EVSE hold until whoever is there is unplugged, and what a vehicle wishes itself is kept nowhere", async () => {
    const { made, passwords, port, config, data } = await busDepot();
    const gateway = started(config, data);
    await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const client = await station(made.site, passwords.get("cp-001") as string, port, "b1");
    onTestFinished(() => client.leave());
    await client.say("status", { connector_state: "occupied", charging_state: "ev_connected" });
    const at = new Date(Date.now() + 7_200_000).toISOString();
    await departuresSet({ evse: "cp-001/1", at, energyKwh: "20", id: "guest", config, data }, io());
    await expect
      .poll(async () => await listed(config, data), { timeout: 60_000 })
      .toMatchObject([{ id: "guest", vehicle: null, evse: "cp-001/1", at: "cp-001/1", energy_wh: 20_000 }]);
    await client.say("status", { connector_state: "available" });
    await expect.poll(async () => await listed(config, data), { timeout: 60_000 }).toEqual([]);

    const departure = new Date(Date.now() + 3_600_000).toISOString();
    const wish = { departure, energy_request_wh: 15_000 };
    await client.say("status", { connector_state: "occupied", charging_state: "ev_connected", ...wish });
    await expect
      .poll(async () => await listed(config, data), { timeout: 60_000 })
      .toMatchObject([{ id: "station:cp-001/1", at: "cp-001/1", energy_wh: 15_000, source: "station" }]);
    await client.say("status", { connector_state: "available" });
    await expect.poll(async () => await listed(config, data), { timeout: 60_000 }).toEqual([]);
    expect(await facts(data, "status.reported")).toHaveLength(4);
    expect(JSON.stringify(await facts(data, "status.reported"))).not.toMatch(/departure|energy_request/);
    expect((await facts(data, "departures.removed")).map((e) => e.body)).toEqual([
      { ids: ["guest"], source: "unplugged" },
    ]);
  });

  it("are refused with the line, the value and the fix, and nothing of the file is taken", async () => {
    const { dir, config, data } = await busDepot();
    const gateway = started(config, data);
    await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const file = join(dir, "bad.csv");
    const refusal = async (text: string) => {
      writeFileSync(file, text);
      return await departuresImport({ file, config, data }, io()).then(
        () => "taken",
        (error: Error & { code: string }) => `${error.code} ${error.message}`,
      );
    };
    const two = await refusal(
      "vehicle,depart,energy_kwh\nbus-7,06:30,lots\n\nbus-8,26:30,10\nbus-9,07:00,1\n",
    );
    expect(two).toContain(`LP822 no departure was taken from ${file}:`);
    expect(two).toContain(`${file}:2 energy_kwh is lots. Write kWh`);
    expect(two).toContain(`${file}:4 depart is "26:30". Write a time`);
    expect(await refusal("vehicle,depart,energy_kw\nbus-7,06:30,1\n")).toContain(
      `${file}:1 has the column energy_kw; did you mean energy_kwh?`,
    );
    expect(await refusal("bus,when\nbus-7,06:30\n")).toContain(`${file}:1 has the columns bus, when; write`);
    expect(await refusal(`[\n {"vehicle": "bus-7",\n  "depart": "06:30", "class": "vip"}]`)).toContain(
      `${file}:2 class is "vip", which the config has not. Use one of line`,
    );
    expect(await refusal("vehicle,depart\nbus-7,2020-01-01 06:30\n")).toContain("departures of");
    await expect(departuresRemove({ id: "nothing", config, data }, io())).rejects.toMatchObject({
      code: "LP806",
      message: expect.stringContaining('there is no departure "nothing"'),
    });
    await expect(departuresSet({ at: "06:30", config, data }, io())).rejects.toMatchObject({ code: "LP803" });
    expect(await facts(data, "departures.set")).toEqual([]);
  });

  it("come by HTTP once for the same content, and again after something else held", async () => {
    const { config, data, token } = await busDepot();
    const gateway = started(config, data);
    const { api } = await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const post = async (body: object) => {
      const answer = await fetch(`${api}/api/v1/departures`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      const said = (await answer.json()) as DeparturesTaken & { code?: string; message?: string };
      return { status: answer.status, ...said };
    };
    const soon = new Date(Date.now() + DAY_MS).toISOString();
    const one = { departures: [{ id: "a", vehicle: "bus-7", depart: soon, energy_wh: 10_000 }] };
    const other = { departures: [{ id: "a", vehicle: "bus-7", depart: soon, energy_wh: 20_000 }] };
    const taken = [];
    for (const body of [one, one, other, one, one]) taken.push((await post(body)).known);
    expect(taken).toEqual([false, true, false, false, true]);
    expect(await facts(data, "departures.set")).toHaveLength(3);
    expect(await post({ departures: [{ vehicle: "bus-7", depart: "soon" }] })).toMatchObject({
      status: 400,
      code: "BAD_DEPARTURE",
      message: '/departures/0 depart is "soon".',
    });
    expect(await post({ departures: "all" })).toMatchObject({ status: 400 });
    const gone = await fetch(`${api}/api/v1/departures/b`, {
      method: "DELETE",
      headers: { authorization: headers.authorization },
    });
    expect(gone.status).toBe(404);
  });

  it("are proposed by flows: dated ones are taken or denied with the reason, the timetable is not theirs", async () => {
    const { dir, made, port, config, data } = await busDepot();
    const gateway = started(config, data);
    await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const week = join(dir, "week.json");
    writeFileSync(week, JSON.stringify([{ id: "l", vehicle: "bus-7", days: "daily", depart: "06:30" }]));
    await departuresImport({ file: week, config, data }, io());
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      username: "flows",
      clientId: "flows",
      password: readSecret(join(config, "../secrets/flows-password")),
      protocolVersion: 4,
    });
    onTestFinished(() => client.endAsync(true));
    const answers = new Map<
      string,
      { status: string; error?: { message: string }; data?: DeparturesTaken }
    >();
    client.on("message", (topic, payload) => {
      answers.set(topic.slice(topic.lastIndexOf("/") + 1), JSON.parse(String(payload)));
    });
    const root = `laddport/v1/${made.site}`;
    await client.subscribeAsync(`${root}/res/flows/+`, { qos: 1 });
    const ask = async (id: string, body: object) => {
      await client.publishAsync(`${root}/req/flows/depart`, JSON.stringify({ id, data: body }), { qos: 1 });
      await expect.poll(() => answers.has(id), { timeout: 60_000 }).toBe(true);
      return answers.get(id);
    };
    const depart = new Date(Date.now() + 7_200_000).toISOString();
    const van = { vehicle: "van-2", depart, id: "v", energy_kwh: "20.5" };
    expect(await ask("r1", { departures: [van] })).toMatchObject({
      status: "granted",
      data: { departures: ["v"], known: false },
    });
    expect(await ask("r2", { departures: [van] })).toMatchObject({
      status: "granted",
      data: { known: true },
    });
    expect(await ask("r3", { departures: [{ ...van, energy_kwh: 500 }] })).toMatchObject({
      status: "clamped",
      data: { notes: [expect.stringContaining("battery of 60.5 kWh")] },
    });
    expect(await ask("r4", { departures: [{ ...van, class: "vip" }] })).toMatchObject({
      status: "denied",
      error: { message: expect.stringContaining('/departures/0 class is "vip"') },
    });
    expect(await ask("r5", { departures: [{ ...van, depart: "2020-01-01T06:30:00Z" }] })).toMatchObject({
      status: "denied",
      error: { message: expect.stringContaining("all of them are past") },
    });
    expect(await ask("r6", { remove: ["l"] })).toMatchObject({
      status: "denied",
      error: { message: expect.stringContaining("a person changes the timetable") },
    });
    expect(await ask("r7", { departures: [van], remove: ["v"] })).toMatchObject({ status: "denied" });
    expect(await ask("r8", { departures: 5 })).toMatchObject({ status: "error" });
    expect(await ask("daily", { departures: [{ ...van, days: "daily", depart: "06:30" }] })).toMatchObject({
      status: "error",
      error: { message: expect.stringContaining("/data/departures/0/days: with days it is a line") },
    });
    expect(await ask("empty", { departures: [{ ...van, energy_kwh: 500, days: "" }] })).toMatchObject({
      data: { known: true },
    });
    expect(await ask("r9", { remove: ["v"] })).toMatchObject({ status: "granted", data: { removed: ["v"] } });
    const sources = (await facts(data, "departures.set")).map((e) => (e.body as { source: string }).source);
    expect(sources).toEqual(["flow", "flow"]);
    expect((await facts(data, "timetable.set")).length).toBe(1);
  });
});
