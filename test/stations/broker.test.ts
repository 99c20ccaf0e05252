import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { closeAll, openBroker, ROOT, USERS, until } from "./open-broker.ts";
import { connectPacket, publishPacket, RawClient } from "./raw-client.ts";

afterEach(closeAll);

const METER = `${ROOT}/in/cp-01/1/meter`;

async function refusal(port: number, user: string, options: Parameters<typeof connectPacket>[1] = {}) {
  const client = new RawClient(port);
  client.send(connectPacket(user, options));
  const [connack] = await client.received("connack", 1);
  if (connack?.returnCode !== 0) await client.closed();
  client.end();
  return connack?.returnCode;
}

describe("who gets in", () => {
  test("user and password, or nothing: anonymous 5, wrong 4", async () => {
    const { tcp, broker, told, rejections } = await openBroker();
    expect(await refusal(tcp, "cp-01")).toBe(0);
    expect(await refusal(tcp, "cp-01", { password: Buffer.from("wrong") })).toBe(4);
    expect(await refusal(tcp, "cp-99")).toBe(4);
    expect(await refusal(tcp, "__proto__")).toBe(4);
    const anonymous = new RawClient(tcp);
    anonymous.send({ ...connectPacket("cp-01"), username: undefined, password: undefined } as never);
    expect((await anonymous.received("connack", 1))[0]?.returnCode).toBe(5);
    await until(() => broker.connectionCount() === 0 && told.length === 2);
    expect(told).toEqual(["connected cp-01 tcp", "disconnected cp-01: connection lost"]);
    expect(rejections[0]).toMatchObject({ kind: "authentication_failed", who: null });
    expect(rejections[0]?.detail).toContain("127.0.0.1");
    expect(JSON.stringify(rejections)).not.toContain('wrong"');
    expect(broker.counts().rejected.get("authentication_failed")).toBe(4);
  });

  test("a station's client id is its name, or is given to it; others start with theirs", async () => {
    const { tcp, broker, rejections } = await openBroker();
    const rows: [user: string, clientId: string, returnCode: number][] = [
      ["cp-01", "cp-01", 0],
      ["cp-01", "", 0],
      ["cp-01", "cp-02", 2],
      ["cp-01", "cp-01x", 2],
      ["cp-01", "cp-01\0", 2],
      ["flows", "flows", 0],
      ["flows", "flows-node-red", 0],
      ["flows", "", 0],
      ["flows", "nodered", 2],
      ["flows", "flows/#", 2],
      ["flows", "flows\0", 2],
      ["flows", `flows-${"x".repeat(60)}`, 2],
    ];
    for (const [user, clientId, expected] of rows)
      expect(await refusal(tcp, user, { clientId }), `${user} as ${JSON.stringify(clientId)}`).toBe(expected);
    expect(broker.counts().rejected.get("client_id_refused")).toBe(7);
    expect(rejections[0]?.detail).toContain('station cp-01 uses client id "cp-02"');
  });

  test("MQTT 5 is refused with CONNACK 1 and an alert that says what to set", async () => {
    const { tcp, rejections } = await openBroker();
    expect(await refusal(tcp, "cp-01", { protocolVersion: 5 })).toBe(1);
    const raw = new RawClient(tcp);
    const replies: Buffer[] = [];
    raw.socket.on("data", (bytes) => replies.push(bytes));
    raw.send(connectPacket("cp-01", { protocolVersion: 5 }));
    await raw.closed();
    expect(Buffer.concat(replies).toString("hex")).toBe("20020001");
    expect(rejections).toMatchObject([{ kind: "mqtt5_refused", who: null }]);
    expect(rejections[0]?.detail).toContain('client "cp-01" speaks MQTT 5; set it to MQTT 3.1.1');
  });

  test("MQTT 3.1 is let in, with its own protocol name", async () => {
    const { tcp } = await openBroker();
    expect(await refusal(tcp, "cp-01", { protocolId: "MQIsdp", protocolVersion: 3 })).toBe(0);
  });

  test("keepalive 0 or above the limit is refused", async () => {
    const { tcp, rejections } = await openBroker({ limits: { keepaliveMaxS: 100 } });
    expect(await refusal(tcp, "cp-01", { keepalive: 100 })).toBe(0);
    expect(await refusal(tcp, "cp-01", { keepalive: 0 })).toBe(6);
    expect(await refusal(tcp, "cp-01", { keepalive: 101 })).toBe(6);
    expect(rejections[0]).toMatchObject({ kind: "keepalive_refused" });
    expect(rejections[0]?.detail).toContain("asks for keepalive 0 s; set 1 to 100");
  });

  test("a password check that never answers, or fails, is answered with return code 3", async () => {
    let fails = false;
    const { tcp, rejections } = await openBroker({
      limits: { authenticateTimeoutMs: 50 },
      authenticate: () => (fails ? Promise.reject(new Error("disk on fire")) : new Promise(() => {})),
    });
    expect(await refusal(tcp, "cp-01")).toBe(3);
    expect(rejections.map(({ kind }) => kind)).toEqual(["authentication_timeout"]);
    fails = true;
    expect(await refusal(tcp, "cp-01")).toBe(3);
    expect(rejections[1]?.detail).toContain("disk on fire");
  });

  test("what is sent right behind the CONNECT waits for the CONNACK, however slow the check", async () => {
    const { tcp, told } = await openBroker({
      authenticate: async (user) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        told.push("checked");
        return USERS[user];
      },
    });
    const client = new RawClient(tcp);
    const ids = Array.from({ length: 120 }, (_, i) => i + 1);
    client.send(connectPacket("cp-01"), ...ids.map((id) => publishPacket(METER, id)));
    expect((await client.received("puback", ids.length)).map(({ messageId }) => messageId)).toEqual(ids);
    expect(told).toEqual(["checked", "connected cp-01 tcp"]);
  });

  test("the same identity again: the old connection is closed, told, and its will is not sent", async () => {
    const { tcp, broker, told, accepted, rejections } = await openBroker();
    const will = { topic: `${ROOT}/in/cp-01/hello`, payload: "gone" };
    const subscriptions = [{ topic: `${ROOT}/out/cp-01/#`, qos: 1 as const }];
    const one = await RawClient.connected(tcp, "cp-01", { will });
    one.send({ cmd: "subscribe", messageId: 1, subscriptions });
    await one.received("suback", 1);
    const two = await RawClient.connected(tcp, "cp-01", { will });
    await one.closed();
    expect(told.filter((line) => !line.startsWith("subscribed"))).toEqual([
      "connected cp-01 tcp",
      "disconnected cp-01: taken over by a new connection from 127.0.0.1",
      "connected cp-01 tcp",
    ]);
    expect(rejections).toMatchObject([{ kind: "identity_takeover", who: "cp-01" }]);
    two.send({ cmd: "subscribe", messageId: 1, subscriptions });
    await two.received("suback", 1);
    broker.publish(`${ROOT}/out/cp-01/1/limit`, "6 A");
    two.send(publishPacket(METER, 1));
    await Promise.all([two.received("publish", 1), two.received("puback", 1)]);
    expect(broker.isConnected("cp-01")).toBe(true);
    expect(broker.connectionCount()).toBe(1);
    expect(accepted.map(({ kind }) => kind)).toEqual(["meter"]);
  });

  test("connections of one identity that arrive together leave one owner", async () => {
    const { tcp, broker, told } = await openBroker({ limits: { takeoversPerMinute: 100 } });
    const clients = Array.from({ length: 20 }, () => new RawClient(tcp));
    for (const client of clients) client.send(connectPacket("cp-01"));
    await until(() => clients.filter((client) => client.isClosed).length === 19);
    await until(() => broker.isConnected("cp-01"));
    expect(broker.connectionCount()).toBe(1);
    const [survivor] = clients.filter((client) => !client.isClosed);
    survivor?.send(publishPacket(METER, 1));
    await survivor?.received("puback", 1);
    const [up, down] = ["connected", "disconnected"].map(
      (w) => told.filter((line) => line.startsWith(w)).length,
    );
    expect(up).toBe((down ?? 0) + 1);
  });

  test("two devices with one identity: after a few changes the owner stays and the other is told to wait", async () => {
    const { tcp, rejections } = await openBroker({ limits: { takeoversPerMinute: 3 } });
    let owner = await RawClient.connected(tcp, "cp-01");
    for (let i = 0; i < 3; i++) owner = await RawClient.connected(tcp, "cp-01");
    expect(await refusal(tcp, "cp-01")).toBe(3);
    owner.send({ cmd: "pingreq" });
    await owner.received("pingresp", 1);
    expect(rejections.map(({ kind }) => kind)).toContain("identity_takeover");
  });

  test("a station that flaps is told to wait, others are not, and each connection before was taken", async () => {
    const { tcp, told, rejections } = await openBroker({ limits: { connectsPerMinute: 3 } });
    for (let i = 0; i < 3; i++) {
      const client = await RawClient.connected(tcp, "cp-01");
      client.send({ cmd: "disconnect" });
      await client.closed();
    }
    expect(await refusal(tcp, "cp-01")).toBe(3);
    expect(await refusal(tcp, "cp-01")).toBe(3);
    await RawClient.connected(tcp, "cp-02");
    for (let i = 0; i < 4; i++) (await RawClient.connected(tcp, "flows")).send({ cmd: "disconnect" });
    expect(told.filter((line) => line.startsWith("connected cp-01"))).toHaveLength(3);
    expect(rejections.map(({ kind }) => kind)).toContain("rate_limited");
  });

  test("another role can neither take a station's session nor keep its place", async () => {
    const users: typeof USERS = { ...USERS, cp: { name: "cp", role: "flows" } };
    const { tcp, broker, told } = await openBroker({
      authenticate: async (user) => users[user],
    });
    await RawClient.connected(tcp, "cp-01");
    expect(await refusal(tcp, "cp", { clientId: "cp-01" })).toBe(2);
    await RawClient.connected(tcp, "cp", { clientId: "cp-02" });
    const station = await RawClient.connected(tcp, "cp-02");
    station.send({ cmd: "pingreq" });
    await station.received("pingresp", 1);
    expect(told.at(-2)).toBe("disconnected cp: taken over by a new connection from 127.0.0.1");
    expect(broker.isConnected("cp-01")).toBe(true);
    expect(broker.isConnected("cp")).toBe(false);
  });
});

describe("limits", () => {
  test("an oversize packet is cut at its header: 4 KiB before CONNACK, 64 KiB after", async () => {
    const { tcp, rejections, accepted } = await openBroker();
    const early = new RawClient(tcp);
    early.write(Buffer.from([0x10, 0x81, 0x20]));
    await early.closed();
    const fits = await RawClient.connected(tcp, "cp-01", {
      will: { topic: `${ROOT}/in/cp-01/hello`, payload: "x".repeat(3900) },
    });
    fits.send(publishPacket(METER, 1, "x".repeat(65_536 - METER.length - 4)));
    await fits.received("puback", 1);
    fits.send(publishPacket(METER, 2, "x".repeat(65_536 - METER.length - 3)));
    await fits.closed();
    expect(accepted.filter(({ kind }) => kind === "meter")).toHaveLength(1);
    expect(rejections).toMatchObject([
      { kind: "oversize", who: null },
      { kind: "oversize", who: "cp-01" },
    ]);
    expect(rejections[1]?.detail).toContain("a packet of 65537 bytes, 65536 is the most");
  });

  test("half-sent giant packets are cut at their header and hurt nobody", async () => {
    const { tcp, broker } = await openBroker({ limits: { connectTimeoutMs: 60_000 } });
    const station = await RawClient.connected(tcp, "cp-01");
    const giants = Array.from({ length: 20 }, () => {
      const socket = connect({ host: "127.0.0.1", port: tcp });
      socket.on("error", () => {});
      socket.write(Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(256 * 1024)]));
      return new Promise((resolve) => socket.once("close", resolve));
    });
    await Promise.all(giants);
    expect(broker.counts().rejected.get("oversize")).toBe(20);
    station.send(publishPacket(METER, 1));
    await station.received("puback", 1);
  });

  test.each<[what: string, bytes: number[]]>([
    ["a length of five bytes", [0x10, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ["something that is not CONNECT", [0x30, 0x02, 0x00, 0x00]],
    ["HTTP", [...Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
  ])("%s is cut at once", async (_what, bytes) => {
    const { tcp, broker, rejections } = await openBroker();
    const client = new RawClient(tcp);
    client.write(Buffer.from(bytes));
    await client.closed();
    await until(() => broker.connectionCount() === 0);
    expect(rejections).toMatchObject([{ kind: "malformed", who: null }]);
  });

  test("message id 0 is refused in PUBLISH, SUBSCRIBE and UNSUBSCRIBE", async () => {
    const { tcp, accepted, broker } = await openBroker();
    const topic = Buffer.from(METER);
    const filter = Buffer.from(`${ROOT}/out/cp-01/#`);
    const field = (text: Buffer) => Buffer.concat([Buffer.from([0, text.length]), text]);
    const bodies: [number, Buffer][] = [
      [0x32, Buffer.concat([field(topic), Buffer.from([0, 0])])],
      [0x82, Buffer.concat([Buffer.from([0, 0]), field(filter), Buffer.from([1])])],
      [0xa2, Buffer.concat([Buffer.from([0, 0]), field(filter)])],
    ];
    for (const [header, body] of bodies) {
      const client = await RawClient.connected(tcp, "cp-01");
      client.write(Buffer.concat([Buffer.from([header, body.length]), body]));
      await client.closed();
      expect(client.packets).toHaveLength(1);
    }
    expect(accepted).toEqual([]);
    expect(broker.counts().rejected.get("malformed")).toBe(3);
  });

  test("a second CONNECT ends the connection", async () => {
    const { tcp } = await openBroker();
    const client = await RawClient.connected(tcp, "cp-01");
    client.send(connectPacket("cp-01"));
    await client.closed();
  });

  test("a client that never sends a whole CONNECT is cut in time, byte by byte or silent", async () => {
    const { tcp, broker } = await openBroker({ limits: { connectTimeoutMs: 150 } });
    const silent = new RawClient(tcp);
    const dripping = new RawClient(tcp);
    const drip = setInterval(() => dripping.write(Buffer.from([0x10])), 20);
    await silent.closed();
    await dripping.closed();
    clearInterval(drip);
    expect(broker.counts().rejected.get("connect_timeout")).toBeGreaterThanOrEqual(1);
    await until(() => broker.connectionCount() === 0);
  });

  test("silence ends a connection after one and a half keepalive intervals", async () => {
    const { tcp, told, rejections } = await openBroker();
    await RawClient.connected(tcp, "cp-01", { keepalive: 1 });
    await until(() => told.length === 2);
    expect(told[1]).toBe("disconnected cp-01: nothing heard for one and a half keepalive intervals");
    expect(rejections).toMatchObject([{ kind: "keepalive_timeout", who: "cp-01" }]);
  });

  test("connections are bounded; those that are there stay", async () => {
    const { tcp, broker, rejections } = await openBroker({ limits: { connections: 2 } });
    const station = await RawClient.connected(tcp, "cp-01");
    await RawClient.connected(tcp, "cp-02");
    const third = new RawClient(tcp);
    await third.closed();
    station.send({ cmd: "pingreq" });
    await station.received("pingresp", 1);
    expect(broker.connectionCount()).toBe(2);
    expect(rejections.length).toBeLessThanOrEqual(1);
  });

  test("subscriptions are bounded and can be given back", async () => {
    const { tcp, rejections } = await openBroker({ limits: { subscriptions: 3 } });
    const client = await RawClient.connected(tcp, "flows");
    const filters = [1, 2, 3, 4].map((i) => ({ topic: `${ROOT}/state/evse/cp-01/${i}`, qos: 1 as const }));
    client.send({ cmd: "subscribe", messageId: 1, subscriptions: filters });
    expect((await client.received("suback", 1))[0]?.granted).toEqual([1, 1, 1, 0x80]);
    expect(rejections).toMatchObject([{ kind: "subscription_limit", who: "flows" }]);
    client.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: [`${ROOT}/state/evse/cp-01/1`] });
    await client.received("unsuback", 1);
    client.send({ cmd: "subscribe", messageId: 3, subscriptions: filters.slice(3) });
    expect((await client.received("suback", 2))[1]?.granted).toEqual([1]);
  });

  test("a flow that floods requests is slowed down, not cut, and every request arrives", async () => {
    const { tcp, told, rejections } = await openBroker({ limits: { requestsPerSecond: 20 } });
    const client = await RawClient.connected(tcp, "flows");
    const ids = Array.from({ length: 250 }, (_, i) => i + 1);
    client.send(...ids.map((id) => publishPacket(`${ROOT}/req/flows/limit`, id, String(id))));
    await until(() => rejections.length > 0);
    expect(rejections).toMatchObject([{ kind: "rate_limited", who: "flows" }]);
    expect(told.length).toBeLessThan(ids.length);
    expect((await client.received("puback", ids.length)).map(({ messageId }) => messageId)).toEqual(ids);
    expect(told.slice(1)).toEqual(ids.map((id) => `request flows limit ${id}`));
  });

  test("alerts of one kind from one source are told once in a while, and all are counted", async () => {
    const { tcp, broker, rejections } = await openBroker();
    for (let i = 0; i < 30; i++) await refusal(tcp, "cp-01", { password: Buffer.from(String(i)) });
    expect(rejections).toHaveLength(1);
    expect(broker.counts().rejected.get("authentication_failed")).toBe(30);
  });
});

describe("a frozen subscriber", () => {
  test.each(["flows", "cp-02"])("%s that takes nothing is cut; intake never pauses", async (frozenUser) => {
    const { tcp, broker, told, rejections } = await openBroker();
    const frozen = await RawClient.connected(tcp, frozenUser);
    const topic = frozenUser === "flows" ? `${ROOT}/state/site` : `${ROOT}/out/cp-02/1/limit`;
    const filter = frozenUser === "flows" ? `${ROOT}/state/#` : `${ROOT}/out/cp-02/#`;
    frozen.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: filter, qos: 1 }] });
    await frozen.received("suback", 1);
    frozen.socket.pause();
    const station = await RawClient.connected(tcp, "cp-01");
    const body = "x".repeat(10_000);
    let acked = 0;
    let cutAt = 0;
    for (let round = 1; cutAt === 0; round++) {
      for (let i = 0; i < 50; i++) broker.publish(topic, body);
      // Aedes alone stops acknowledging here until the subscriber drains or its timeout is over.
      station.send(publishPacket(METER, (round % 65_535) + 1));
      await station.received("puback", round);
      acked = round;
      if (rejections.some(({ kind }) => kind === "slow_subscriber")) cutAt = round;
    }
    expect(acked).toBe(cutAt);
    await until(() => told.some((line) => line.startsWith(`disconnected ${frozenUser}`)));
    expect(rejections).toMatchObject([{ kind: "slow_subscriber", who: frozenUser }]);
    station.send(publishPacket(METER, 1));
    await station.received("puback", acked + 1);
  });

  test("delays nobody else while it is not cut yet", async () => {
    const { tcp, broker, rejections } = await openBroker({ limits: { queuedBytes: 1e9 } });
    const [frozen, wall] = await Promise.all([
      RawClient.connected(tcp, "flows"),
      RawClient.connected(tcp, "wall"),
    ]);
    for (const client of [frozen, wall]) {
      client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: `${ROOT}/state/#`, qos: 0 }] });
      await client.received("suback", 1);
    }
    frozen.socket.pause();
    const messages = 600;
    for (let i = 0; i < messages; i++) {
      broker.publish(`${ROOT}/state/site`, `${i} ${"x".repeat(20_000)}`, { qos: 0 });
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await wall.received("publish", messages);
    expect(rejections).toEqual([]);
  });

  test("a station that sends but does not even take its PUBACKs is cut by them", async () => {
    const { tcp, broker, accepted, rejections } = await openBroker({ limits: { queuedBytes: 2000 } });
    const client = await RawClient.connected(tcp, "cp-01");
    client.send({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: [{ topic: `${ROOT}/out/cp-01/#`, qos: 0 }],
    });
    await client.received("suback", 1);
    client.socket.pause();
    const body = "x".repeat(60_000);
    for (let round = 1; rejections.length === 0; round++) {
      // Fills what the kernel holds for it. The next message of ours would cut it too; its own message comes first.
      broker.publish(`${ROOT}/out/cp-01/1/limit`, body, { qos: 0 });
      await new Promise((resolve) => setImmediate(resolve));
      expect(rejections).toEqual([]);
      client.send(publishPacket(METER, round));
      await until(() => accepted.length === round);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(rejections).toMatchObject([{ kind: "slow_subscriber", who: "cp-01" }]);
    await until(() => broker.connectionCount() === 0);
  });
});

test("mosquitto_pub plays a station without being told its client id", async () => {
  const { tcp, accepted, told } = await openBroker();
  const login = ["-h", "127.0.0.1", "-p", String(tcp), "-u", "cp-01", "-P", "cp-01-secret"];
  const client = spawn("mosquitto_pub", [...login, "-t", METER, "-q", "1", "-m", '{"energy_import_wh":5}']);
  const code = await Promise.race([
    once(client, "close").then(([code]) => code),
    once(client, "error").then(([error]) => (error as NodeJS.ErrnoException).code),
  ]);
  if (code === "ENOENT") {
    console.warn("SKIPPED: mosquitto_pub is not installed; no independent client was run");
    return;
  }
  expect(code).toBe(0);
  expect(accepted.map(({ payload }) => payload.toString())).toEqual(['{"energy_import_wh":5}']);
  await until(() => told.length === 2);
  expect(told[1]).toBe("disconnected cp-01: disconnected by the client");
});
