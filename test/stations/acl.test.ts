import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { createAcl } from "../../src/stations/acl.ts";
import { isValidFilter, matchesTopic } from "../../src/stations/topic-filter.ts";
import { closeAll, openBroker, ROOT, SITE, USERS, until } from "./open-broker.ts";
import { connectPacket, publishPacket, RawClient } from "./raw-client.ts";

afterEach(closeAll);

const acl = createAcl(SITE);
const as = (user: string) => USERS[user] ?? { name: "nobody", role: "wall" as const };

/** Topics below the site, and who may publish them. Everyone else must be refused. */
const PUBLISH: [topic: string, allowed: string[]][] = [
  ["in/cp-01/hello", ["cp-01"]],
  ["in/cp-01/0/meter", ["cp-01"]],
  ["in/cp-01/1/meter", ["cp-01"]],
  ["in/cp-01/1/status", ["cp-01"]],
  ["in/cp-01/2/tx", ["cp-01"]],
  ["in/cp-01/1/authorize", ["cp-01"]],
  ["in/cp-01/1/limit", ["cp-01"]],
  ["in/cp-02/1/meter", ["cp-02"]],
  ["in/cp-03/1/meter", []],
  ["in/cp-01/1/hello", []],
  ["in/cp-01/1/firmware", []],
  ["in/cp-01/1/meter/extra", []],
  ["in/cp-01/01/meter", []],
  ["in/cp-01/-1/meter", []],
  ["in/cp-01/1", []],
  ["in/cp-01", []],
  ["in/cp-01/1/meter\0", []],
  ["in/cp-01/1/meter\ufffd", []],
  ["in/CP-01/1/meter", []],
  ["in//1/meter", []],
  ["out/cp-01/1/limit", []],
  ["out/cp-01/1/cmd", []],
  ["state/site", []],
  ["event/session/ended", []],
  ["sys/health", []],
  ["req/flows/limit.set", ["flows"]],
  ["req/cli/status", ["cli"]],
  ["req/flows/limit/set", []],
  ["req/flows/", []],
  ["req/flows", []],
  ["req/wall/status", []],
  ["req/cp-01/status", []],
  ["req/undefined/status", []],
  ["res/flows/1", []],
];

const SUBSCRIBE: [filter: string, allowed: string[]][] = [
  ["out/cp-01/#", ["cp-01"]],
  ["out/cp-01/1/limit", ["cp-01"]],
  ["out/cp-01/+/limit", ["cp-01"]],
  ["out/cp-02/#", ["cp-02"]],
  ["out/#", []],
  ["out/+/1/limit", []],
  ["out/cp-0+/#", []],
  ["out/cp-01#", []],
  ["in/#", []],
  ["in/cp-01/#", []],
  ["state/#", ["flows", "wall", "cli"]],
  ["state/evse/cp-01/1", ["flows", "wall", "cli"]],
  ["event/#", ["flows", "cli"]],
  ["event/session/rated", ["flows", "cli", "bridge"]],
  ["event/session/+", ["flows", "cli"]],
  ["sys/#", ["flows", "wall", "cli", "bridge"]],
  ["res/flows/#", ["flows", "cli"]],
  ["res/cli/#", ["cli"]],
  ["res/#", ["cli"]],
  ["req/#", ["cli"]],
  ["#", []],
  ["+/#", []],
  ["+/cp-01/#", []],
  ["state", []],
  ["stateful/#", []],
];

describe("the table of rights", () => {
  const users = Object.keys(USERS);

  test.each(PUBLISH)("publish %j: %j", (topic, allowed) => {
    const may = users.filter((user) => {
      const [a, b] = [
        acl.stationTopic(as(user), `${ROOT}/${topic}`),
        acl.requestVerb(as(user), `${ROOT}/${topic}`),
      ];
      return a !== undefined || b !== undefined;
    });
    expect(may.toSorted()).toEqual(allowed.toSorted());
  });

  test.each(SUBSCRIBE)("subscribe %j: %j", (filter, allowed) => {
    const may = users.filter((user) => acl.maySubscribe(as(user), `${ROOT}/${filter}`));
    expect(may.toSorted()).toEqual(allowed.toSorted());
  });

  test("nobody reaches the root, another site or $SYS", () => {
    for (const filter of [
      "#",
      "+/#",
      "laddport/#",
      "laddport/v1/#",
      `${ROOT}/#`,
      ROOT,
      "$SYS/#",
      "$share/g/#",
      "",
    ])
      for (const user of users) expect(acl.maySubscribe(as(user), filter), `${user} ${filter}`).toBe(false);
    for (const topic of ["$SYS/x", "laddport/v1/other/in/cp-01/1/meter", "in/cp-01/1/meter", ""])
      for (const user of users) {
        expect(acl.stationTopic(as(user), topic)).toBeUndefined();
        expect(acl.requestVerb(as(user), topic)).toBeUndefined();
      }
  });

  test("no filter that a station is granted selects a topic outside its own out/", () => {
    const level = fc.constantFrom("out", "in", "cp-01", "cp-02", "+", "#", "1", "limit", "", "$SYS", "state");
    const filter = fc.array(level, { maxLength: 5 }).map((levels) => [ROOT, ...levels].join("/"));
    const topics = [
      "out/cp-01/1/limit",
      "out/cp-02/1/limit",
      "in/cp-01/1/meter",
      "state/site",
      "out/cp-01",
      "out",
    ];
    fc.assert(
      fc.property(filter, (candidate) => {
        if (!acl.maySubscribe(as("cp-01"), candidate)) return;
        expect(isValidFilter(candidate)).toBe(true);
        for (const topic of topics)
          if (matchesTopic(candidate, `${ROOT}/${topic}`)) expect(topic.startsWith("out/cp-01")).toBe(true);
      }),
      { numRuns: process.env.DEEP ? 50_000 : 2000 },
    );
  });
});

test("matchesTopic follows MQTT 3.1.1, section 4.7", () => {
  const rows: [string, string, boolean][] = [
    ["a/b", "a/b", true],
    ["a/b", "a/b/c", false],
    ["a/+", "a/b", true],
    ["a/+", "a", false],
    ["a/+", "a/", true],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["+/b", "a/b", true],
    ["+", "/a", false],
    ["/+", "/a", true],
    ["#", "$SYS/x", false],
    ["+/x", "$SYS/x", false],
    ["a/+/c", "a/b/d", false],
  ];
  for (const [filter, topic, expected] of rows)
    expect(matchesTopic(filter, topic), `${filter} ${topic}`).toBe(expected);
});

describe("over the wire", () => {
  test("a denied publish closes the connection without an acknowledgement and is told", async () => {
    const { tcp, accepted, rejections } = await openBroker();
    for (const topic of [
      `${ROOT}/in/cp-02/1/meter`,
      `${ROOT}/in/cp-01/1/firmware`,
      "$SYS/broker/clients",
      `${ROOT}/req/flows/stop`,
      `${ROOT}/in/cp-01/1/me\0ter`,
    ]) {
      const client = await RawClient.connected(tcp, "cp-01");
      client.send(publishPacket(topic, 1), publishPacket(`${ROOT}/in/cp-01/1/meter`, 2));
      await client.closed();
      expect(client.packets.map(({ cmd }) => cmd)).toEqual(["connack"]);
    }
    expect(accepted).toEqual([]);
    expect(rejections[0]).toMatchObject({ kind: "acl_denied", who: "cp-01" });
    expect(rejections[0]?.detail).toContain(`"${ROOT}/in/cp-02/1/meter"`);
  });

  test("a topic that is not UTF-8 is denied", async () => {
    const { tcp, accepted, rejections } = await openBroker();
    const client = await RawClient.connected(tcp, "cp-01");
    const topic = Buffer.from(`${ROOT}/in/cp-01/1/meter`);
    topic[topic.length - 1] = 0xff;
    client.write(
      Buffer.concat([Buffer.from([0x32, topic.length + 4, 0, topic.length]), topic, Buffer.from([0, 1])]),
    );
    await client.closed();
    expect(accepted).toEqual([]);
    expect(rejections[0]?.kind).toBe("acl_denied");
  });

  test("in/ needs QoS 1: 0 and 2 are refused, and told why", async () => {
    for (const qos of [0, 2] as const) {
      const { tcp, accepted, rejections } = await openBroker();
      const client = await RawClient.connected(tcp, "cp-01");
      client.send(publishPacket(`${ROOT}/in/cp-01/1/meter`, 1, "{}", qos));
      await client.closed();
      expect(accepted).toEqual([]);
      expect(rejections).toMatchObject([{ kind: "qos_refused", who: "cp-01" }]);
      expect(rejections[0]?.detail).toContain(`with QoS ${qos}; use QoS 1`);
    }
  });

  test("a denied filter gets 0x80, the others their QoS, and the connection stays", async () => {
    const { tcp, broker, told, rejections } = await openBroker();
    const client = await RawClient.connected(tcp, "cp-01");
    client.send({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: [
        { topic: `${ROOT}/out/cp-01/#`, qos: 1 },
        { topic: `${ROOT}/out/cp-02/#`, qos: 1 },
        { topic: "#", qos: 0 },
      ],
    });
    expect((await client.received("suback", 1))[0]?.granted).toEqual([1, 0x80, 0x80]);
    expect(rejections).toMatchObject([{ kind: "acl_denied", who: "cp-01" }]);
    await until(() => told.length === 2);
    expect(told[1]).toBe(`subscribed cp-01 ${ROOT}/out/cp-01/#`);
    broker.publish(`${ROOT}/out/cp-02/1/limit`, "not for you");
    broker.publish(`${ROOT}/out/cp-01/1/limit`, "for you");
    expect((await client.received("publish", 1))[0]?.payload.toString()).toBe("for you");
  });

  test("requests reach the core from flows and the command line, and nobody else", async () => {
    const { tcp, told } = await openBroker();
    const flows = await RawClient.connected(tcp, "flows");
    flows.send(
      publishPacket(`${ROOT}/req/flows/limit`, 3, "10 A"),
      publishPacket(`${ROOT}/req/flows/boost`, 0, "x", 0),
    );
    await flows.received("puback", 1);
    const cli = await RawClient.connected(tcp, "cli");
    cli.send(publishPacket(`${ROOT}/req/cli/status`, 1, ""));
    await cli.received("puback", 1);
    expect(told.filter((line) => line.startsWith("request"))).toEqual([
      "request flows limit 10 A",
      "request flows boost x",
      "request cli status ",
    ]);
    cli.send(publishPacket(`${ROOT}/req/flows/limit`, 2));
    await cli.closed();
    const wall = await RawClient.connected(tcp, "wall");
    wall.send(publishPacket(`${ROOT}/req/wall/status`, 1));
    await wall.closed();
    expect(told.filter((line) => line.startsWith("request"))).toHaveLength(3);
  });

  test("nothing a client publishes reaches another client, retained or not; the emitter is not touched", async () => {
    const { tcp, broker, accepted } = await openBroker();
    const cli = await RawClient.connected(tcp, "cli");
    cli.send({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: ["state", "event", "sys", "req", "res"].map((t) => ({
        topic: `${ROOT}/${t}/#`,
        qos: 1,
      })),
    });
    await cli.received("suback", 1);
    const station = await RawClient.connected(tcp, "cp-01");
    const flows = await RawClient.connected(tcp, "flows");
    const before = broker.counts().emitted;
    for (let id = 1; id <= 50; id++) {
      station.send({ ...publishPacket(`${ROOT}/in/cp-01/1/meter`, id), retain: true } as never);
      flows.send({ ...publishPacket(`${ROOT}/req/flows/limit`, id), retain: true } as never);
    }
    await Promise.all([station.received("puback", 50), flows.received("puback", 50)]);
    expect(accepted).toHaveLength(50);
    expect(broker.counts()).toMatchObject({ accepted: 50, requests: 50, emitted: before });
    const late = await RawClient.connected(tcp, "cli", { clientId: "cli-late" });
    late.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: `${ROOT}/req/#`, qos: 1 }] });
    await late.received("suback", 1);
    broker.publish(`${ROOT}/res/cli/1`, "last");
    expect((await cli.received("publish", 1))[0]?.payload.toString()).toBe("last");
    expect(late.packets.some(({ cmd }) => cmd === "publish")).toBe(false);
  });

  test("a will is checked at CONNECT and delivered as the station's own message", async () => {
    const { tcp, accepted, told, rejections } = await openBroker();
    const topic = `${ROOT}/in/cp-01/hello`;
    const payload = '{"online":false}';
    const one = await RawClient.connected(tcp, "cp-01", { will: { topic, payload, qos: 1, retain: true } });
    one.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: `${ROOT}/out/cp-01/#`, qos: 1 }] });
    await one.received("suback", 1);
    one.socket.resetAndDestroy();
    await until(() => told.length === 3);
    expect(accepted.map((m) => [m.topic, m.kind, m.payload.toString()])).toEqual([[topic, "hello", payload]]);
    const two = await RawClient.connected(tcp, "cp-01", { will: { topic, payload } });
    two.send({ cmd: "disconnect" });
    await two.closed();
    await until(() => told.length === 5);
    expect(accepted).toHaveLength(1);
    expect(told[4]).toBe("disconnected cp-01: disconnected by the client");
    const forged = new RawClient(tcp);
    forged.send(connectPacket("cp-01", { will: { topic: `${ROOT}/in/cp-02/hello`, payload } }));
    expect((await forged.received("connack", 1))[0]?.returnCode).toBe(5);
    await forged.closed();
    expect(rejections.map(({ kind }) => kind)).toEqual(["acl_denied"]);
    expect(accepted).toHaveLength(1);
  });
});

describe("what we publish", () => {
  test("arrives in call order, whatever the mix of QoS and retain", async () => {
    const { tcp, broker } = await openBroker();
    const flows = await RawClient.connected(tcp, "flows");
    flows.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: `${ROOT}/state/#`, qos: 1 }] });
    await flows.received("suback", 1);
    const sent = Array.from({ length: 60 }, (_, i) => String(i));
    for (const [i, text] of sent.entries())
      broker.publish(`${ROOT}/state/site`, text, { qos: i % 3 === 0 ? 1 : 0, retain: i % 2 === 0 });
    const got = await flows.received("publish", sent.length);
    expect(got.map(({ payload }) => payload.toString())).toEqual(sent);
    expect(got.every(({ retain }) => !retain)).toBe(true);
  });

  test("a retained topic reaches later subscribers, newest first known, until it is cleared", async () => {
    const { tcp, broker } = await openBroker();
    broker.publish(`${ROOT}/state/site`, "old", { retain: true });
    broker.publish(`${ROOT}/state/site`, "new", { retain: true });
    broker.publish(`${ROOT}/state/evse/cp-01/1`, "gone", { retain: true });
    broker.publish(`${ROOT}/state/evse/cp-01/1`, "", { retain: true });
    broker.publish(`${ROOT}/event/alert/raised`, "not retained");
    const wall = await RawClient.connected(tcp, "wall");
    wall.send({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: [{ topic: `${ROOT}/state/#`, qos: 1 }],
    });
    await wall.received("publish", 1);
    broker.publish(`${ROOT}/state/site`, "live");
    const got = await wall.received("publish", 2);
    expect(got.map(({ payload, retain }) => [payload.toString(), retain])).toEqual([
      ["new", true],
      ["live", false],
    ]);
  });

  test("nothing is queued for a station that is away, even if it asks for a lasting session", async () => {
    const { tcp, broker } = await openBroker();
    const subscribe = {
      cmd: "subscribe",
      messageId: 1,
      subscriptions: [{ topic: `${ROOT}/out/cp-01/#`, qos: 1 }],
    } as const;
    const one = await RawClient.connected(tcp, "cp-01", { clean: false });
    one.send({ ...subscribe, subscriptions: [...subscribe.subscriptions] });
    await one.received("suback", 1);
    one.end();
    await until(() => !broker.isConnected("cp-01"));
    broker.publish(`${ROOT}/out/cp-01/1/limit`, "stale");
    const two = await RawClient.connected(tcp, "cp-01", { clean: false });
    expect(two.packets[0]).toMatchObject({ sessionPresent: false });
    two.send({ ...subscribe, subscriptions: [...subscribe.subscriptions] });
    await two.received("suback", 1);
    broker.publish(`${ROOT}/out/cp-01/1/limit`, "fresh");
    expect((await two.received("publish", 1))[0]?.payload.toString()).toBe("fresh");
  });
});
