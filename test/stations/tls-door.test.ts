import { execFile, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Credentials, issueCertificate } from "../../src/identity/certificates.ts";
import { makeRevocationList } from "../../src/identity/revocation-list.ts";
import { closeAll, type Opened, openBroker, USERS, until } from "./open-broker.ts";
import { clientFiles, type Login, type Outcome, sClient } from "./s-client.ts";

const run = promisify(execFile);
const DAY_MS = 86_400_000;
const nowMs = Date.now();
const certify = (name: string, issuer: Credentials, more = {}) =>
  issueCertificate({ name, purpose: "client", issuer, ...more });

const depot = issueCertificate({ name: "depot", purpose: "authority" });
const foreign = issueCertificate({ name: "depot", purpose: "authority" });
const server = issueCertificate({
  name: "gateway",
  purpose: "server",
  hosts: ["127.0.0.1"],
  issuer: depot,
});
const cp01 = certify("cp-01", depot);
const cp02 = certify("cp-02", depot);
const serialOf = ({ certPem }: Credentials) => new X509Certificate(certPem).serialNumber;
const revoking = (ca: Credentials, ...certs: Credentials[]) =>
  Buffer.from(
    makeRevocationList(
      ca,
      certs.map((cert) => ({ serial: serialOf(cert), atMs: nowMs, reason: "key-compromise" as const })),
      { number: 2, nowMs },
    ),
  );

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "laddport-door-"));
  await writeFile(join(dir, "ca.pem"), depot.certPem);
});
afterAll(() => rm(dir, { recursive: true, force: true }));
afterEach(closeAll);

const files = { cert: server.certPem, key: server.keyPem, ca: depot.certPem };

function open(more: { requireClientCert?: boolean; crl?: Buffer } = {}, options = {}): Promise<Opened> {
  return openBroker({
    listen: { tls: { host: "127.0.0.1", port: 0, ...files, ...more } },
    identityOfCertificate: (name) => USERS[name],
    ...options,
  });
}

let made = 0;
async function handshake(
  { tls }: Opened,
  login: Login,
  cert?: Credentials,
  args: readonly string[] = [],
): Promise<Outcome> {
  made += 1;
  const own = cert ? await clientFiles(dir, `client-${made}`, cert) : [];
  return sClient(tls, ["-CAfile", join(dir, "ca.pem"), ...own, ...args], login);
}

const as = (name: string): Login => ({ clientId: name });
const password = (name: string): Login => ({ clientId: name, username: name, password: `${name}-secret` });

describe("openssl s_client against a door that requires a certificate", () => {
  let door: Opened;
  const refusals = () => door.rejections.map(({ kind, detail }) => `${kind}: ${detail}`).join("\n");

  test("a station with its own is let in, by TLS 1.3 and by 1.2", async () => {
    door = await open({ requireClientCert: true, crl: revoking(depot) });
    expect((await handshake(door, as("cp-01"), cp01)).connack).toBe(0);
    expect((await handshake(door, as("cp-01"), cp01, ["-tls1_2"])).connack).toBe(0);
    const rsa = certify("cp-02", depot, { keyType: "rsa2048" });
    expect((await handshake(door, as("cp-02"), rsa)).connack).toBe(0);
    expect(door.rejections).toEqual([]);
  });

  test.each([
    ["TLS 1.1", ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"]],
    ["TLS 1.0", ["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"]],
    ["a CBC suite", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]],
    ["a CBC suite with SHA-1", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA"]],
    ["a suite without forward secrecy", ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]],
    ["a suite without authentication", ["-tls1_2", "-cipher", "AECDH-AES128-SHA:@SECLEVEL=0"]],
  ])("%s is refused in the handshake", async (_name, args) => {
    door = await open({ requireClientCert: true });
    const { connack, talk } = await handshake(door, as("cp-01"), cp01, args);
    expect(connack).toBeUndefined();
    expect(talk).toMatch(/alert|error/i);
    await until(() => refusals().includes("tls_failed"));
  });

  test("no certificate is refused in the handshake, whatever the password", async () => {
    door = await open({ requireClientCert: true });
    const { connack, talk } = await handshake(door, password("cp-01"));
    expect(connack).toBeUndefined();
    expect(talk).toMatch(/certificate required|handshake failure/i);
    await until(() => refusals().includes("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"));
  });

  const expired = certify("cp-01", depot, { nowMs: nowMs - 40 * DAY_MS, validDays: 30 });
  const early = certify("cp-01", depot, { nowMs: nowMs + 2 * DAY_MS });
  const otherUse = issueCertificate({ name: "cp-01", purpose: "server", hosts: ["x"], issuer: depot });
  const alone = issueCertificate({ name: "cp-01", purpose: "client" });
  test.each([
    ["another authority of the same name", certify("cp-01", foreign), /SIGNATURE|UNABLE_TO_VERIFY|ISSUER/],
    ["an expired one", expired, /CERT_HAS_EXPIRED/],
    ["one that is not valid yet", early, /CERT_NOT_YET_VALID/],
    ["one that is for servers (wrong EKU)", otherUse, /INVALID_PURPOSE/],
    ["a self-signed one", alone, /SELF_SIGNED/],
    ["the authority's own", depot, /INVALID_PURPOSE|SELF_SIGNED|no single|certificate for/],
    ["a revoked one", cp02, /revoked/],
  ])("%s gets no CONNACK 0, required or not", async (_name, cert, why) => {
    for (const requireClientCert of [true, false]) {
      door = await open({ requireClientCert, crl: revoking(depot, cp02) });
      const login = cert === cp02 ? password("cp-02") : password("cp-01");
      expect((await handshake(door, login, cert)).connack ?? 255).toBeGreaterThan(0);
      await until(() => why.test(refusals()));
      expect(door.told).toEqual([]);
      expect(door.rejections[0]?.kind).toBe("certificate_refused");
    }
  });

  test("a station with the certificate of another gets CONNACK 5, its id CONNACK 2", async () => {
    door = await open({ requireClientCert: true });
    expect((await handshake(door, password("cp-01"), cp02)).connack).toBe(5);
    expect((await handshake(door, as("cp-01"), cp02)).connack).toBe(2);
    expect(door.told).toEqual([]);
  });

  test("names that are not one plain station are nobody's: two of them, a wildcard, one with a zero byte", async () => {
    door = await open({ requireClientCert: true });
    const [caKey, caPem] = await clientFiles(dir, "ca-two", depot).then((args) => [args[1], args[3]]);
    const [key, pem] = [join(dir, "two.key"), join(dir, "two.pem")];
    const subject = ["-subj", "/CN=cp-01/CN=flows", "-addext", "extendedKeyUsage=clientAuth"];
    const made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    await run("openssl", [
      ...["req", ...made, ...subject, "-CA", String(caPem), "-CAkey", String(caKey)],
      ...["-keyout", key, "-out", pem],
    ]);
    const args = ["-CAfile", join(dir, "ca.pem"), "-key", key, "-cert", pem];
    for (const login of [as("cp-01"), as("flows")])
      expect((await sClient(door.tls, args, login)).connack).toBeUndefined();
    await until(() => refusals().includes("no single name"));
    for (const name of ["#", "+", "cp-01\0", "__proto__"])
      expect((await handshake(door, as("cp-01"), certify(name, depot))).connack ?? 255).toBeGreaterThan(0);
    expect(door.told).toEqual([]);
  });
});

describe("what a connection may not do later", () => {
  test("a client that asks to renegotiate is not obliged", async () => {
    const { tls } = await open();
    const args = ["-connect", `127.0.0.1:${tls}`, "-tls1_2", "-CAfile", join(dir, "ca.pem")];
    const child = spawn("openssl", ["s_client", ...args]);
    let talk = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        talk += chunk;
      });
    const closed = new Promise((resolve) => child.once("close", resolve));
    await until(() => talk.includes("Verify return code"));
    child.stdin.write("R\n");
    await closed;
    expect(talk).toMatch(/RENEGOTIATING[\s\S]*no renegotiation/);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s sessions are not resumed", async (version) => {
    const { tls } = await open();
    const once = async (session?: Buffer) => {
      const options: ConnectionOptions = { port: tls, host: "127.0.0.1", ca: depot.certPem };
      const socket: TLSSocket = connect({
        ...options,
        minVersion: version,
        maxVersion: version,
        ...(session ? { session } : {}),
      });
      let kept = socket.getSession();
      socket.on("session", (s) => {
        kept = s;
      });
      await new Promise((resolve) => socket.once("secureConnect", resolve));
      await new Promise((resolve) => setTimeout(resolve, 50));
      kept ??= socket.getSession();
      const reused = socket.isSessionReused();
      socket.destroy();
      return { kept, reused };
    };
    const first = await once();
    expect((await once(first.kept)).reused).toBe(false);
  });
});

describe("files that change while stations are connected", () => {
  const connected = async (opened: Opened, name: string, cert: Credentials, ca = depot.certPem) => {
    const client = await mqtt.connectAsync({
      host: "127.0.0.1",
      port: opened.tls,
      protocol: "mqtts",
      reconnectPeriod: 0,
      clientId: name,
      ca,
      cert: cert.certPem,
      key: cert.keyPem,
    });
    client.on("error", () => undefined);
    return client;
  };

  test("a new server certificate is shown to new connections; the old ones stay and are acknowledged", async () => {
    const opened = await open();
    const client = await connected(opened, "cp-01", cp01);
    const next = issueCertificate({ name: "next", purpose: "server", hosts: ["127.0.0.1"], issuer: depot });
    opened.broker.renewTls({ cert: next.certPem, key: next.keyPem, ca: depot.certPem });
    await client.publishAsync("laddport/v1/ringon/in/cp-01/1/meter", "x", { qos: 1 });
    expect(opened.accepted).toHaveLength(1);
    const socket = connect({ port: opened.tls, host: "127.0.0.1", ca: depot.certPem });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    expect(socket.getPeerCertificate().subject.CN).toBe("next");
    socket.destroy();
    expect((await handshake(opened, as("cp-02"), cp02, ["-tls1_1"])).connack).toBeUndefined();
    expect((await handshake(opened, as("cp-02"), cp02)).connack).toBe(0);
    expect(client.connected).toBe(true);
    await client.endAsync(true);
  });

  test("a station that is revoked while connected is cut, and the others stay", async () => {
    const opened = await open({ crl: revoking(depot) });
    const [one, two] = [await connected(opened, "cp-01", cp01), await connected(opened, "cp-02", cp02)];
    opened.broker.renewTls({ ...files, crl: revoking(depot, cp02) });
    await until(() => !two.connected);
    await until(() =>
      opened.told.some((line) => /^disconnected cp-02: the certificate: it is revoked/.test(line)),
    );
    expect(one.connected).toBe(true);
    expect((await handshake(opened, as("cp-02"), cp02)).connack).toBeUndefined();
    const fresh = await connected(opened, "cp-02", certify("cp-02", depot));
    await Promise.all([one, two, fresh].map((client) => client.endAsync(true)));
  });

  test("two authorities overlap; when the earlier one is taken out, its stations are cut", async () => {
    const opened = await open();
    const old = await connected(opened, "cp-01", cp01);
    const next = issueCertificate({ name: "depot 2", purpose: "authority" });
    const ca = next.certPem + depot.certPem;
    opened.broker.renewTls({ ...files, ca });
    const changed = await connected(opened, "cp-02", certify("cp-02", next));
    expect([old.connected, changed.connected]).toEqual([true, true]);
    opened.broker.renewTls({ ...files, ca: next.certPem });
    await until(() => !old.connected);
    expect(changed.connected).toBe(true);
    expect((await handshake(opened, as("cp-01"), cp01)).connack).toBeUndefined();
    await Promise.all([old, changed].map((client) => client.endAsync(true)));
  });

  test("files that do not belong together change nothing", async () => {
    const opened = await open({ crl: revoking(depot) });
    const client = await connected(opened, "cp-01", cp01);
    const { broker } = opened;
    expect(() => broker.renewTls({ ...files, key: cp01.keyPem })).toThrow(
      "the key is not of the certificate",
    );
    expect(() => broker.renewTls({ ...files, cert: "" })).toThrow("no certificate in PEM");
    expect(() => broker.renewTls({ ...files, ca: "nothing" })).toThrow("no certificate in PEM");
    expect(() => broker.renewTls({ ...files, crl: revoking(foreign, cp01) })).toThrow("not signed by");
    expect((await handshake(opened, as("cp-02"), cp02)).connack).toBe(0);
    expect(client.connected).toBe(true);
    await client.endAsync(true);
  });
});

test("an address that fails 300 handshakes in ten seconds is turned away for a while", async () => {
  const opened = await open();
  const knock = () =>
    new Promise((resolve) => {
      const socket = connectTcp({ port: opened.tls, host: "127.0.0.1" }, () => socket.end("not TLS\r\n\r\n"));
      socket.on("error", () => undefined);
      socket.once("close", resolve);
      socket.resume();
    });
  await Promise.all(Array.from({ length: 300 }, knock));
  await until(() => (opened.broker.counts().rejected.get("tls_failed") ?? 0) >= 300);
  expect((await handshake(opened, as("cp-01"), cp01)).connack).toBeUndefined();
  expect(opened.told).toEqual([]);
});

test("who is to come with a certificate is refused with a password, and the other way round", async () => {
  const opened = await open({}, { wayOf: (name: string) => (name === "cp-01" ? "certificate" : "password") });
  expect((await handshake(opened, password("cp-01"))).connack).toBe(5);
  expect((await handshake(opened, as("cp-01"), cp01)).connack).toBe(0);
  expect((await handshake(opened, as("cp-02"), cp02)).connack).toBe(5);
  expect((await handshake(opened, password("cp-02"))).connack).toBe(0);
  expect(opened.broker.counts().rejected.get("other_auth_configured")).toBe(2);
});
