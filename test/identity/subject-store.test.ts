import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { SubjectStore } from "../../src/identity/subject-store.ts";
import { openBytes, readKek, sealBytes, Vault } from "../../src/identity/vault.ts";
import { scratchDir } from "../log/sample-events.ts";
import { hits, spellings } from "./byte-scan.ts";

const TOKEN = { uid: "04D5A7C1E93B80", type: "rfid" };
const KEK = Buffer.alloc(32, 7);

function opened(dir = scratchDir()) {
  const file = join(dir, "subjects.db");
  const store = new SubjectStore(file, new Vault(KEK));
  onTestFinished(() => {
    try {
      store.close();
    } catch {
      // The test closed it.
    }
  });
  return { dir, file, store };
}

/** The wrapped key as it lies on disk. */
function wrappedKey(file: string, tokenRef: string): Buffer {
  const db = new DatabaseSync(file, { readOnly: true });
  const row = db.prepare("SELECT dek, token FROM subject WHERE token_ref = ?").get(tokenRef);
  db.close();
  return Buffer.from(row?.dek as Uint8Array);
}

describe("a subject", () => {
  it("2: is found by a keyed hash of its token, and no unkeyed hash of the token is on disk", () => {
    const { dir, store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    store.flush();
    expect(store.find(TOKEN)).toBe(ref);
    expect(store.find({ ...TOKEN, uid: TOKEN.uid.toLowerCase() })).toBe(ref);
    expect(Buffer.from(ref, "base64url")).toHaveLength(16);
    const other = new Vault(Buffer.alloc(32, 8));
    expect(new Vault(KEK).lookupOf("a")).not.toEqual(other.lookupOf("a"));
    expect(hits(dir, spellings(TOKEN.uid))).toEqual([]);
  });

  it("3: has names of its own for billing, upstream and the journal, each under a key of its purpose", () => {
    const { store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    const names = [ref, store.payerOf(ref), store.journalNameOf(ref)];
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(Buffer.from(name, "base64url")).toHaveLength(16);
    expect(new Vault(Buffer.alloc(32, 8)).payerOf(ref)).not.toBe(store.payerOf(ref));
  });

  it("7: two sealed fields that are swapped open for nobody", () => {
    const { file, store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    const [a, b] = [store.seal(ref, Buffer.from("one"), 0), store.seal(ref, Buffer.from("two"), 0)];
    store.flush();
    expect(store.unseal(a.sealed_ref).toString()).toBe("one");
    const db = new DatabaseSync(file);
    const bytes = (id: string) => db.prepare("SELECT bytes FROM sealed WHERE ref = ?").get(id)?.bytes;
    const [ofA, ofB] = [bytes(a.sealed_ref), bytes(b.sealed_ref)] as Uint8Array[];
    const put = db.prepare("UPDATE sealed SET bytes = ? WHERE ref = ?");
    put.run(ofB as Uint8Array, a.sealed_ref);
    put.run(ofA as Uint8Array, b.sealed_ref);
    // The token's ciphertext is of the same key, and another field.
    const token = db.prepare("SELECT token FROM subject").get()?.token as Uint8Array;
    db.close();
    expect(() => store.unseal(a.sealed_ref)).toThrow();
    expect(() => store.unseal(b.sealed_ref)).toThrow();
    const again = new DatabaseSync(file);
    again.prepare("UPDATE sealed SET bytes = ? WHERE ref = ?").run(token, a.sealed_ref);
    again.close();
    expect(() => store.unseal(a.sealed_ref)).toThrow();
  });

  it("7: a ciphertext opens under its own record and field alone", () => {
    const { key } = new Vault(KEK).newKey("subject:x");
    const sealed = sealBytes(key, Buffer.from("x"), "subject:x:token");
    expect(openBytes(key, sealed, "subject:x:token").toString()).toBe("x");
    expect(() => openBytes(key, sealed, "subject:x:name")).toThrow();
  });

  it("10: an erased key is in no file: not in the database, its freed pages, nor the write-ahead log", () => {
    const { dir, file, store } = opened();
    const others = Array.from({ length: 300 }, (_, i) =>
      store.tokenRef({ uid: `04${1000 + i}`, type: "rfid" }, 0),
    );
    const ref = store.tokenRef(TOKEN, 0);
    const { sealed_ref } = store.seal(ref, Buffer.from("signed by the meter"), 0);
    store.known.replace([{ ...TOKEN, status: "accepted", validUntilMs: null }]);
    store.flush();
    const key = wrappedKey(file, ref);
    const lookup = new Vault(KEK).lookupOf(`rfid\n${TOKEN.uid}`);
    expect(hits(dir, [key]).length).toBeGreaterThan(0);
    expect(hits(dir, [lookup]).length).toBeGreaterThan(0);
    expect(store.erase(ref)).toEqual({ erased: true, isClean: true });
    expect(hits(dir, [key, lookup])).toEqual([]);
    expect(() => store.unseal(sealed_ref)).toThrow(/no sealed bytes/);
    expect(store.known.decide(TOKEN, "known", 0).status).toBe("denied");
    expect(others.every((other) => store.has(other))).toBe(true);
    store.close();
    expect(hits(dir, [key, lookup])).toEqual([]);
  });

  it("10: a reader that keeps the write-ahead log is told of, and the bytes go when it has ended", () => {
    const { dir, file, store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    store.flush();
    const key = wrappedKey(file, ref);
    const reader = new DatabaseSync(file, { readOnly: true });
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM subject").get();
    expect(store.erase(ref).isClean).toBe(false);
    expect(hits(dir, [key]).length).toBeGreaterThan(0);
    reader.close();
    store.scrubIfDue();
    expect(hits(dir, [key])).toEqual([]);
  });

  it("10: a kill between erasure and checkpoint leaves nothing either: the next start takes it out", () => {
    const { dir, file, store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    store.flush();
    const key = wrappedKey(file, ref);
    const blocker = new DatabaseSync(file, { readOnly: true });
    blocker.exec("BEGIN");
    blocker.prepare("SELECT count(*) FROM subject").get();
    store.erase(ref);
    // What a kill would leave: database and write-ahead log as they lie.
    const after = join(dir, "after");
    mkdirSync(after);
    for (const end of ["", "-wal"]) copyFileSync(`${file}${end}`, join(after, `subjects.db${end}`));
    blocker.close();
    expect(hits(after, [key]).length).toBeGreaterThan(0);
    const next = opened(after);
    expect(next.store.has(ref)).toBe(false);
    expect(hits(after, [key])).toEqual([]);
  });

  it("42: who was erased and comes back is new", () => {
    const { store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    store.flush();
    store.erase(ref);
    const next = store.tokenRef(TOKEN, 1);
    expect(next).not.toBe(ref);
    expect(store.payerOf(next)).not.toBe(store.payerOf(ref));
  });

  it("what is sealed for an erased holder lies under the key of its day", () => {
    const { file, store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    store.flush();
    store.erase(ref);
    const { sealed_ref } = store.seal(ref, Buffer.from("late"), Date.UTC(2026, 10, 1));
    store.flush();
    const db = new DatabaseSync(file, { readOnly: true });
    expect(db.prepare("SELECT holder FROM sealed WHERE ref = ?").get(sealed_ref)?.holder).toBe(
      "day:2026-11-01",
    );
    db.close();
  });

  it("18: a legal hold binds until its day, or until it is released", () => {
    const { store } = opened();
    const ref = store.tokenRef(TOKEN, 0);
    store.holds.put(ref, { reason: "claim 7", actor: "anna", sinceMs: 0, untilMs: 100 });
    expect(store.holds.on(ref, 99)).toMatchObject({ reason: "claim 7", actor: "anna" });
    expect(store.holds.refs(99)).toEqual([ref]);
    expect(store.holds.on(ref, 100)).toBeUndefined();
    store.holds.put(ref, { reason: "claim 8", actor: "anna", sinceMs: 0, untilMs: null });
    expect(store.holds.on(ref, Number.MAX_SAFE_INTEGER)).toBeDefined();
    expect(store.holds.release(ref)).toBe(true);
    expect(store.holds.release(ref)).toBe(false);
    expect(store.holds.refs(0)).toEqual([]);
  });
});

describe("the key-encryption key", () => {
  it("8: is refused from a file that others can read", () => {
    const file = join(scratchDir(), "kek");
    writeFileSync(file, KEK.toString("base64"), { mode: 0o600 });
    expect(readKek(file)).toEqual(KEK);
    for (const mode of [0o644, 0o640, 0o604]) {
      chmodSync(file, mode);
      expect(() => readKek(file)).toThrow(/chmod 600/);
    }
  });

  it("8: comes from systemd's credentials, whose access lists show as a group's right, but not open to all", () => {
    const dir = scratchDir();
    const file = join(dir, "kek");
    writeFileSync(file, KEK.toString("base64"));
    chmodSync(file, 0o440);
    expect(readKek(file, dir)).toEqual(KEK);
    expect(() => readKek(file, join(dir, "other"))).toThrow(/chmod 600/);
    chmodSync(file, 0o444);
    expect(() => readKek(file, dir)).toThrow(/chmod 600/);
  });

  it("of another gateway does not open a store: nobody would be found again", () => {
    const { file, store } = opened();
    store.close();
    expect(() => new SubjectStore(file, new Vault(Buffer.alloc(32, 9)))).toThrow(
      /another key-encryption key/,
    );
    expect(readFileSync(file).includes(KEK)).toBe(false);
  });
});
