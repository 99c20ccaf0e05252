import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { RateWindow } from "../../src/identity/brake.ts";
import {
  type Credential,
  CredentialsError,
  formatCredentials,
  MACHINE_COST,
  newCredential,
  newSecret,
  parseCredentials,
} from "../../src/identity/credentials.ts";
import { PasswordVerifier, type VerifierOptions } from "../../src/identity/password-verifier.ts";

const CHEAP = { n: 1024 };
const secret = newSecret();
let station: Credential;
let flows: Credential;

beforeAll(async () => {
  station = await newCredential({ name: "cp-07", role: "station" }, secret, CHEAP);
  flows = await newCredential({ name: "flows", role: "flows" }, "another", CHEAP);
});

describe("the credentials file", () => {
  test("what is written is read back the same, comments and blank lines aside", () => {
    const text = formatCredentials([station, flows]);
    expect(text).not.toContain(secret);
    const read = parseCredentials(`\n# a comment\r\n${text}\n\n`);
    expect([...read.values()]).toEqual([station, flows]);
  });

  test("the hash is RFC 7914 scrypt: another implementation gets the same bytes", () => {
    const python = spawnSync("python3", [
      "-c",
      "import hashlib,sys; print(hashlib.scrypt(sys.argv[1].encode(), salt=bytes.fromhex(sys.argv[2]), n=1024, r=8, p=1, dklen=32).hex())",
      secret,
      station.salt.toString("hex"),
    ]);
    if (python.error)
      return console.warn("SKIPPED: python3 is not installed, nothing to compare scrypt with");
    expect(python.stdout.toString().trim()).toBe(station.hash.toString("hex"));
  });

  test("secrets are 128 bits, distinct, and hashed at the machine cost", async () => {
    expect(Buffer.from(newSecret(), "base64url")).toHaveLength(16);
    expect(new Set(Array.from({ length: 1000 }, newSecret)).size).toBe(1000);
    expect((await newCredential({ name: "a", role: "station" }, newSecret())).n).toBe(MACHINE_COST.n);
  });

  test("every fault is named by line, with the fix, and no line repeats a hash", () => {
    const good = formatCredentials([station]).split("\n")[1] ?? "";
    const hash = good.split(":")[2] ?? "";
    const text = [
      good,
      good,
      `CP_07:station:${hash}`,
      `cp-08:root:${hash}`,
      "cp-09:station",
      "cp-10:station:bcrypt$1$2$3",
      `cp-11:station:${hash.replace("$1024$", "$1000$")}`,
      `cp-12:station:${hash.replace("$1024$", "$1073741824$")}`,
      `cp-13:station:${hash.slice(0, -4)}`,
    ].join("\n");
    let caught: unknown;
    try {
      parseCredentials(text, "users.txt");
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(CredentialsError);
    const faults = (caught as Error).message.split("\n");
    expect(faults).toEqual([
      "users.txt:2 user cp-07 is there twice; remove one line",
      `users.txt:3 user "CP_07": use 1 to 36 lower case letters, digits or '-'`,
      `users.txt:4 user cp-08 has role "root"; use one of station, flows, wall, bridge, cli`,
      "users.txt:5 has not three fields; write user:role:scrypt$N$r$p$salt$hash",
      "users.txt:6 user cp-10: the hash is not scrypt$N$r$p$salt$hash; make a new one",
      "users.txt:7 user cp-11: scrypt parameters 1000$8$1; N must be a power of two from 1024 to 262144, r 8, p 1 to 4",
      "users.txt:8 user cp-12: scrypt parameters 1073741824$8$1; N must be a power of two from 1024 to 262144, r 8, p 1 to 4",
      "users.txt:9 user cp-13: salt or hash is cut short; make a new one",
    ]);
    expect(faults.join()).not.toContain(station.hash.toString("base64url"));
  });

  test("any text is read or refused with a CredentialsError, never another error", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab0:$\n#-ü ".split("")) }), (text) => {
        try {
          parseCredentials(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CredentialsError);
        }
      }),
      { numRuns: process.env.DEEP ? 20_000 : 300 },
    );
  });
});

describe("the verifier", () => {
  const verifierOf = (options: VerifierOptions = {}) =>
    new PasswordVerifier(
      new Map([
        ["cp-07", station],
        ["flows", flows],
      ]),
      options,
    );
  const right = () => Buffer.from(secret);
  const wrong = (i = 0) => Buffer.from(`wrong ${i}`);

  test("lets the right password in, with its role, and nothing else", async () => {
    const verifier = verifierOf();
    expect(await verifier.verify("cp-07", right(), "10.0.0.1")).toEqual({ name: "cp-07", role: "station" });
    expect(await verifier.verify("flows", Buffer.from("another"), "10.0.0.1")).toEqual({
      name: "flows",
      role: "flows",
    });
    const refused = await Promise.all([
      verifier.verify("cp-07", Buffer.from("another"), "10.0.0.1"),
      verifier.verify("flows", right(), "10.0.0.1"),
      verifier.verify("cp-99", right(), "10.0.0.1"),
      verifier.verify("__proto__", right(), "10.0.0.1"),
      verifier.verify("cp-07", Buffer.alloc(0), "10.0.0.1"),
      verifier.verify("cp-07", Buffer.alloc(300, 65), "10.0.0.1"),
      verifier.verify("cp-07\0", right(), "10.0.0.1"),
    ]);
    expect(refused).toEqual(Array(7).fill(undefined));
  });

  test("pays scrypt once a station: a thousand reconnects cost no hash", async () => {
    const verifier = verifierOf();
    await verifier.verify("cp-07", right(), "10.0.0.1");
    const storm = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => verifier.verify("cp-07", right(), `10.0.${i >> 8}.${i & 255}`)),
    );
    expect(storm.every((identity) => identity?.name === "cp-07")).toBe(true);
    expect(verifier.hashed).toBe(1);
  });

  test("the same attempt made many times while it waits is hashed once", async () => {
    const verifier = verifierOf();
    const many = await Promise.all(
      Array.from({ length: 50 }, () => verifier.verify("cp-07", right(), "10.0.0.1")),
    );
    expect(many.every(Boolean)).toBe(true);
    expect(verifier.hashed).toBe(1);
  });

  test("a first storm of a whole depot behind one address is let in", async () => {
    const book = new Map<string, Credential>();
    for (let i = 0; i < 110; i++) book.set(`cp-${i}`, { ...station, name: `cp-${i}` });
    const verifier = new PasswordVerifier(book);
    const storm = await Promise.all(
      [...book.keys()].map((name) => verifier.verify(name, right(), "10.0.0.1")),
    );
    expect(storm.map((identity) => identity?.name)).toEqual([...book.keys()]);
  });

  test("five failures in a minute, and the sixth is refused unheard; a minute later it is heard again", async () => {
    let nowMs = 0;
    const braked: string[] = [];
    const verifier = verifierOf({
      nowMs: () => nowMs,
      braked: (user, address) => braked.push(`${user} ${address}`),
    });
    const guesses = await Promise.all(
      Array.from({ length: 100 }, (_, i) => verifier.verify("cp-07", wrong(i), "10.0.0.66")),
    );
    expect(guesses.some(Boolean)).toBe(false);
    expect(verifier.hashed).toBe(5);
    expect(braked).toHaveLength(95);
    expect(await verifier.verify("cp-07", right(), "10.0.0.66")).toBeUndefined();
    expect(verifier.hashed).toBe(5);
    nowMs = 60_000;
    expect(await verifier.verify("cp-07", right(), "10.0.0.66")).toBeDefined();
  });

  test("too many at once are refused and come again: nobody is braked for that", async () => {
    const braked: string[] = [];
    const verifier = verifierOf({ queue: 0, braked: (user) => braked.push(user) });
    expect(await verifier.verify("cp-07", right(), "10.0.0.1")).toBeUndefined();
    expect(braked).toEqual([]);
  });

  test("failing in a station's name does not lock the station out, wherever it connects from", async () => {
    const verifier = verifierOf();
    await verifier.verify("cp-07", right(), "10.0.0.1");
    for (let i = 0; i < 20; i++) await verifier.verify("cp-07", wrong(i), "10.0.0.66");
    expect(await verifier.verify("cp-07", right(), "10.0.0.1")).toBeDefined();
    expect(await verifier.verify("cp-07", right(), "10.0.0.66")).toBeDefined();
    const unproven = verifierOf();
    for (let i = 0; i < 20; i++) await unproven.verify("cp-07", wrong(i), "10.0.0.66");
    expect(await unproven.verify("cp-07", right(), "10.0.0.1")).toBeDefined();
  });

  test("an address that sprays names is refused after its total, and others are still heard", async () => {
    const verifier = verifierOf({ failuresInAll: 20 });
    for (let i = 0; i < 40; i++) await verifier.verify(`guess-${i}`, wrong(), "10.0.0.66");
    expect(verifier.hashed).toBe(20);
    expect(await verifier.verify("cp-07", right(), "10.0.0.1")).toBeDefined();
  });

  test("an unknown user costs what a known one costs", async () => {
    const verifier = verifierOf();
    await verifier.verify("cp-07", wrong(), "10.0.0.1");
    await verifier.verify("cp-99", wrong(), "10.0.0.1");
    expect(verifier.hashed).toBe(2);
  });

  test("reload: a changed password ends the old one, unchanged lines stay verified, faults keep the old file", async () => {
    const verifier = verifierOf();
    await verifier.verify("cp-07", right(), "10.0.0.1");
    await verifier.verify("flows", Buffer.from("another"), "10.0.0.1");
    expect(() => verifier.reload("nonsense", "users.txt")).toThrow("users.txt:1");
    expect(await verifier.verify("cp-07", right(), "10.0.0.1")).toBeDefined();
    const changed = await newCredential({ name: "cp-07", role: "station" }, "new one", CHEAP);
    verifier.reload(formatCredentials([changed, flows]));
    const before = verifier.hashed;
    expect(await verifier.verify("flows", Buffer.from("another"), "10.0.0.1")).toBeDefined();
    expect(verifier.hashed).toBe(before);
    expect(await verifier.verify("cp-07", right(), "10.0.0.1")).toBeUndefined();
    expect(await verifier.verify("cp-07", Buffer.from("new one"), "10.0.0.1")).toBeDefined();
    verifier.reload(formatCredentials([flows]));
    expect(await verifier.verify("cp-07", Buffer.from("new one"), "10.0.0.1")).toBeUndefined();
    expect(verifier.identity("cp-07")).toBeUndefined();
  });

  test("a line removed while its password is being checked is refused", async () => {
    const verifier = verifierOf();
    const checking = verifier.verify("cp-07", right(), "10.0.0.1");
    verifier.reload(formatCredentials([flows]));
    expect(await checking).toBeUndefined();
  });

  test("hashing is off the event loop", async () => {
    const verifier = verifierOf();
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    await verifier.verify("cp-07", right(), "10.0.0.1");
    // Hashed on the loop, the answer would come by microtasks alone, before any turn.
    expect(turned).toBe(true);
  });
});

test("a brake's memory is bounded: the oldest keys go first", () => {
  const window = new RateWindow({ limit: 2, windowMs: 1000, maxKeys: 100 });
  for (let i = 0; i < 5000; i++) window.add(`key ${i}`, i);
  expect(window.keys).toBe(100);
  window.add("key 4999", 5000);
  expect(window.isFull("key 4999", 5000)).toBe(true);
  expect(window.isFull("key 4999", 5999)).toBe(false);
});
