import { describe, expect, it } from "vitest";
import { OS_USER_HEADER } from "../../src/web/access.ts";
import { API_TOKEN, accessRig } from "./access-rig.ts";

const WHY = { reason: "asked for it" };
const ASKS: readonly [path: string, body: object][] = [
  ["find", { token: { uid: "04D5A7C1E93B80" } }],
  ["ref-1/export", WHY],
  ["ref-1/erase", WHY],
  ["ref-1/hold", WHY],
  ["ref-1/release", WHY],
];

async function rig() {
  const { call, tokens, audited } = await accessRig();
  const post = (path: string, body: object, token: string, more: Record<string, string> = {}) =>
    call("POST", `/api/v1/subjects/${path}`, {
      body,
      headers: { authorization: `Bearer ${token}`, ...more },
    });
  return { post, tokens, audited };
}

describe.each(ASKS)("subjects/%s", (path, body) => {
  it("is audited under the name of who signed in, who cannot say that it was another", async () => {
    const { post, tokens, audited } = await rig();
    const token = tokens.get("privacy") ?? "";
    expect((await post(path, body, token, { [OS_USER_HEADER]: "bo" })).status).toBe(200);
    expect(audited).toMatchObject([{ actor: "t-privacy", object: "ref-1" }]);
    expect(audited[0]?.detail).not.toHaveProperty("os_user");
    expect((await post(path, { ...body, actor: "cli:bo" }, token)).status).toBe(400);
    expect(audited).toHaveLength(1);
  });

  it("by a command of this machine says whose hand it was", async () => {
    const { post, audited } = await rig();
    const hand = { [OS_USER_HEADER]: encodeURIComponent("DEPOT\\Åsa B") };
    expect((await post(path, body, API_TOKEN, hand)).status).toBe(200);
    expect(audited).toMatchObject([{ actor: "api", detail: { os_user: "DEPOT\\Åsa B" } }]);
  });
});

it.each(["%E0%A4%A", "", "a%0Ab"])(
  "a hand that is no name, %j, is left out and stops nothing",
  async (said) => {
    const { post, audited } = await rig();
    expect((await post("ref-1/release", WHY, API_TOKEN, { [OS_USER_HEADER]: said })).status).toBe(200);
    expect(audited).toEqual([
      { actor: "api", action: "subject.hold_released", object: "ref-1", ...WHY, detail: {} },
    ]);
  },
);
