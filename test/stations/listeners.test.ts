import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { closeAll, openBroker, ROOT, USERS, until } from "./open-broker.ts";

const run = promisify(execFile);
let dir: string;

/** A certificate signed by `ca`, or by itself. */
async function certificate(name: string, ca?: string): Promise<void> {
  const [key, pem] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
  const signer = ca ? ["-CA", join(dir, `${ca}.pem`), "-CAkey", join(dir, `${ca}.key`)] : [];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  await run("openssl", ["req", "-x509", ...curve, ...names, ...signer, "-keyout", key, "-out", pem]);
}

const pem = (name: string) => readFile(join(dir, `${name}.pem`));
const key = (name: string) => readFile(join(dir, `${name}.key`));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "laddport-tls-"));
  await Promise.all(["depot-ca", "other-ca"].map((name) => certificate(name)));
  await Promise.all([
    certificate("gateway", "depot-ca"),
    certificate("cp-01", "depot-ca"),
    certificate("cp-77", "depot-ca"),
  ]);
});
afterAll(() => rm(dir, { recursive: true, force: true }));
afterEach(closeAll);

async function openTls(withCa: boolean) {
  const endpoint = { host: "127.0.0.1", port: 0, cert: await pem("gateway"), key: await key("gateway") };
  return openBroker({
    listen: { tls: withCa ? { ...endpoint, ca: await pem("depot-ca") } : endpoint },
    identityOfCertificate: (commonName) => USERS[commonName],
  });
}

function options(port: number, more: mqtt.IClientOptions): mqtt.IClientOptions {
  return { host: "127.0.0.1", port, protocol: "mqtts", reconnectPeriod: 0, ...more };
}

/** What CONNACK says, or how the connection fails. */
async function outcome(options: mqtt.IClientOptions): Promise<string> {
  const client = mqtt.connect(options);
  try {
    return await new Promise((resolve) => {
      client.once("connect", () => resolve("in"));
      client.once("error", (error) => resolve(error.message));
      client.once("close", () => resolve("closed"));
    });
  } finally {
    client.end(true);
  }
}

describe("TLS", () => {
  test("password over TLS: connects, publishes and is acknowledged", async () => {
    const { tls, told, accepted } = await openTls(false);
    const login = {
      ca: await pem("depot-ca"),
      username: "cp-01",
      password: "cp-01-secret",
      clientId: "cp-01",
    };
    const client = await mqtt.connectAsync(options(tls, login));
    await Promise.all(
      Array.from({ length: 200 }, () =>
        client.publishAsync(`${ROOT}/in/cp-01/1/meter`, "x".repeat(2000), { qos: 1 }),
      ),
    );
    expect(accepted).toHaveLength(200);
    expect(told).toEqual(["connected cp-01 tls"]);
    await client.endAsync(true);
    expect(await outcome(options(tls, { ...login, password: "wrong" }))).toMatch(/Bad username or password/i);
  });

  test("a client certificate of our CA is the identity; no password, no other name, no other CA", async () => {
    const { tls, told, rejections } = await openTls(true);
    const ca = await pem("depot-ca");
    const mine = { ca, cert: await pem("cp-01"), key: await key("cp-01"), clientId: "cp-01" };
    expect(await outcome(options(tls, mine))).toBe("in");
    await until(() => told[0] === "connected cp-01 tls");
    expect(await outcome(options(tls, { ...mine, username: "cp-02", password: "cp-02-secret" }))).toMatch(
      /Not authorized/i,
    );
    const unknown = { ...mine, cert: await pem("cp-77"), key: await key("cp-77"), clientId: "cp-77" };
    expect(await outcome(options(tls, unknown))).toMatch(/Not authorized/i);
    const foreign = { ...mine, cert: await pem("other-ca"), key: await key("other-ca") };
    expect(await outcome(options(tls, foreign))).not.toBe("in");
    expect(await outcome(options(tls, { ca, clientId: "cp-01" }))).toMatch(/Not authorized/i);
    const password = { ca, clientId: "cp-02", username: "cp-02", password: "cp-02-secret" };
    expect(await outcome(options(tls, password))).toBe("in");
    expect(rejections.map(({ kind }) => kind)).toContain("certificate_refused");
  });

  test("TLS 1.2 with an AEAD suite and 1.3 are let in; older protocols and CBC suites are not", async () => {
    const { tls, rejections } = await openTls(false);
    const handshake = async (more: ConnectionOptions) => {
      const socket = connectTls({ host: "127.0.0.1", port: tls, ca: await pem("depot-ca"), ...more });
      try {
        return await new Promise<string>((resolve) => {
          socket.once("secureConnect", () => resolve(`${socket.getProtocol()} ${socket.getCipher().name}`));
          socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
        });
      } finally {
        socket.destroy();
      }
    };
    expect(await handshake({})).toMatch(/^TLSv1\.3 TLS_AES/);
    expect(await handshake({ maxVersion: "TLSv1.2" })).toMatch(/^TLSv1\.2 ECDHE-ECDSA-.*(GCM|CHACHA20)/);
    const weak = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" } as const;
    expect(await handshake(weak)).toMatch(/^ERR_SSL/);
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    expect(await handshake(old)).toMatch(/^ERR_SSL/);
    await until(() => rejections.some(({ kind }) => kind === "tls_failed"));
  });

  test("a handshake that never ends does not keep the broker from stopping", async () => {
    const { tls, broker } = await openTls(false);
    const socket = (await import("node:net")).connect({ host: "127.0.0.1", port: tls });
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("connect", resolve));
    await broker.stop();
  });
});

describe("WebSocket", () => {
  const openWs = () => openBroker({ listen: { ws: { host: "127.0.0.1", port: 0 } } });

  test("MQTT over WebSocket: connects, publishes, receives", async () => {
    const { ws, broker, told, accepted } = await openWs();
    const client = await mqtt.connectAsync(`ws://127.0.0.1:${ws}/any/path`, {
      username: "cp-01",
      password: "cp-01-secret",
      clientId: "cp-01",
      reconnectPeriod: 0,
    });
    const limits: string[] = [];
    client.on("message", (_topic, payload) => limits.push(payload.toString()));
    await client.subscribeAsync(`${ROOT}/out/cp-01/#`, { qos: 1 });
    await Promise.all(
      Array.from({ length: 100 }, () =>
        client.publishAsync(`${ROOT}/in/cp-01/1/meter`, "x".repeat(2000), { qos: 1 }),
      ),
    );
    broker.publish(`${ROOT}/out/cp-01/1/limit`, "6 A");
    await until(() => limits.length === 1);
    expect(accepted).toHaveLength(100);
    expect(told[0]).toBe("connected cp-01 ws");
    await client.endAsync(true);
    await until(() => broker.connectionCount() === 0);
  });

  test("the subprotocol mqtt must be offered, and plain HTTP is told what to do", async () => {
    const { ws, broker } = await openWs();
    const failed = (protocols: string[]) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${ws}`, protocols);
        socket.once("error", (error) => resolve(error.message));
        socket.once("open", () => resolve("open"));
      });
    expect(await failed([])).toContain("400");
    expect(await failed(["chat"])).toContain("400");
    expect(broker.connectionCount()).toBe(0);
    const answer = await fetch(`http://127.0.0.1:${ws}/`);
    expect(answer.status).toBe(426);
    expect(await answer.text()).toContain("subprotocol mqtt");
  });

  test("a message beyond every packet is cut", async () => {
    const { ws, broker } = await openWs();
    const socket = new WebSocket(`ws://127.0.0.1:${ws}`, ["mqtt"]);
    await new Promise((resolve) => socket.once("open", resolve));
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.send(Buffer.alloc(10_000_000));
    await closed;
    await until(() => broker.connectionCount() === 0);
  });
});

describe("start and stop", () => {
  test("an address that is taken is named, and nothing stays open", async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const { port } = squatter.address() as { port: number };
    const listen = { tcp: { host: "127.0.0.1", port: 0 }, ws: { host: "127.0.0.1", port } };
    await expect(openBroker({ listen })).rejects.toThrow(
      `MQTT over ws cannot listen on 127.0.0.1:${port} (EADDRINUSE): another program has it`,
    );
    await new Promise((resolve) => squatter.close(resolve));
  });

  test("stop ends every connection of every kind", async () => {
    const endpoint = { host: "127.0.0.1", port: 0 };
    const { broker, tcp, ws, tls } = await openBroker({
      listen: {
        tcp: endpoint,
        ws: endpoint,
        tls: { ...endpoint, cert: await pem("gateway"), key: await key("gateway") },
      },
    });
    const login = (user: string) => ({
      username: user,
      password: `${user}-secret`,
      clientId: user,
      reconnectPeriod: 0,
    });
    const clients = await Promise.all([
      mqtt.connectAsync(`mqtt://127.0.0.1:${tcp}`, login("cp-01")),
      mqtt.connectAsync(`ws://127.0.0.1:${ws}`, login("cp-02")),
      mqtt.connectAsync(options(tls, { ...login("flows"), ca: await pem("depot-ca") })),
    ]);
    for (const client of clients) client.on("error", () => {});
    expect(broker.connectionCount()).toBe(3);
    await broker.stop();
    await broker.stop();
    await until(() => clients.every((client) => !client.connected));
    expect(broker.connectionCount()).toBe(0);
  });
});
