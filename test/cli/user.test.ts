import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { auditList } from "../../src/cli/audit.ts";
import { userAdd, userList, userPassword, userRemove, userRole, userToken } from "../../src/cli/user.ts";
import { accessDir } from "../../src/gateway/people.ts";
import { People } from "../../src/identity/people.ts";
import { UserStore } from "../../src/identity/user-store.ts";
import { depot } from "../system/small-depot.ts";

const PASSWORD = "five cold blue spoons";

function io(piped = "") {
  const said = { out: "", err: "" };
  const to = (stream: "out" | "err") => ({
    write: (text: string) => {
      said[stream] += text;
    },
  });
  const stdin = new PassThrough();
  stdin.end(piped);
  return { stdout: to("out"), stderr: to("err"), stdin, said };
}

async function stopped() {
  const { made } = await depot();
  const options = { config: made.config, data: made.data };
  const people = () => new People({ store: new UserStore(accessDir(made.data)) });
  return { options, people };
}

describe("without a running gateway", () => {
  it("users are made, changed and removed in its files, and the audit trail says by whom", async () => {
    const { options, people } = await stopped();
    const added = io(`${PASSWORD}\n`);
    expect(await userAdd({ ...options, name: "anna", role: "operator" }, added)).toBe(0);
    expect(added.said).toEqual({ out: "", err: "anna added, role operator\n" });
    expect(await people().login("anna", PASSWORD, "10.0.0.1")).toEqual({
      caller: { name: "anna", role: "operator" },
    });
    await userRole({ ...options, name: "anna", role: "admin" }, io());
    const made = io();
    await userPassword({ ...options, name: "anna", generate: true }, made);
    expect(await people().login("anna", made.said.out.trim(), "10.0.0.1")).toEqual({
      caller: { name: "anna", role: "admin" },
    });
    const token = io();
    await userToken({ ...options, name: "wall", role: "kiosk", json: true }, token);
    const shown = JSON.parse(token.said.out) as { token: string };
    expect(people().ofToken(shown.token)).toEqual({ name: "wall", role: "kiosk" });
    const listed = io();
    await userList(options, listed);
    expect(listed.said.out).toBe("name  role   kind\nanna  admin  user\nwall  kiosk  token\n");
    await userRemove({ ...options, name: "anna" }, io());
    await userRemove({ ...options, name: "wall" }, io());
    expect(people().list()).toEqual([]);

    const trail = io();
    await auditList({ data: options.data, json: true }, trail);
    const lines = trail.said.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { actor: string; action: string; object: string });
    expect(lines.map(({ action, object }) => `${action} ${object}`)).toEqual([
      "user.added anna",
      "user.role_set anna",
      "user.password_set anna",
      "token.added wall",
      "user.removed anna",
      "user.removed wall",
    ]);
    expect(lines.every(({ actor }) => actor.startsWith("cli:"))).toBe(true);
    expect(trail.said.out).not.toContain(shown.token);
  });

  it("what is refused says why, and changes nothing", async () => {
    const { options, people } = await stopped();
    const add = (name: string, piped: string) => userAdd({ ...options, name, role: "viewer" }, io(piped));
    await expect(add("anna", "short\n")).rejects.toMatchObject({ code: "LP806", fix: /12 characters/ });
    await expect(add("api", `${PASSWORD}\n`)).rejects.toMatchObject({ code: "LP806" });
    await expect(add("anna", "")).rejects.toMatchObject({
      code: "LP803",
      message: /no password on standard/,
    });
    await expect(userRemove({ ...options, name: "anna" }, io())).rejects.toMatchObject({ code: "LP806" });
    expect(people().list()).toEqual([]);
  });
});

it("no option of the command takes a password or a token", () => {
  const text = readFileSync(join(import.meta.dirname, "../../src/cli/user-command.ts"), "utf8");
  expect(text).not.toMatch(/--(password|token|secret)/);
});
