import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserStore } from "../../src/identity/user-store.ts";
import { scratchDir } from "../log/sample-events.ts";

const PASSWORD = "five cold blue spoons";
const folder = () => join(scratchDir(), "access");

describe("the store of users", () => {
  it("keeps users and tokens over a restart, as hashes in files that only their owner reads", async () => {
    const dir = folder();
    const store = new UserStore(dir);
    await store.addUser("anna", "operator", PASSWORD);
    const token = await store.addToken("wall", "kiosk");
    // docs/access.md
    expect(store.users.get("anna")).toMatchObject({ n: 32_768, r: 8, p: 3 });
    const again = new UserStore(dir);
    expect(again.users.get("anna")).toEqual(store.users.get("anna"));
    expect(again.ofToken(token)).toMatchObject({ name: "wall", role: "kiosk" });
    expect(again.ofToken(`${token}x`)).toBeUndefined();
    expect(readdirSync(dir).sort()).toEqual(["api-tokens", "users"]);
    expect(statSync(dir).mode & 0o077).toBe(0);
    for (const name of readdirSync(dir)) {
      expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
      const text = readFileSync(join(dir, name), "utf8");
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain(token);
    }
  });

  it("gives a user who changed another object, and the others the same", async () => {
    const store = new UserStore(folder());
    await store.addUser("anna", "operator", PASSWORD);
    await store.addUser("bo", "viewer", PASSWORD);
    const [anna, bo] = [store.users.get("anna"), store.users.get("bo")];
    await store.setRole("anna", "billing");
    expect(store.users.get("anna")).toMatchObject({ role: "billing" });
    expect(store.users.get("anna")).not.toBe(anna);
    expect(store.users.get("bo")).toBe(bo);
    await store.setPassword("bo", `${PASSWORD}!`);
    expect(store.users.get("bo")?.hash.equals(bo?.hash ?? Buffer.alloc(0))).toBe(false);
  });

  it("takes changes that come at once one after the other", async () => {
    const dir = folder();
    const store = new UserStore(dir);
    const names = Array.from({ length: 4 }, (_, i) => `t-${i}`);
    await Promise.all(names.map((name) => store.addToken(name, "viewer")));
    expect([...new UserStore(dir).tokens.keys()]).toEqual(names);
  });

  it.each([
    ["short", "fewer than 12 characters"],
    ["ababababababab", "repeats the same few"],
    ["ä".repeat(300), "more than 256 bytes"],
    ["my-name-is-anna-b", "holds the user's name"],
  ])("refuses the password %s", async (password, why) => {
    const store = new UserStore(folder());
    await expect(store.addUser("anna-b", "viewer", password)).rejects.toThrow(why);
    expect(store.users.size).toBe(0);
  });

  it.each([
    ["Anna", "viewer", "BAD_NAME"],
    ["api", "admin", "BAD_NAME"],
    ["a:b", "admin", "BAD_NAME"],
    ["bo", "kiosk", "BAD_ROLE"],
    ["bo", "root", "BAD_ROLE"],
    ["wall", "viewer", "NAME_TAKEN"],
  ])("refuses a user %s with role %s: %s", async (name, role, code) => {
    const store = new UserStore(folder());
    await store.addToken("wall", "viewer");
    await expect(store.addUser(name, role, PASSWORD)).rejects.toMatchObject({ code });
  });

  it("says that nobody is there to be removed or changed", async () => {
    const store = new UserStore(folder());
    await expect(store.remove("bo")).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
    await expect(store.setRole("bo", "viewer")).rejects.toMatchObject({ code: "NAME_UNKNOWN" });
  });

  it("names every line that someone made unreadable, and starts with none of them", async () => {
    const dir = folder();
    await new UserStore(dir).addToken("wall", "viewer");
    writeFileSync(join(dir, "api-tokens"), "wall:root:sha256$x\nnonsense\n");
    expect(() => new UserStore(dir)).toThrow(/api-tokens:1 .*\napi-tokens:2 /);
    writeFileSync(join(dir, "api-tokens"), "");
    writeFileSync(join(dir, "users"), "cp-01:station:scrypt$4096$8$1$AAAA$AAAA\n");
    expect(() => new UserStore(dir)).toThrow(/users:1 .*role "station"; use one of viewer/);
  });
});
