import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  certificateDaysLeft,
  certificateFields,
  certificateFingerprint,
  issueCertificate,
} from "../../src/identity/certificates.ts";
import { keepCredentials, readCredentials } from "../../src/identity/credential-files.ts";
import { encode } from "../../src/identity/der.ts";

const run = promisify(execFile);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "laddport-cert-"));
});
afterAll(() => rm(dir, { recursive: true }));

describe("issueCertificate", () => {
  const authority = issueCertificate({ name: "Ringön authority", purpose: "authority" });

  test.each(["p256", "rsa3072"] as const)("openssl accepts a chain with a %s leaf", async (keyType) => {
    const leaf = issueCertificate({
      name: `gateway ${keyType}`,
      purpose: "server",
      hosts: ["laddport.local", "127.0.0.1", "::1"],
      keyType,
      issuer: authority,
    });
    const [ca, file] = [join(dir, `ca-${keyType}.pem`), join(dir, `leaf-${keyType}.pem`)];
    await writeFile(ca, authority.certPem);
    await writeFile(file, leaf.certPem);
    const args = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", "127.0.0.1"];
    const { stdout } = await run("openssl", [...args, "-CAfile", ca, file]);
    expect(stdout).toContain("OK");
    const text = (await run("openssl", ["x509", "-in", file, "-noout", "-text"])).stdout;
    expect(text).toContain("DNS:laddport.local, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature/);
    expect(text).toContain("CA:FALSE");
  });

  test("a name with letters beyond ASCII survives", () => {
    expect(new X509Certificate(authority.certPem).subject).toBe("CN=Ringön authority");
  });

  test("a TLS server with a self-signed certificate is reached by a client that trusts exactly it", async () => {
    const { keyPem, certPem } = issueCertificate({ name: "broker", purpose: "server", hosts: ["127.0.0.1"] });
    const other = issueCertificate({ name: "broker", purpose: "server", hosts: ["127.0.0.1"] });
    const server = createServer({ key: keyPem, cert: certPem }, (socket) => socket.end("hello"));
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const good = connect({ host: "127.0.0.1", port, ca: certPem });
    const [data] = await once(good, "data");
    expect(String(data)).toBe("hello");
    good.destroy();
    const bad = connect({ host: "127.0.0.1", port, ca: other.certPem });
    const [error] = await once(bad, "error").then(
      (args) => args,
      (e) => [e],
    );
    expect(error.code).toMatch(/SELF_SIGNED|SIGNATURE|LEAF/);
    server.close();
  });

  test("a client certificate passes openssl's client purpose and not its server purpose", async () => {
    const client = issueCertificate({ name: "cp-007", purpose: "client", issuer: authority });
    const [ca, file] = [join(dir, "ca.pem"), join(dir, "client.pem")];
    await writeFile(ca, authority.certPem);
    await writeFile(file, client.certPem);
    const check = (purpose: string) => run("openssl", ["verify", "-purpose", purpose, "-CAfile", ca, file]);
    await expect(check("sslclient")).resolves.toBeTruthy();
    await expect(check("sslserver")).rejects.toThrow();
  });

  test("validity, days left and times past 2049", () => {
    const nowMs = Date.parse("2026-03-02T12:00:00Z");
    const { certPem } = issueCertificate({ name: "x", purpose: "signer", nowMs, validDays: 30 });
    expect(certificateDaysLeft(certPem, nowMs)).toBe(29);
    expect(certificateDaysLeft(certPem, nowMs + 31 * 86_400_000)).toBeLessThan(0);
    const long = issueCertificate({ name: "x", purpose: "signer", nowMs, validDays: 36_500 });
    expect(new X509Certificate(long.certPem).validToDate.getUTCFullYear()).toBe(2126);
  });

  test("reads the fields of a certificate that openssl made", async () => {
    const [key, cert] = [join(dir, "o.key"), join(dir, "o.pem")];
    const subject = ["-subj", "/C=SE/O=Example AB/CN=cloud"];
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    await run("openssl", [...args, "-keyout", key, "-out", cert, "-days", "10", ...subject]);
    const x509 = new X509Certificate(await readFile(cert));
    const fields = certificateFields(x509.raw);
    expect(encode(fields.serial).subarray(2).toString("hex").replace(/^00/, "")).toBe(
      x509.serialNumber.toLowerCase(),
    );
    expect(encode(fields.issuer)).toEqual(encode(fields.subject));
    expect(fields.subjectKeyId).toHaveLength(20);
    const issued = issueCertificate({
      name: "leaf under a foreign authority",
      purpose: "client",
      issuer: await readCredentials(key, cert),
    });
    await writeFile(join(dir, "foreign.pem"), issued.certPem);
    const { stdout } = await run("openssl", ["verify", "-CAfile", cert, join(dir, "foreign.pem")]);
    expect(stdout).toContain("OK");
  });

  test("refuses what cannot become a certificate", () => {
    const signer = issueCertificate({ name: "s", purpose: "signer" });
    expect(() => issueCertificate({ name: "", purpose: "signer" })).toThrow("1 to 64 characters");
    expect(() => issueCertificate({ name: "b", purpose: "server" })).toThrow("at least one host");
    expect(() => issueCertificate({ name: "b", purpose: "server", hosts: ["a b"] })).toThrow(
      '"a b" is neither',
    );
    expect(() => issueCertificate({ name: "b", purpose: "client", issuer: signer })).toThrow(
      "not an authority",
    );
  });
});

describe("credential files", () => {
  test("are made once, with the key readable by its owner only", async () => {
    const folder = join(dir, "kept");
    const first = await keepCredentials(folder, "gateway", { name: "gateway", purpose: "signer" });
    const again = await keepCredentials(folder, "gateway", { name: "gateway", purpose: "signer" });
    expect(again).toEqual(first);
    expect((await stat(join(folder, "gateway.key"))).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).sort()).toEqual(["gateway.key", "gateway.pem"]);
  });

  test("a key without its certificate (cut between the two writes) is kept and certified", async () => {
    const folder = join(dir, "cut");
    const first = await keepCredentials(folder, "gateway", { name: "gateway", purpose: "signer" });
    await unlink(join(folder, "gateway.pem"));
    const again = await keepCredentials(folder, "gateway", { name: "gateway", purpose: "signer" });
    expect(again.keyPem).toBe(first.keyPem);
    expect(certificateFingerprint(again.certPem)).not.toBe(certificateFingerprint(first.certPem));
    expect(await readCredentials(join(folder, "gateway.key"), join(folder, "gateway.pem"))).toEqual(again);
    await unlink(join(folder, "gateway.key"));
    await expect(keepCredentials(folder, "gateway", { name: "g", purpose: "signer" })).rejects.toThrow(
      "gateway.key is missing",
    );
  });

  test("a certificate of another key, and text that is neither, are named", async () => {
    const a = await keepCredentials(dir, "a", { name: "a", purpose: "signer" });
    await keepCredentials(dir, "b", { name: "b", purpose: "signer" });
    await expect(readCredentials(join(dir, "a.key"), join(dir, "b.pem"))).rejects.toThrow("does not belong");
    await writeFile(join(dir, "c.key"), a.certPem);
    await expect(readCredentials(join(dir, "c.key"), join(dir, "a.pem"))).rejects.toThrow(
      "c.key is not a private",
    );
  });
});
