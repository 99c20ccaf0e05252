import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { init } from "../../src/cli/init.ts";
import { pkiInit, pkiIssue, pkiRenew, pkiRevoke, pkiSignCsr } from "../../src/cli/pki.ts";
import { pkiList } from "../../src/cli/pki-list.ts";
import { laddport } from "../faults/gateway-process.ts";
import { scratchDir } from "../log/sample-events.ts";

const run = promisify(execFile);
let dir: string;
let config: string;
let said: { out: string; err: string };
const io = {
  stdout: { write: (text: string) => (said.out += text) },
  stderr: { write: (text: string) => (said.err += text) },
};
const at = (...names: string[]) => join(dir, ...names);
const text = (...names: string[]) => readFileSync(at(...names), "utf8");
const cert = (...names: string[]) => new X509Certificate(text(...names));

/** Runs a command and gives what it printed. */
async function told(work: Promise<number>): Promise<string> {
  expect(await work).toBe(0);
  const { out } = said;
  said = { out: "", err: said.err };
  return out;
}

beforeEach(async () => {
  said = { out: "", err: "" };
  dir = join(scratchDir(), "depot");
  await init({ dir }, io);
  config = at("laddport.yaml");
  said = { out: "", err: "" };
});

describe("laddport pki on a depot that init made", () => {
  test("issue writes a key that its owner alone reads, a certificate for clients, and the authority", async () => {
    await told(pkiIssue({ config, station: "cp-01", out: at("out") }, io));
    expect(statSync(at("out", "key.pem")).mode & 0o777).toBe(0o600);
    const args = ["-x509_strict", "-purpose", "sslclient", "-CAfile", at("out", "ca.pem")];
    expect((await run("openssl", ["verify", ...args, at("out", "cert.pem")])).stdout).toContain("OK");
    expect(cert("out", "cert.pem").subject).toBe("CN=cp-01");
    expect(text("out", "ca.pem")).toBe(text("secrets", "ca.pem"));
    await expect(pkiIssue({ config, station: "cp-01", out: at("out") }, io)).rejects.toThrow("already has");
    const rsa = JSON.parse(
      await told(pkiIssue({ config, station: "cp-02", rsa: "2048", out: at("rsa"), json: true }, io)),
    );
    expect(rsa).toMatchObject({ subject: "cp-02", key: "RSA-2048", key_file: at("rsa", "key.pem") });
    expect(cert("rsa", "cert.pem").serialNumber).toBe(rsa.serial);
  });

  test("other roles get no certificate, ids are ids, and a station not yet in the config is told of", async () => {
    const issue = (station: string) => pkiIssue({ config, station, out: at(`out-${station.length}`) }, io);
    await expect(issue("flows")).rejects.toThrow("has the role flows");
    await expect(issue("../up")).rejects.toThrow("not a station's id");
    await told(issue("cp-9"));
    expect(said.err).toContain("no station cp-9 yet");
    await expect(pkiIssue({ config, station: "cp-01" }, io)).rejects.toThrow("--out is missing");
    await expect(pkiIssue({ config, station: "cp-01", out: at("r"), rsa: "1024" }, io)).rejects.toThrow(
      "--rsa",
    );
    expect(existsSync(at("r"))).toBe(false);
  });

  test("sign-csr certifies the station's own key and nothing it asks for beside", async () => {
    const args = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at("own.key")];
    const asks = ["-subj", "/CN=cp-01", "-addext", "basicConstraints=CA:TRUE", "-out", at("own.csr")];
    await run("openssl", ["req", "-new", ...args, ...asks]);
    const sign = { config, station: "cp-01", file: at("own.csr") };
    writeFileSync(at("own.pem"), await told(pkiSignCsr(sign, io)));
    expect(said.err).toContain("Not granted, as asked for in the request: 2.5.29.19");
    expect(cert("own.pem").ca).toBe(false);
    const { stdout } = await run("openssl", [
      "x509",
      "-in",
      at("own.pem"),
      "-noout",
      "-ext",
      "extendedKeyUsage",
    ]);
    expect(stdout).toContain("TLS Web Client Authentication");
    await expect(pkiSignCsr({ ...sign, station: "cp-02" }, io)).rejects.toThrow('it is for "cp-01"');
    await told(pkiSignCsr({ ...sign, out: at("signed") }, io));
    expect(existsSync(at("signed", "key.pem"))).toBe(false);
    expect(JSON.parse(text("pki", "index.json")).certificates).toHaveLength(4);
  });

  test("renew overlaps, --revoke-old does not, and list shows what became of each", async () => {
    const { serial } = JSON.parse(
      await told(pkiIssue({ config, station: "cp-01", rsa: true, out: at("a"), json: true }, io)),
    );
    const renewed = JSON.parse(
      await told(pkiRenew({ config, station: "cp-01", out: at("b"), json: true }, io)),
    );
    expect(renewed.key).toBe("RSA-3072");
    expect(said.err).toContain(`Still in force until`);
    const states = async () =>
      JSON.parse(await told(pkiList({ config, all: true, json: true }, io)))
        .filter((row: { subject: string }) => row.subject === "cp-01")
        .map((row: { state: string }) => row.state);
    expect(await states()).toEqual(["replaced", "valid"]);
    await told(pkiRenew({ config, station: "cp-01", out: at("c"), revokeOld: true }, io));
    expect(await states()).toEqual(["revoked", "revoked", "valid"]);
    const lines = (await told(pkiList({ config, all: true }, io))).split("\n");
    expect(lines[0]).toMatch(/^subject +serial +purpose +valid until +days left +state$/);
    expect(lines.find((line) => line.includes(serial))).toMatch(/client +\d{4}-\d\d-\d\d +109\d +revoked$/);
    const crl = (await run("openssl", ["crl", "-in", at("pki", "crl.pem"), "-noout", "-text"])).stdout;
    expect(crl.match(/Superseded/g)).toHaveLength(2);
  });

  test("revoke takes a station or one serial, and says who is unknown", async () => {
    await told(pkiIssue({ config, station: "cp-01", out: at("a") }, io));
    const serial = cert("a", "cert.pem")
      .serialNumber.toLowerCase()
      .replaceAll(/(..)(?=.)/g, "$1:");
    const { revoked } = JSON.parse(
      await told(pkiRevoke({ config, serial, reason: "key-compromise", json: true }, io)),
    );
    expect(revoked).toMatchObject([{ subject: "cp-01", purpose: "client" }]);
    const revoke = (what: object) => pkiRevoke({ config, reason: "unspecified", ...what }, io);
    await expect(revoke({ station: "cp-01" })).rejects.toThrow("no certificate in force");
    await expect(revoke({ serial: "00" })).rejects.toThrow("no certificate has the serial");
    await expect(revoke({})).rejects.toThrow("either --station or --serial");
    const [ca] = JSON.parse(text("pki", "index.json")).certificates;
    await expect(revoke({ serial: ca.serial })).rejects.toThrow("an authority is not revoked");
  });

  test("renew --server keeps key and names; --new-key does not; the pair always fits", async () => {
    const before = { key: text("secrets", "mqtt.key"), cert: cert("secrets", "mqtt.pem") };
    await told(pkiRenew({ config, server: true }, io));
    const after = cert("secrets", "mqtt.pem");
    expect(text("secrets", "mqtt.key")).toBe(before.key);
    expect(after.serialNumber).not.toBe(before.cert.serialNumber);
    expect(after.subjectAltName).toBe(before.cert.subjectAltName);
    await told(pkiRenew({ config, server: true, newKey: true, host: ["depot.example", "10.0.0.7"] }, io));
    expect(text("secrets", "mqtt.key")).not.toBe(before.key);
    expect(cert("secrets", "mqtt.pem").subjectAltName).toBe("DNS:depot.example, IP Address:10.0.0.7");
    const verify = ["verify", "-purpose", "sslserver", "-CAfile", at("secrets", "ca.pem")];
    expect((await run("openssl", [...verify, at("secrets", "mqtt.pem")])).stdout).toContain("OK");
    expect(await laddport(["check", "--config", config])).toContain("mqtt.tls.cert_file");
    await expect(pkiIssue({ config, server: true }, io)).rejects.toThrow("is there already");
  });

  test("init makes an authority where there is none, encrypted when asked; the passphrase is never an argument", async () => {
    await expect(pkiInit({ config }, io)).rejects.toThrow("has an authority");
    for (const name of ["secrets/ca.key", "secrets/ca.pem", "pki"]) rmSync(at(name), { recursive: true });
    writeFileSync(at("phrase"), "a long enough phrase\n", { mode: 0o600 });
    await told(pkiInit({ config, passphraseFile: at("phrase") }, io));
    expect(text("secrets", "ca.key")).toContain("ENCRYPTED");
    expect(said.err).toContain("lock away");
    await expect(pkiIssue({ config, station: "cp-01", out: at("o") }, io)).rejects.toThrow("encrypted");
    await told(pkiIssue({ config, station: "cp-01", out: at("o"), passphraseFile: at("phrase") }, io));
    expect(cert("o", "cert.pem").checkIssued(cert("secrets", "ca.pem"))).toBe(true);
  });

  test("commands that run at once enter every certificate", async () => {
    const stations = ["cp-01", "cp-02", "grid-1", "cp-01"];
    await Promise.all(
      stations.map((station, i) =>
        laddport(["pki", "issue", "--station", station, "--out", at(`p${i}`), "--config", config]),
      ),
    );
    const { certificates } = JSON.parse(text("pki", "index.json"));
    const serials = certificates.map((entry: { serial: string }) => entry.serial);
    for (const i of stations.keys()) expect(serials).toContain(cert(`p${i}`, "cert.pem").serialNumber);
  });
});
