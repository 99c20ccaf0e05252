import { connectAsync } from "mqtt";
import { afterEach, describe, expect, test } from "vitest";
import type { IncomingMessage } from "../../src/stations/broker.ts";
import { closeAll, openBroker, ROOT, until } from "./open-broker.ts";
import { connectPacket, publishPacket, RawClient } from "./raw-client.ts";

afterEach(closeAll);

const METER = `${ROOT}/in/cp-01/1/meter`;
const idsOf = (packets: { messageId?: number | undefined }[]) => packets.map(({ messageId }) => messageId);

/** A core that is as slow as the test wants. */
function slowCore() {
  const waiting: { message: IncomingMessage; done: () => void }[] = [];
  return {
    waiting,
    accept: (message: IncomingMessage, done: () => void) => void waiting.push({ message, done }),
  };
}

describe("the gate: acknowledged means durable", () => {
  test("a PUBACK leaves only after done(), and the core gets what was sent", async () => {
    const core = slowCore();
    const { tcp, broker } = await openBroker({ accept: core.accept });
    const client = await RawClient.connected(tcp, "cp-01");
    client.send(publishPacket(METER, 7, '{"energy_import_wh":1}'));
    await until(() => core.waiting.length === 1);
    // A PINGRESP that overtakes proves that the PUBACK was not merely slow.
    client.send({ cmd: "pingreq" });
    await client.received("pingresp", 1);
    expect(client.packets.map(({ cmd }) => cmd)).toEqual(["connack", "pingresp"]);
    expect(broker.inFlight()).toBe(1);
    const { message, done } = core.waiting[0] ?? {};
    expect(message).toMatchObject({ station: "cp-01", evse: 1, kind: "meter", topic: METER });
    expect(message?.payload.toString()).toBe('{"energy_import_wh":1}');
    expect(Math.abs((message?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
    done?.();
    expect(idsOf(await client.received("puback", 1))).toEqual([7]);
    expect(broker.inFlight()).toBe(0);
  });

  test("PUBACKs leave in the order of the messages, whatever the order in which they became durable", async () => {
    const core = slowCore();
    const { tcp } = await openBroker({ accept: core.accept });
    const client = await RawClient.connected(tcp, "cp-01");
    const ids = Array.from({ length: 700 }, (_, i) => i + 1);
    client.send(...ids.map((id) => publishPacket(METER, id)));
    await until(() => core.waiting.length === ids.length);
    expect(core.waiting.map(({ message }) => message.payload.length)).toEqual(ids.map(() => 2));
    const shuffled = core.waiting.toSorted((_a, b) => ((b.message.atMs * 7919) % 3) - 1);
    for (const { done } of shuffled) {
      done();
      done();
    }
    expect(idsOf(await client.received("puback", ids.length))).toEqual(ids);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(client.packets.filter(({ cmd }) => cmd === "puback")).toHaveLength(ids.length);
  });

  test("one message that waits holds back those behind it, of that client only", async () => {
    const core = slowCore();
    const { tcp } = await openBroker({ accept: core.accept });
    const [one, two] = await Promise.all([
      RawClient.connected(tcp, "cp-01"),
      RawClient.connected(tcp, "cp-02"),
    ]);
    one.send(publishPacket(METER, 1), publishPacket(METER, 2));
    two.send(publishPacket(`${ROOT}/in/cp-02/1/meter`, 1));
    await until(() => core.waiting.length === 3);
    for (const { message, done } of core.waiting.slice(1)) if (message !== core.waiting[0]?.message) done();
    expect(idsOf(await two.received("puback", 1))).toEqual([1]);
    one.send({ cmd: "pingreq" });
    await one.received("pingresp", 1);
    expect(one.packets.some(({ cmd }) => cmd === "puback")).toBe(false);
    for (const { done } of core.waiting) done();
    expect(idsOf(await one.received("puback", 2))).toEqual([1, 2]);
  });

  test("the order of messages is the order on the wire, also over chunks cut anywhere", async () => {
    const { tcp, accepted } = await openBroker();
    const client = await RawClient.connected(tcp, "cp-01");
    const ids = Array.from({ length: 300 }, (_, i) => i + 1);
    const { default: mqttPacket } = await import("mqtt-packet");
    const bytes = Buffer.concat(
      ids.map((id) => mqttPacket.generate(publishPacket(METER, id, `{"seq":${id}}`))),
    );
    for (let at = 0; at < bytes.length; at += 97) {
      client.write(bytes.subarray(at, at + 97));
      if (at % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(idsOf(await client.received("puback", ids.length))).toEqual(ids);
    expect(accepted.map(({ payload }) => JSON.parse(payload.toString()).seq)).toEqual(ids);
  });

  test("a backlog far above the in-flight cap is slowed down, not cut; nothing is lost", async () => {
    const core = slowCore();
    let most = 0;
    const { tcp, broker, told } = await openBroker({ accept: core.accept, limits: { inFlight: 50 } });
    const client = await RawClient.connected(tcp, "cp-01");
    const ids = Array.from({ length: 5000 }, (_, i) => i + 1);
    for (let at = 0; at < ids.length; at += 10)
      client.send(...ids.slice(at, at + 10).map((id) => publishPacket(METER, id)));
    let handed = 0;
    while (handed < ids.length) {
      await until(() => core.waiting.length > 0);
      most = Math.max(most, broker.inFlight());
      for (const { done } of core.waiting.splice(0)) {
        handed += 1;
        done();
      }
    }
    expect(idsOf(await client.received("puback", ids.length))).toEqual(ids);
    expect(most).toBeLessThanOrEqual(50);
    expect(told).toEqual(["connected cp-01 tcp"]);
  });

  test("payloads of all clients together are bounded", async () => {
    const core = slowCore();
    const { tcp } = await openBroker({ accept: core.accept, limits: { inFlightBytes: 100_000 } });
    const clients = await Promise.all([RawClient.connected(tcp, "cp-01"), RawClient.connected(tcp, "cp-02")]);
    for (const [i, client] of clients.entries())
      for (let id = 1; id <= 40; id++)
        client.send(publishPacket(`${ROOT}/in/cp-0${i + 1}/1/meter`, id, "x".repeat(10_000)));
    await until(() => core.waiting.length >= 10);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(core.waiting.length).toBeLessThan(40);
    const answered = Promise.all(clients.map((client) => client.received("puback", 40)));
    let finished = false;
    void answered.then(() => {
      finished = true;
    });
    while (!finished) {
      for (const { done } of core.waiting.splice(0)) done();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    for (const acks of await answered)
      expect(idsOf(acks)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  test("while the disk takes nothing, connections stay: PINGREQ is answered and limits go out", async () => {
    const core = slowCore();
    const { tcp, broker, told } = await openBroker({ accept: core.accept, limits: { inFlight: 5 } });
    const station = await connectAsync(`mqtt://127.0.0.1:${tcp}`, {
      username: "cp-01",
      password: "cp-01-secret",
      clientId: "cp-01",
      keepalive: 1,
      reconnectPeriod: 0,
    });
    await station.subscribeAsync(`${ROOT}/out/cp-01/#`, { qos: 1 });
    const limits: string[] = [];
    station.on("message", (_topic, payload) => limits.push(payload.toString()));
    const acked: number[] = [];
    for (let i = 0; i < 4; i++)
      void station.publishAsync(METER, `{"seq":${i}}`, { qos: 1 }).then(() => acked.push(i));
    // This one is at the cap: nothing is read from it, and its PINGREQ waits with the rest.
    const full = await RawClient.connected(tcp, "cp-02", { keepalive: 1 });
    full.send(...[1, 2, 3, 4, 5, 6, 7].map((id) => publishPacket(`${ROOT}/in/cp-02/1/meter`, id)), {
      cmd: "pingreq",
    });
    broker.hold(true);
    await until(() => core.waiting.length === 9);
    // Two keepalive intervals with nothing acknowledged: both would be cut after one and a half.
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      broker.publish(`${ROOT}/out/cp-01/1/limit`, `{"rev":${i}}`);
    }
    await until(() => limits.length === 4);
    expect(acked).toEqual([]);
    expect(station.connected).toBe(true);
    expect(broker.inFlight()).toBe(9);
    broker.hold(false);
    for (const { done } of core.waiting.splice(0)) done();
    await until(() => core.waiting.length === 2);
    for (const { done } of core.waiting.splice(0)) done();
    await until(() => acked.length === 4);
    await full.received("pingresp", 1);
    expect(idsOf(await full.received("puback", 7))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(told.filter((line) => line.startsWith("disconnected"))).toEqual([]);
    await station.endAsync(true);
  });

  test("hold: a new CONNECT gets return code 3, and is let in afterwards", async () => {
    const { tcp, broker } = await openBroker();
    broker.hold(true);
    const client = new RawClient(tcp);
    client.send(connectPacket("cp-01"));
    expect((await client.received("connack", 1))[0]?.returnCode).toBe(3);
    await client.closed();
    broker.hold(false);
    await RawClient.connected(tcp, "cp-01");
  });

  test("a client that goes away while its message waits costs nothing and breaks nothing", async () => {
    const core = slowCore();
    const { tcp, broker, told } = await openBroker({ accept: core.accept });
    const client = await RawClient.connected(tcp, "cp-01");
    client.send(publishPacket(METER, 1));
    await until(() => core.waiting.length === 1);
    client.end();
    await until(() => told.length === 2);
    core.waiting[0]?.done();
    expect(broker.inFlight()).toBe(0);
    const again = await RawClient.connected(tcp, "cp-01");
    again.send(publishPacket(METER, 1));
    await until(() => core.waiting.length === 2);
    core.waiting[1]?.done();
    expect(idsOf(await again.received("puback", 1))).toEqual([1]);
  });

  test("a backlog right before a goodbye is taken to its end, the goodbye too", async () => {
    const { tcp, accepted, told } = await openBroker();
    const client = await RawClient.connected(tcp, "cp-01", {
      will: { topic: `${ROOT}/in/cp-01/hello`, payload: "gone" },
    });
    const ids = Array.from({ length: 450 }, (_, i) => i + 1);
    client.send(...ids.map((id) => publishPacket(METER, id)), { cmd: "disconnect" });
    client.socket.end();
    await until(() => told.length === 2);
    expect(told[1]).toBe("disconnected cp-01: disconnected by the client");
    expect(accepted.map(({ kind }) => kind)).toEqual(ids.map(() => "meter"));
  });

  test("stop waits for what is on its way to the disk, acknowledges it, and fires no will", async () => {
    const core = slowCore();
    const { tcp, broker, told } = await openBroker({ accept: core.accept });
    const client = await RawClient.connected(tcp, "cp-01", {
      will: { topic: `${ROOT}/in/cp-01/hello`, payload: "gone" },
    });
    client.send(publishPacket(METER, 9));
    await until(() => core.waiting.length === 1);
    const stopping = broker.stop();
    setTimeout(() => core.waiting[0]?.done(), 30);
    await stopping;
    expect(idsOf(await client.received("puback", 1))).toEqual([9]);
    await client.closed();
    expect(core.waiting).toHaveLength(1);
    expect(told).toEqual(["connected cp-01 tcp", "disconnected cp-01: the gateway stops"]);
    expect(broker.connectionCount()).toBe(0);
  });
});
