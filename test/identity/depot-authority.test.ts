import { execFile } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { stateOf } from "../../src/identity/certificate-index.ts";
import { ClientTrust } from "../../src/identity/client-trust.ts";
import { type AuthorityFiles, DepotAuthority } from "../../src/identity/depot-authority.ts";
import { readRevocationLists } from "../../src/identity/revocation-list.ts";

const run = promisify(execFile);
const DAY_MS = 86_400_000;
const root = mkdtempSync(join(tmpdir(), "laddport-ca-"));
afterAll(() => rmSync(root, { recursive: true }));

let n = 0;
let files: AuthorityFiles;
beforeEach(() => {
  n += 1;
  const at = (name: string) => join(root, String(n), name);
  files = {
    key: at("secrets/ca.key"),
    certs: at("secrets/ca.pem"),
    index: at("pki/index.json"),
    crl: at("pki/crl.pem"),
  };
});

const text = (file: string) => readFileSync(file, "utf8");
const trust = () => new ClientTrust(text(files.certs), readFileSync(files.crl));
const station = (name: string) => ({ name, purpose: "client" as const });

describe("the depot's authority", () => {
  test("issues what openssl verifies, with serials of 127 bits, and enters it in its book", async () => {
    const authority = await DepotAuthority.create(files);
    const { certPem, keyPem, entry } = await authority.issue({ ...station("cp-01"), validDays: 30 });
    const file = join(root, "leaf.pem");
    writeFileSync(file, certPem);
    const checks = ["-x509_strict", "-purpose", "sslclient", "-crl_check", "-CRLfile", files.crl];
    const { stdout } = await run("openssl", ["verify", ...checks, "-CAfile", files.certs, file]);
    expect(stdout).toContain("OK");
    expect(entry.serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(new X509Certificate(certPem).checkPrivateKey(createPrivateKey(String(keyPem)))).toBe(true);
    expect(statSync(files.key).mode & 0o777).toBe(0o600);
    const again = await DepotAuthority.open(files);
    expect(again.index).toEqual(authority.index);
    expect(again.inForce("cp-01", "client")).toEqual([entry]);
    expect(readdirSync(join(root, String(n), "pki")).sort()).toEqual(["crl.pem", "index.json"]);
  });

  test("is made once", async () => {
    await DepotAuthority.create(files);
    const key = text(files.key);
    await expect(DepotAuthority.create(files)).rejects.toThrow("has an authority");
    expect(text(files.key)).toBe(key);
  });

  test("a revoked certificate is on the list that openssl and the door read", async () => {
    const authority = await DepotAuthority.create(files);
    const [one, two] = [await authority.issue(station("cp-01")), await authority.issue(station("cp-02"))];
    expect(trust().refusal(new X509Certificate(one.certPem))).toBeUndefined();
    expect(await authority.revoke([one.entry], "key-compromise")).toEqual([one.entry]);
    expect(await authority.revoke([one.entry], "superseded")).toEqual([]);
    expect(one.entry.revoked?.reason).toBe("key-compromise");
    expect(trust().refusal(new X509Certificate(one.certPem))).toContain(one.entry.serial);
    expect(trust().refusal(new X509Certificate(two.certPem))).toBeUndefined();
    const shown = await run("openssl", ["crl", "-in", files.crl, "-noout", "-text", "-CAfile", files.certs]);
    expect(shown.stderr).toContain("verify OK");
    expect(shown.stdout).toContain(`Serial Number: ${one.entry.serial}`);
    expect(shown.stdout).toContain("Key Compromise");
    expect(authority.inForce("cp-01", "client")).toEqual([]);
  });

  test("an encrypted key opens with its passphrase alone", async () => {
    await DepotAuthority.create(files, "correct horse battery");
    expect(text(files.key)).toContain("ENCRYPTED PRIVATE KEY");
    const issue = async (passphrase?: string) =>
      (await DepotAuthority.open(files, passphrase)).issue(station("cp-01"));
    await expect(issue()).rejects.toThrow("--passphrase-file");
    await expect(issue("wrong horse battery")).rejects.toThrow("does not open with that passphrase");
    expect((await issue("correct horse battery")).entry.subject).toBe("cp-01");
    const other = { ...files, key: `${files.key}2`, certs: `${files.certs}2`, index: `${files.index}2` };
    await expect(DepotAuthority.create(other, "short")).rejects.toThrow("5 characters");
  });

  test("a key that is away is asked for, and nothing is entered", async () => {
    const authority = await DepotAuthority.create(files);
    const issued = await authority.issue(station("cp-01"));
    renameSync(files.key, `${files.key}.away`);
    await expect(authority.issue(station("cp-02"))).rejects.toThrow("--ca-key");
    await expect(authority.revoke([issued.entry], "unspecified")).rejects.toThrow("--ca-key");
    expect((await DepotAuthority.open(files)).inForce("cp-01", "client")).toHaveLength(1);
    const elsewhere = await DepotAuthority.open({ ...files, key: `${files.key}.away` });
    await elsewhere.revoke(elsewhere.inForce("cp-01", "client"), "unspecified");
    expect(trust().refusal(new X509Certificate(issued.certPem))).toContain("revoked");
  });

  test("a new generation and the one before are both trusted, and both can revoke", async () => {
    const authority = await DepotAuthority.create(files);
    const old = await authority.issue(station("cp-01"));
    await authority.renewAuthority();
    const next = await authority.issue(station("cp-01"));
    expect(new X509Certificate(next.certPem).issuer).not.toBe(new X509Certificate(old.certPem).issuer);
    const refused = () =>
      [old, next].map(({ certPem }) => trust().refusal(new X509Certificate(certPem)) !== undefined);
    expect(refused()).toEqual([false, false]);
    expect(stateOf(old.entry, authority.index, Date.now())).toBe("replaced");
    await authority.revoke([old.entry], "superseded");
    expect(refused()).toEqual([true, false]);
    await authority.revoke([next.entry], "superseded");
    expect(refused()).toEqual([true, true]);
    // Its key is gone: what it has revoked stays revoked.
    for (const name of readdirSync(join(root, String(n), "secrets")))
      if (/^ca-.*key$/.test(name)) rmSync(join(root, String(n), "secrets", name));
    const third = await authority.issue(station("cp-03"));
    await authority.revoke([third.entry], "unspecified");
    expect(refused()).toEqual([true, true]);
    const certs = [...new ClientTrust(text(files.certs)).authorities];
    expect(readRevocationLists(readFileSync(files.crl), certs)).toHaveLength(2);
  });

  test("a cut between the files of a new generation leaves an authority that issues", async () => {
    const authority = await DepotAuthority.create(files);
    await authority.renewAuthority();
    const [newest] = new ClientTrust(text(files.certs)).authorities;
    // As it is before the last step: the new key under its own name, the old one under the usual.
    const own = join(root, String(n), "secrets", `ca-${newest?.serialNumber.slice(0, 8).toLowerCase()}.key`);
    renameSync(files.key, own);
    const issued = await (await DepotAuthority.open(files)).issue(station("cp-01"));
    expect(new X509Certificate(issued.certPem).issuer).toBe(newest?.subject);
  });

  test("nothing outlives the authority, and an expired one issues nothing", async () => {
    let nowMs = Date.parse("2026-03-01T00:00:00Z");
    const authority = await DepotAuthority.create(files, undefined, () => nowMs);
    const [ca] = authority.index.certificates;
    nowMs = Date.parse(String(ca?.not_after)) - 10 * DAY_MS;
    const { entry } = await authority.issue({ ...station("cp-01"), validDays: 100 });
    expect(entry.not_after).toBe(ca?.not_after);
    nowMs += 11 * DAY_MS;
    expect(stateOf(entry, authority.index, nowMs)).toBe("expired");
    await expect(authority.issue(station("cp-02"))).rejects.toThrow("has expired");
  });

  test("a book that is damaged is not taken for an empty one", async () => {
    await DepotAuthority.create(files);
    writeFileSync(files.index, text(files.index).slice(0, 100));
    await expect(DepotAuthority.open(files)).rejects.toThrow("not the authority's book");
  });
});

describe("revocation lists of others", () => {
  test("made by openssl are read; altered or of another authority they are refused", async () => {
    const dir = mkdtempSync(join(root, "openssl-"));
    const at = (name: string) => join(dir, name);
    writeFileSync(at("index.txt"), "");
    writeFileSync(at("number"), "01\n");
    writeFileSync(
      at("ca.cnf"),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${at("index.txt")}\ncrlnumber=${at("number")}\ndefault_md=sha256\ndefault_crl_days=7\n`,
    );
    const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", at("ca.key"), "-out", at("ca.pem")];
    await run("openssl", ["req", "-x509", ...key, "-subj", "/O=Example AB/CN=Example CA", "-days", "9"]);
    const leaf = ["-newkey", "rsa:2048", "-nodes", "-keyout", at("l.key"), "-out", at("l.pem"), "-days", "5"];
    const by = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-set_serial", "0x00FF01"];
    await run("openssl", ["req", "-x509", ...leaf, "-subj", "/CN=cp-01", ...by]);
    const ca = ["ca", "-config", at("ca.cnf"), "-keyfile", at("ca.key"), "-cert", at("ca.pem")];
    await run("openssl", [...ca, "-revoke", at("l.pem")]);
    await run("openssl", [...ca, "-gencrl", "-out", at("crl.pem")]);
    await run("openssl", ["crl", "-in", at("crl.pem"), "-outform", "DER", "-out", at("crl.der")]);
    const peer = new X509Certificate(readFileSync(at("l.pem")));
    for (const name of ["crl.pem", "crl.der"]) {
      const seen = new ClientTrust(readFileSync(at("ca.pem")), readFileSync(at(name)));
      expect(seen.refusal(peer)).toContain("revoked");
      expect(seen.lists[0]?.nextUpdateMs).toBeGreaterThan(Date.now());
    }
    const der = readFileSync(at("crl.der"));
    der[der.length - 300] = (der[der.length - 300] ?? 0) ^ 1;
    expect(() => new ClientTrust(readFileSync(at("ca.pem")), der)).toThrow("revocation list 1 of 1");
    await DepotAuthority.create(files);
    expect(() => new ClientTrust(text(files.certs), readFileSync(at("crl.pem")))).toThrow("not signed by");
    expect(() => new ClientTrust(text(files.certs), Buffer.from("nothing"))).toThrow();
  });
});
