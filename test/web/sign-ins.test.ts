import { describe, expect, it } from "vitest";
import { SignIns } from "../../src/web/sign-ins.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function signInsAt() {
  const clock = { nowMs: 0 };
  const users = new Map<string, { role: "viewer" | "admin" }>([
    ["anna", { role: "viewer" }],
    ["bo", { role: "admin" }],
  ]);
  const signIns = new SignIns(
    (name) => users.get(name),
    () => clock.nowMs,
  );
  return { signIns, clock, users, begin: (name = "anna") => signIns.begin(name)?.id ?? "" };
}

describe("a sign-in", () => {
  it("has an id of 128 random bits, another each time, and a token against forgery", () => {
    const { signIns } = signInsAt();
    const [one, other] = [signIns.begin("anna"), signIns.begin("anna")];
    expect(one?.id).toMatch(/^[\w-]{22}$/);
    expect(Buffer.from(one?.id ?? "", "base64url")).toHaveLength(16);
    expect(new Set([one?.id, other?.id, one?.csrf, other?.csrf]).size).toBe(4);
    expect(signIns.find(one?.id ?? "")).toEqual({ name: "anna", role: "viewer", csrf: one?.csrf });
    expect(signIns.begin("nobody")).toBeUndefined();
    expect(signIns.find("x".repeat(22))).toBeUndefined();
  });

  it("ends after half an hour of silence, and not before", () => {
    const { signIns, clock, begin } = signInsAt();
    const id = begin();
    for (let i = 0; i < 4; i++) {
      clock.nowMs += 30 * MINUTE - 1;
      expect(signIns.find(id)).toBeDefined();
    }
    clock.nowMs += 30 * MINUTE;
    expect(signIns.find(id)).toBeUndefined();
    expect(signIns.size).toBe(0);
  });

  it("ends after twelve hours however busy it is", () => {
    const { signIns, clock, begin } = signInsAt();
    const id = begin();
    for (; clock.nowMs < 12 * HOUR - 20 * MINUTE; clock.nowMs += 20 * MINUTE)
      expect(signIns.find(id)).toBeDefined();
    clock.nowMs = 12 * HOUR;
    expect(signIns.find(id)).toBeUndefined();
  });

  it("ends when its user is changed in any way, and nobody else's with it", () => {
    const { signIns, users, begin } = signInsAt();
    const [anna, bo] = [begin(), begin("bo")];
    users.set("anna", { role: "viewer" });
    expect(signIns.find(anna)).toBeUndefined();
    expect(signIns.find(bo)).toMatchObject({ name: "bo", role: "admin" });
    users.delete("bo");
    expect(signIns.find(bo)).toBeUndefined();
  });

  it("is one of at most twenty of a user: the one longest unused goes", () => {
    const { signIns, begin } = signInsAt();
    const ids = Array.from({ length: 20 }, () => begin());
    const other = begin("bo");
    signIns.find(ids[0] ?? "");
    ids.push(begin());
    expect(ids.map((id) => signIns.find(id) !== undefined)).toEqual([true, false, ...Array(19).fill(true)]);
    expect(signIns.find(other)).toBeDefined();
  });
});
