import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { People } from "../../src/identity/people.ts";
import { SetupCode } from "../../src/identity/setup-code.ts";
import { UserStore } from "../../src/identity/user-store.ts";
import { scratchDir } from "../log/sample-events.ts";

const PASSWORD = "five cold blue spoons";
const MINUTE = 60_000;

let store: UserStore;
beforeEach(() => {
  store = new UserStore(join(scratchDir(), "access"), { n: 1024 });
});

async function peopleWithAnna() {
  await store.addUser("anna", "operator", PASSWORD);
  return peopleAt();
}

function peopleAt(clock = { nowMs: 0 }) {
  const braked: [string | undefined, string][] = [];
  const people = new People({
    store,
    nowMs: () => clock.nowMs,
    braked: (user, address) => braked.push([user, address]),
  });
  return { people, braked, clock };
}

describe("a login", () => {
  it("gives who it is, and takes a letter however the keyboard composed it", async () => {
    const { people } = await peopleWithAnna();
    expect(await people.login("anna", PASSWORD, "10.0.0.1")).toEqual({
      caller: { name: "anna", role: "operator" },
    });
    await store.addUser("ake", "viewer", "fem kalla bl\u00e5 skedar");
    const { people: later } = peopleAt();
    expect(await later.login("ake", "fem kalla bla\u030a skedar", "10.0.0.1")).toHaveProperty("caller");
  });

  it.each(["anna", "nobody-there"])(
    "of %s is refused unheard after five failures from an address, the right password too",
    async (user) => {
      const { people, braked, clock } = await peopleWithAnna();
      const told = [];
      for (let i = 0; i < 6; i++) told.push(await people.login(user, `wrong password ${i}`, "10.0.0.66"));
      expect(told.map((t) => ("refused" in t ? t.refused : "let in"))).toEqual([
        ...Array(5).fill("wrong"),
        "braked",
      ]);
      expect(await people.login(user, PASSWORD, "10.0.0.66")).toEqual({ refused: "braked" });
      // A name that nobody has may be a password that slipped into the wrong field.
      expect(braked.at(-1)).toEqual([user === "anna" ? "anna" : undefined, "10.0.0.66"]);
      expect("caller" in (await people.login(user, PASSWORD, "10.0.0.1"))).toBe(user === "anna");
      clock.nowMs = MINUTE;
      expect("caller" in (await people.login(user, PASSWORD, "10.0.0.66"))).toBe(user === "anna");
    },
  );

  it("that was right before does not let a braked address go on guessing", async () => {
    const { people } = await peopleWithAnna();
    expect(await people.login("anna", PASSWORD, "10.0.0.66")).toHaveProperty("caller");
    for (let i = 0; i < 5; i++) await people.login("anna", `wrong password ${i}`, "10.0.0.66");
    expect(await people.login("anna", PASSWORD, "10.0.0.66")).toEqual({ refused: "braked" });
  });

  it("is counted for the whole IPv6 network that it comes from", async () => {
    const { people } = await peopleWithAnna();
    for (let i = 1; i <= 5; i++) await people.login("anna", "a wrong password", `2001:db8:1:2:${i}::1`);
    expect(await people.login("anna", PASSWORD, "2001:db8:1:2:9::1")).toEqual({ refused: "braked" });
    expect(await people.login("anna", PASSWORD, "2001:db8:1:3::1")).toHaveProperty("caller");
    for (let i = 1; i <= 5; i++) await people.login("anna", "a wrong password", "::ffff:10.0.0.7");
    expect(await people.login("anna", PASSWORD, "10.0.0.7")).toEqual({ refused: "braked" });
    expect(await people.login("anna", PASSWORD, "::ffff:10.0.0.8")).toHaveProperty("caller");
  });

  it("beyond the short queue is asked to come again, and no failure is counted for it", async () => {
    const { people, braked } = await peopleWithAnna();
    const storm = await Promise.all(
      Array.from({ length: 40 }, (_, i) => people.login("anna", PASSWORD, `10.0.1.${i}`)),
    );
    expect(storm.some((one) => "refused" in one && one.refused === "busy")).toBe(false);
    const wrong = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        people.login(`guess-${i}`, `a wrong password ${i}`, `10.0.2.${i}`),
      ),
    );
    expect(wrong.filter((one) => "refused" in one && one.refused === "busy").length).toBe(40 - 9);
    expect(braked).toEqual([]);
  });
});

describe("a code for the editor", () => {
  const caller = { name: "anna", role: "operator" } as const;

  it("is good once, for its user, for two minutes", async () => {
    const { people, clock } = await peopleWithAnna();
    const { code } = people.editorCode(caller);
    expect(people.redeemEditorCode("anna", code)).toEqual(caller);
    expect(people.redeemEditorCode("anna", code)).toBeUndefined();
    expect(people.redeemEditorCode("bo", people.editorCode(caller).code)).toBeUndefined();
    const late = people.editorCode(caller).code;
    clock.nowMs = 2 * MINUTE;
    expect(people.redeemEditorCode("anna", late)).toBeUndefined();
  });

  it("ends with a change of its user, who is named to the listeners", async () => {
    const { people } = await peopleWithAnna();
    const changed: string[] = [];
    people.onChanged((name) => changed.push(name));
    const { code } = people.editorCode(caller);
    await people.setRole("anna", "viewer");
    await people.setRole("anna", "operator");
    expect(people.redeemEditorCode("anna", code)).toBeUndefined();
    expect(changed).toEqual(["anna", "anna"]);
  });
});

describe("the setup", () => {
  it("makes the first administrator once, and there is no default password", async () => {
    const people = new People({ store });
    expect(await people.login("admin", "admin-admin-1", "10.0.0.1")).toEqual({ refused: "wrong" });
    const code = people.issueSetupCode() ?? "";
    await expect(people.setUp(code, "anna", "weak", "10.0.0.1")).rejects.toMatchObject({
      code: "WEAK_PASSWORD",
    });
    const typed = code.toLowerCase().replaceAll("-", " ");
    expect(await people.setUp(typed, "anna", PASSWORD, "10.0.0.1")).toEqual({
      caller: { name: "anna", role: "admin" },
    });
    expect(await people.setUp(code, "bo", PASSWORD, "10.0.0.1")).toEqual({ refused: "wrong" });
    expect(people.issueSetupCode()).toBeUndefined();
    expect(await people.login("anna", PASSWORD, "10.0.0.1")).toHaveProperty("caller");
  });

  it("is over as soon as somebody made a user in another way", async () => {
    const people = new People({ store });
    const code = people.issueSetupCode() ?? "";
    await people.addUser("bo", "viewer", PASSWORD);
    expect(await people.setUp(code, "anna", PASSWORD, "10.0.0.1")).toEqual({ refused: "wrong" });
  });

  it("has a code of 80 bits that ends after an hour, with the next one, and under guesses", () => {
    let nowMs = 0;
    const setup = new SetupCode(() => nowMs);
    expect(setup.check("", "a")).toBe("wrong");
    const first = setup.issue();
    expect(first).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    const code = setup.issue();
    expect(setup.check(first, "b")).toBe("wrong");
    for (let i = 0; i < 5; i++) setup.check("wrong", "c");
    expect(setup.check(code, "c")).toBe("braked");
    expect(setup.check(code, "b")).toBe("right");
    for (let i = 0; i < 30; i++) setup.check("wrong", `d${i}`);
    expect(setup.check(code, "b")).toBe("braked");
    nowMs = 3_599_999;
    expect(setup.check(code, "b")).toBe("right");
    nowMs = 3_600_000;
    expect(setup.check(code, "b")).toBe("wrong");
  });
});
