import mqttPacket, { type Packet } from "mqtt-packet";
import { afterEach, expect, test } from "vitest";
import { closeAll, openBroker, ROOT } from "./open-broker.ts";
import { connectPacket, publishPacket, RawClient } from "./raw-client.ts";

afterEach(closeAll);

/** mulberry32: the same corpus on every run and machine. */
function randomOf(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return (below: number) => Math.floor(next() * below);
}

const seeds: Buffer[] = [
  connectPacket("cp-01"),
  connectPacket("cp-01", { will: { topic: `${ROOT}/in/cp-01/hello`, payload: "x", qos: 2, retain: true } }),
  connectPacket("cp-01", { protocolVersion: 5, properties: { userProperties: { a: "b" } } }),
  publishPacket(`${ROOT}/in/cp-01/1/meter`, 1),
  publishPacket(`${ROOT}/in/cp-01/1/meter`, 1, "{}", 0),
  publishPacket(`${ROOT}/in/cp-01/1/meter`, 1, "{}", 2),
  { cmd: "subscribe", messageId: 2, subscriptions: [{ topic: `${ROOT}/out/cp-01/#`, qos: 1 }] },
  { cmd: "unsubscribe", messageId: 3, unsubscriptions: [`${ROOT}/out/cp-01/#`] },
  { cmd: "puback", messageId: 4 },
  { cmd: "pubrec", messageId: 4 },
  { cmd: "pubrel", messageId: 4 },
  { cmd: "pubcomp", messageId: 4 },
  { cmd: "pingreq" },
  { cmd: "pingresp" },
  { cmd: "connack", returnCode: 0, sessionPresent: false },
  { cmd: "suback", messageId: 2, granted: [1] },
  { cmd: "disconnect" },
].map((packet) => mqttPacket.generate(packet as Packet));

function mutated(random: (below: number) => number): Buffer {
  const parts = Array.from({ length: 1 + random(4) }, () => Buffer.from(seeds[random(seeds.length)] ?? []));
  let bytes = Buffer.concat(parts);
  for (let n = random(6); n > 0 && bytes.length > 1; n--) {
    const at = random(bytes.length);
    const kind = random(5);
    if (kind === 0) bytes[at] = random(256);
    else if (kind === 1) bytes = bytes.subarray(0, at + 1);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([0, 255, 0x80]), bytes.subarray(at)]);
    else bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
  }
  return random(10) === 0 ? Buffer.from(Array.from({ length: random(300) }, () => random(256))) : bytes;
}

test("random and mutated packets end their own connection at most; a station beside them loses nothing", async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on("uncaughtExceptionMonitor", note);
  const { tcp, broker, accepted } = await openBroker({
    limits: { connectTimeoutMs: 1000, takeoversPerMinute: 1e9, connectsPerMinute: 1e9, offences: 1e9 },
  });
  const station = await RawClient.connected(tcp, "cp-02");
  const random = randomOf(20_261_122);
  const packets = process.env.DEEP ? 60_000 : 2000;
  const width = 50;
  let sent = 0;
  for (let round = 1; sent < packets; round++) {
    const clients = Array.from({ length: width }, () => new RawClient(tcp));
    for (const client of clients) {
      if (random(2) === 0) client.send(connectPacket("cp-01"));
      const bytes = mutated(random);
      const cut = random(bytes.length + 1);
      client.write(bytes.subarray(0, cut));
      setImmediate(() => client.socket.end(bytes.subarray(cut)));
      sent += 1;
    }
    station.send(publishPacket(`${ROOT}/in/cp-02/1/meter`, (round % 65_535) + 1, `{"seq":${round}}`));
    await station.received("puback", round);
    await Promise.all(clients.map((client) => client.closed()));
  }
  process.off("uncaughtExceptionMonitor", note);
  expect(uncaught).toEqual([]);
  const mine = accepted.filter((message) => message.station === "cp-02");
  expect(mine.map(({ payload }) => JSON.parse(payload.toString()).seq)).toEqual(mine.map((_, i) => i + 1));
  for (const { station: name, topic } of accepted) expect(topic.startsWith(`${ROOT}/in/${name}/`)).toBe(true);
  expect(broker.inFlight()).toBe(0);
  station.send({ cmd: "pingreq" });
  await station.received("pingresp", 1);
  while (broker.connectionCount() > 1) await new Promise((resolve) => setTimeout(resolve, 5));
});
