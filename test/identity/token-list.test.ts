import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { SubjectStore } from "../../src/identity/subject-store.ts";
import { readTokenList } from "../../src/identity/token-list.ts";
import { Vault } from "../../src/identity/vault.ts";
import { scratchDir } from "../log/sample-events.ts";

function list(text: string) {
  const file = join(scratchDir(), "tokens.csv");
  writeFileSync(file, text);
  return file;
}

describe("a token list", () => {
  it("may name a cost centre and a vehicle for each token", () => {
    const file = list(
      "uid,type,status,valid_until,group,vehicle\n04AA,rfid,accepted,,transport,bus-7\n04BB,rfid,blocked,,,\n",
    );
    expect(readTokenList(file)).toEqual([
      {
        uid: "04AA",
        type: "rfid",
        status: "accepted",
        validUntilMs: null,
        group: "transport",
        vehicle: "bus-7",
      },
      { uid: "04BB", type: "rfid", status: "blocked", validUntilMs: null, group: null, vehicle: null },
    ]);
  });
  it("of four columns still works", () => {
    const file = list("uid,type,status,valid_until\n04AA,rfid,accepted,2027-01-01T00:00:00Z\n");
    expect(readTokenList(file)).toMatchObject([{ uid: "04AA", group: null, vehicle: null }]);
  });
  it("refuses what looks like a name, with its line and column, without the token", () => {
    const file = list("uid,type,group\n04AA,rfid,transport\n04BB,rfid,Anna Ek\n");
    expect(() => readTokenList(file)).toThrow(/tokens\.csv:3 column group: use 1 to 36 lower case letters/);
    expect(() => readTokenList(file)).not.toThrow(/04BB/);
  });
});

describe("the subject store", () => {
  const token = { uid: "04aa", type: "rfid" };
  const vault = new Vault(randomBytes(32));

  function store(file: string) {
    const opened = new SubjectStore(file, vault);
    onTestFinished(() => opened.close());
    return opened;
  }

  it("knows the listing of a token, of a blocked one too, and none of others", () => {
    const subjects = store(join(scratchDir(), "subjects.db"));
    subjects.known.replace([
      { ...token, status: "blocked", validUntilMs: null, group: "transport", vehicle: "bus-7" },
      { uid: "04BB", type: "rfid", status: "accepted", validUntilMs: null, group: "care" },
    ]);
    expect(subjects.known.listing(token)).toEqual({ token_group: "transport", vehicle: "bus-7" });
    expect(subjects.known.listing({ uid: "04BB", type: "rfid" })).toEqual({ token_group: "care" });
    expect(subjects.known.listing({ uid: "04CC", type: "rfid" })).toEqual({});
  });
  it("takes a store of an earlier release as it is, also when two open it", () => {
    const file = join(scratchDir(), "subjects.db");
    const db = new DatabaseSync(file);
    db.exec(
      "CREATE TABLE known_token(lookup BLOB PRIMARY KEY, status TEXT NOT NULL, valid_until_ms INTEGER) STRICT",
    );
    const lookup = vault.lookupOf("rfid\n04AA");
    db.prepare("INSERT INTO known_token VALUES (?, 'accepted', NULL)").run(lookup);
    db.close();
    const [gateway, command] = [store(file), store(file)];
    expect(gateway.known.decide(token, "known", 0)).toEqual({ status: "accepted", reason: "token_known" });
    expect(gateway.known.listing(token)).toEqual({});
    command.known.replace([{ ...token, status: "accepted", validUntilMs: null, group: "care" }]);
    expect(gateway.known.listing(token)).toEqual({ token_group: "care" });
  });
});
