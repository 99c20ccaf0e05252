/** Users of the gateway at the editor: a code that is good once, no password of theirs, and rights as the gateway says. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { EditorAccess } from "../../src/node-red/child.ts";
import { ADMIN, inject, PATIENCE_MS, type Rig, startRig, TAB } from "./rig.ts";

vi.setConfig({ testTimeout: 2 * PATIENCE_MS, hookTimeout: 2 * PATIENCE_MS });

const codes = new Map<string, { name: string; access: EditorAccess }>();
const asked: string[] = [];

function codeFor(name: string, access: EditorAccess): string {
  const code = randomBytes(16).toString("base64url");
  codes.set(code, { name, access });
  return code;
}

let rig: Rig;
let url: string;
beforeAll(async () => {
  rig = await startRig([TAB, inject("press", "none")], {
    editorAccess(name, code) {
      asked.push(`${name} ${code}`);
      const found = codes.get(code);
      codes.delete(code);
      return found?.name === name ? found.access : undefined;
    },
  });
  await rig.reached("up");
  url = await rig.until("editor", () => rig.flows.editorUrl);
});
afterAll(() => rig?.stop());

async function signIn(username: string, password: string): Promise<string | undefined> {
  // As the editor does, which asks for no scope: rights are what the user has.
  const body = { client_id: "node-red-editor", grant_type: "password", scope: "", username, password };
  const answer = await fetch(new URL("auth/token", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { access_token?: string }).access_token;
}

async function statuses(token: string | undefined): Promise<number[]> {
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  const read = await fetch(new URL("flows", url), { headers });
  const flows = await read.text();
  const write = await fetch(new URL("flows", url), {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: read.ok ? flows : "[]",
  });
  return [read.status, write.status];
}

test("a code lets its user in once, to write or to read as the gateway says", async () => {
  const code = codeFor("anna", "write");
  expect(await statuses(await signIn("anna", code))).toEqual([200, 204]);
  expect(await signIn("anna", code)).toBeUndefined();
  expect(await signIn("bo", codeFor("anna", "write"))).toBeUndefined();
  expect(await statuses(await signIn("bo", codeFor("bo", "read")))).toEqual([200, 401]);
});

test("whom the gateway forgets is signed out, and nobody else", async () => {
  const [anna, bo] = [
    await signIn("anna", codeFor("anna", "write")),
    await signIn("bo", codeFor("bo", "read")),
  ];
  rig.flows.forget("anna");
  await rig.until("anna to be out", async () => ((await statuses(anna))[0] === 401 ? true : undefined));
  expect((await statuses(bo))[0]).toBe(200);
});

test("a password is not even sent to the gateway, and the editor's own user needs none", async () => {
  asked.length = 0;
  expect(await signIn("anna", "five cold blue spoons")).toBeUndefined();
  expect(await signIn("Anna x\nport 1", randomBytes(16).toString("base64url"))).toBeUndefined();
  expect(asked).toEqual([]);
  expect(await statuses(await signIn(ADMIN.username, ADMIN.password))).toEqual([200, 204]);
  expect(asked).toEqual([]);
});

test("a user who is called like the editor's own gets no more than the gateway gives", async () => {
  expect(await signIn(ADMIN.username, codeFor(ADMIN.username, "read"))).toBeUndefined();
  expect(await statuses(await signIn(ADMIN.username, codeFor(ADMIN.username, "write")))).toEqual([200, 204]);
});
