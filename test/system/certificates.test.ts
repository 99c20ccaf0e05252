/** Certificates of a running gateway: what `laddport pki` writes is taken while stations stay connected. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import mqtt from "mqtt";
import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { init } from "../../src/cli/init.ts";
import { pkiIssue, pkiRenew, pkiRevoke } from "../../src/cli/pki.ts";
import { loadConfig } from "../../src/config.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { createGateway, type Gateway } from "../../src/main.ts";
import type { Alert } from "../../src/model/alert.ts";
import type { EventOf } from "../../src/model/event.ts";

const silent = { stdout: { write: () => true }, stderr: { write: () => true } };
let root: string;
let dir: string;
let config: string;
let gateway: Gateway;
let port: number;
let api: string;
const at = (...names: string[]) => join(dir, ...names);
const text = (...names: string[]) => readFileSync(at(...names), "utf8");

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "laddport-certificates-"));
  dir = join(root, "depot");
  await init({ dir, ports: "auto" }, silent);
  config = at("laddport.yaml");
  // cp-01 has no password: it comes by certificate, or not at all.
  writeFileSync(at("secrets/credentials"), text("secrets/credentials").replace(/^cp-01:.*\n/m, ""));
  const env = {
    LADDPORT__FLOWS__ENABLED: "false",
    LADDPORT__MQTT__TLS__LISTEN: "127.0.0.1:0",
    LADDPORT__STATIONS__CP_02__AUTH: "certificate",
  };
  gateway = createGateway({
    config: loadConfig(config, { env }),
    dataDir: at("data"),
    log: pino({ level: "silent" }),
  });
  const listening = await gateway.start();
  port = Number(new URL(String(listening.mqtts)).port);
  api = String(listening.api);
});
afterAll(async () => {
  await gateway.stop("test over");
  rmSync(root, { recursive: true });
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function alerts(): Promise<string[]> {
  const headers = { authorization: `Bearer ${text("secrets/api-token").trim()}` };
  const status = await (await fetch(`${api}/api/v1/status`, { headers })).json();
  return (status as { alerts: Alert[] }).alerts.map(({ id }) => id);
}

const issue = (station: string, out: string, days?: number) =>
  pkiIssue({ config, station, out: at(out), ...(days ? { days } : {}) }, silent);

/** Settles: in, or why not. */
function login(folder: string, clientId: string): Promise<mqtt.MqttClient> {
  const [key, cert, ca] = ["key.pem", "cert.pem", "ca.pem"].map((name) => readFileSync(at(folder, name)));
  const tls = { key, cert, ca } as { key: Buffer; cert: Buffer; ca: Buffer };
  const client = mqtt.connect({
    host: "127.0.0.1",
    port,
    protocol: "mqtts",
    clientId,
    reconnectPeriod: 0,
    ...tls,
  });
  return new Promise((resolve, reject) => {
    client.once("connect", () => resolve(client));
    client.on("error", reject);
    client.once("close", () => reject(new Error("closed")));
  });
}

function serverSerial(): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, ca: text("secrets/ca.pem") }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
  });
}

test("a station without a password comes by its certificate, and is cut within seconds of its revocation", async () => {
  await issue("cp-01", "a");
  await issue("cp-02", "b");
  const [one, two] = [await login("a", "cp-01"), await login("b", "cp-02")];
  await pkiRevoke({ config, station: "cp-01", reason: "key-compromise" }, silent);
  await until(() => !one.connected);
  expect(two.connected).toBe(true);
  await expect(login("a", "cp-01")).rejects.toThrow();
  await issue("cp-01", "a2");
  await login("a2", "cp-01").then((client) => client.endAsync(true));
  await two.endAsync(true);
});

test("a new authority and a new server certificate are taken while a station of the old one stays", async () => {
  await issue("cp-01", "old");
  const station = await login("old", "cp-01");
  const before = await serverSerial();
  await pkiRenew({ config, ca: true }, silent);
  await pkiRenew({ config, server: true, newKey: true }, silent);
  expect(await gateway.renewCertificates()).toBe(true);
  expect(await serverSerial()).not.toBe(before);
  await pkiRenew({ config, station: "cp-02", out: at("new") }, silent);
  const other = await login("new", "cp-02");
  expect([station.connected, other.connected]).toEqual([true, true]);
  await Promise.all([station, other].map((client) => client.endAsync(true)));
});

test("files that do not fit leave the old ones in force and raise an alert, which the next good ones clear", async () => {
  const before = await serverSerial();
  const good = text("secrets/mqtt.pem");
  writeFileSync(at("secrets/mqtt.pem"), text("secrets/gateway.pem"));
  expect(await gateway.renewCertificates()).toBe(false);
  expect(await alerts()).toContain("certificates_unusable:mqtt.tls");
  expect(await serverSerial()).toBe(before);
  writeFileSync(at("secrets/mqtt.pem"), good);
  expect(await gateway.renewCertificates()).toBe(true);
  expect(await alerts()).not.toContain("certificates_unusable:mqtt.tls");
});

test("a station's certificate that ends within a week is told of until it comes with the next one", async () => {
  await issue("cp-02", "short", 5);
  await login("short", "cp-02").then((client) => client.endAsync(true));
  await until(async () => (await alerts()).includes("certificate_expires:cp-02:7"));
  await pkiRenew({ config, station: "cp-02", out: at("long") }, silent);
  await login("long", "cp-02").then((client) => client.endAsync(true));
  await until(async () => !(await alerts()).includes("certificate_expires:cp-02:7"));
});

test("who is to come with a certificate is refused with its own password, with an alert", async () => {
  const password = /^cp-02,cp-02,(.*)$/m.exec(text("credentials.csv"))?.[1] ?? "";
  const client = mqtt.connect({
    ...{ host: "127.0.0.1", port, protocol: "mqtts", clientId: "cp-02", reconnectPeriod: 0 },
    ...{ username: "cp-02", password, ca: text("secrets/ca.pem") },
  });
  const said = await new Promise<string>((resolve) => {
    client.once("connect", () => resolve("in"));
    client.once("error", (error) => resolve(error.message));
  });
  client.end(true);
  expect(said).toMatch(/Not authorized/i);
  await until(async () => (await alerts()).some((id) => id.startsWith("other_auth_configured:")));
});

test("what was issued, revoked and taken is in the audit trail, with who did it and the serial", async () => {
  const reader = openSqliteReader(at("data", "log.db"));
  const { events } = await reader.read(0, { types: ["audit.recorded"], limit: 1000 });
  await reader.close();
  const entries = (events as EventOf<"audit.recorded">[]).map(({ body }) => body);
  const [revoked] = entries.filter(({ action }) => action === "certificate.revoked");
  expect(revoked).toMatchObject({ object: "cp-01", reason: "key-compromise" });
  expect(revoked?.actor).toMatch(/^cli:/);
  expect(revoked?.detail.serial).toMatch(/^[0-9A-F]{32}$/);
  for (const action of ["certificate.issued", "authority.renewed", "certificates.taken"])
    expect(entries.map((entry) => entry.action)).toContain(action);
});

test("no key that pki wrote is open to others", () => {
  for (const name of ["secrets/ca.key", "secrets/mqtt.key", "a/key.pem", "new/key.pem", "pki/index.json"])
    expect(statSync(at(name)).mode & 0o077).toBe(0);
});
