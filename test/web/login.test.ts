import { request } from "node:https";
import { describe, expect, it } from "vitest";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { API_TOKEN, accessRig, PASSWORD } from "./access-rig.ts";

const asApi = { authorization: `Bearer ${API_TOKEN}` };

describe("signing in", () => {
  it("gives a strict cookie that reads, and writes only with the token against forgery", async () => {
    const { call, audited } = await accessRig({}, ["operator"]);
    const answer = await call("POST", "/api/v1/login", { body: { user: "u-operator", password: PASSWORD } });
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^laddport=[\w-]{22}; Path=\/; HttpOnly; SameSite=Strict$/);
    const { csrf, ...who } = (await answer.json()) as { csrf: string };
    expect(who).toEqual({ user: "u-operator", role: "operator" });
    expect(audited).toMatchObject([{ actor: "u-operator", action: "user.signed_in" }]);
    const headers = { cookie: `other=1; ${cookie.split(";")[0]}; more=2` };
    expect(await (await call("GET", "/api/v1/me", { headers })).json()).toEqual({ ...who, csrf });
    const post = (more: Record<string, string>) =>
      call("POST", "/api/v1/flows/editor-code", { headers: { ...headers, ...more } });
    expect(await (await post({})).json()).toMatchObject({ code: "CSRF_REFUSED" });
    expect(await (await post({ "x-csrf-token": "guess" })).json()).toMatchObject({ code: "CSRF_REFUSED" });
    expect((await post({ "x-csrf-token": csrf })).status).toBe(200);
  });

  it("begins anew at each login and is over at logout, for the server too", async () => {
    const { call, signIn } = await accessRig({}, ["viewer"]);
    const first = await signIn("u-viewer");
    const again = await call("POST", "/api/v1/login", {
      body: { user: "u-viewer", password: PASSWORD },
      headers: { cookie: first.cookie },
    });
    const cookie = (again.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const { csrf } = (await again.json()) as { csrf: string };
    expect(cookie).not.toBe(first.cookie);
    expect((await call("GET", "/api/v1/me", { headers: first })).status).toBe(401);
    expect((await call("GET", "/api/v1/me", { headers: { cookie } })).status).toBe(200);
    const out = await call("POST", "/api/v1/logout", { headers: { cookie, "x-csrf-token": csrf } });
    expect([out.status, out.headers.get("set-cookie")]).toEqual([
      204,
      "laddport=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
    ]);
    expect((await call("GET", "/api/v1/me", { headers: { cookie } })).status).toBe(401);
  });

  it("takes no session id that someone else chose", async () => {
    const { call } = await accessRig({}, ["viewer"]);
    const planted = { cookie: `laddport=${"A".repeat(22)}` };
    const answer = await call("POST", "/api/v1/login", {
      body: { user: "u-viewer", password: PASSWORD },
      headers: planted,
    });
    expect(answer.headers.get("set-cookie")).not.toContain("A".repeat(22));
    expect((await call("GET", "/api/v1/me", { headers: planted })).status).toBe(401);
  });

  it("is over when the role or password changes, the user is removed, or half an hour passed", async () => {
    const { call, signIn, clock } = await accessRig({}, ["viewer"]);
    const isIn = async (headers: { cookie: string }) =>
      (await call("GET", "/api/v1/status", { headers })).status === 200;
    const changes: [string, string, object][] = [
      ["PUT", "/api/v1/users/u-viewer/role", { role: "operator" }],
      ["PUT", "/api/v1/users/u-viewer/password", { password: "six warm red forks" }],
      ["DELETE", "/api/v1/users/u-viewer", {}],
    ];
    let password = PASSWORD;
    for (const [method, path, body] of changes) {
      const { cookie } = await signIn("u-viewer", password);
      expect(await isIn({ cookie })).toBe(true);
      expect((await call(method, path, { body, headers: asApi })).status).toBe(200);
      expect(await isIn({ cookie }), path).toBe(false);
      if ("password" in body) password = String(body.password);
    }
    await call("POST", "/api/v1/users", { body: { name: "bo", role: "viewer", password }, headers: asApi });
    const { cookie } = await signIn("bo", password);
    clock.wireMs += 30 * 60_000;
    expect(await isIn({ cookie })).toBe(false);
  });

  it("answers a wrong password, an unknown user and a braked one alike, byte for byte", async () => {
    const { call } = await accessRig({}, ["viewer"]);
    const said = async (user: string) => {
      const answer = await call("POST", "/api/v1/login", { body: { user, password: "a wrong password" } });
      const headers = [...answer.headers].filter(([name]) => name !== "date");
      return JSON.stringify([answer.status, headers, await answer.text()]);
    };
    for (let i = 0; i < 7; i++) expect(await said("u-viewer"), `${i}`).toBe(await said("u-nobody"));
    expect(await said("u-viewer")).toContain("TOO_MANY_TRIES");
    expect(await said("u-viewer")).toContain('["retry-after","60"]');
  });

  it("repeats nothing of a body that it does not understand", async () => {
    const { call } = await accessRig();
    for (const body of [
      { user: "my-secret-password" },
      { user: 7, password: "my-secret-password" },
      "x",
      null,
    ]) {
      const answer = await call("POST", "/api/v1/login", { body });
      expect(answer.status).toBe(400);
      expect(await answer.text()).not.toContain("my-secret-password");
    }
  });
});

describe("a page of another site", () => {
  it.each([
    { origin: "http://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ])("cannot sign anybody in: %o", async (headers) => {
    const { call } = await accessRig();
    const answer = await call("POST", "/api/v1/login", { body: { user: "a", password: "b" }, headers });
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: "ORIGIN_REFUSED" }]);
  });

  it("is not the gateway's own, which may", async () => {
    const { call, url } = await accessRig();
    const headers = { origin: url, "sec-fetch-site": "same-origin" };
    const answer = await call("POST", "/api/v1/login", { body: { user: "a", password: "b" }, headers });
    expect(await answer.json()).toMatchObject({ code: "LOGIN_FAILED" });
  });

  it("cannot post a form: JSON alone is read", async () => {
    const { url } = await accessRig();
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
    ]) {
      const body = '{"user":"a","password":"b"}';
      const answer = await fetch(`${url}/api/v1/login`, {
        method: "POST",
        body,
        headers: { "content-type": type },
      });
      expect(answer.status, type).toBe(415);
    }
  });
});

describe("one's own password", () => {
  it("changes with the old one, ends other sign-ins and begins a new one", async () => {
    const { call, signIn } = await accessRig({}, ["viewer"]);
    const [here, elsewhere] = [await signIn("u-viewer"), await signIn("u-viewer")];
    const put = (old_password: string, headers: { cookie: string; csrf: string }) =>
      call("PUT", "/api/v1/me/password", {
        body: { old_password, password: "six warm red forks" },
        headers: { cookie: headers.cookie, "x-csrf-token": headers.csrf },
      });
    expect((await put("a wrong password", here)).status).toBe(401);
    const changed = await put(PASSWORD, here);
    const cookie = (changed.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    expect((await call("GET", "/api/v1/me", { headers: { cookie } })).status).toBe(200);
    for (const { cookie: old } of [here, elsewhere])
      expect((await call("GET", "/api/v1/me", { headers: { cookie: old } })).status).toBe(401);
    const token = await call("PUT", "/api/v1/me/password", { body: {}, headers: asApi });
    expect(await token.json()).toMatchObject({ code: "NO_PASSWORD" });
  });
});

describe("users", () => {
  it("are made, listed without hashes, and refused with the fix", async () => {
    const { call, audited } = await accessRig();
    const post = (path: string, body: object) => call("POST", path, { body, headers: asApi });
    const anna = { name: "anna", role: "operator", password: PASSWORD };
    expect((await post("/api/v1/users", anna)).status).toBe(201);
    expect((await post("/api/v1/users", anna)).status).toBe(409);
    expect(await (await post("/api/v1/users", { ...anna, name: "bo", password: "x" })).json()).toMatchObject({
      code: "WEAK_PASSWORD",
      fix: expect.stringContaining("12"),
    });
    const made = (await (await post("/api/v1/tokens", { name: "script", role: "viewer" })).json()) as {
      token: string;
    };
    const headers = { authorization: `Bearer ${made.token}` };
    expect(await (await call("GET", "/api/v1/me", { headers })).json()).toEqual({
      user: "script",
      role: "viewer",
    });
    const listed = await (await call("GET", "/api/v1/users", { headers: asApi })).text();
    expect(listed).toContain('{"name":"anna","role":"operator","kind":"user"}');
    expect(listed).not.toMatch(/scrypt|sha256|hash/);
    expect(audited.map(({ actor, action, object }) => `${actor} ${action} ${object}`)).toEqual([
      "api user.added anna",
      "api token.added script",
    ]);
    expect(JSON.stringify(audited)).not.toContain(PASSWORD);
    expect((await call("DELETE", "/api/v1/users/script", { headers: asApi })).status).toBe(200);
    expect((await call("GET", "/api/v1/me", { headers })).status).toBe(401);
    expect((await call("DELETE", "/api/v1/users/script", { headers: asApi })).status).toBe(404);
  });

  it("decide in their own name, whatever the body says", async () => {
    const { call, signIn } = await accessRig({}, ["billing"]);
    const { cookie, csrf } = await signIn("u-billing");
    const body = { by: "somebody-else", reason: "read the meter" };
    const headers = { cookie, "x-csrf-token": csrf };
    const path = "/api/v1/holds/s1-7/release";
    expect(await (await call("POST", path, { body, headers })).json()).toMatchObject({ by: "u-billing" });
    expect(await (await call("POST", path, { body, headers: asApi })).json()).toMatchObject({
      by: "somebody-else",
    });
  });
});

describe("the first administrator", () => {
  it("is made with the code, and is signed in", async () => {
    const { call, people, audited } = await accessRig();
    const setUp = (code: string) =>
      call("POST", "/api/v1/setup", { body: { code, user: "anna", password: PASSWORD } });
    expect(await (await setUp("0000-0000-0000-0000")).json()).toMatchObject({ code: "SETUP_FAILED" });
    const code = people.issueSetupCode() ?? "";
    const answer = await setUp(code);
    expect(await answer.json()).toMatchObject({ user: "anna", role: "admin" });
    const headers = { cookie: (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
    expect((await call("GET", "/api/v1/users", { headers })).status).toBe(200);
    expect(audited).toMatchObject([{ actor: "anna", action: "setup.completed" }]);
    expect((await setUp(code)).status).toBe(401);
  });
});

describe("with TLS", () => {
  const { keyPem, certPem } = issueCertificate({ name: "depot", purpose: "server", hosts: ["127.0.0.1"] });
  const tls = { key: Buffer.from(keyPem), cert: Buffer.from(certPem) };

  const over = (url: string, more: object, body?: string) =>
    new Promise<{ status: number; cookie: string; hsts: string }>((resolve, reject) => {
      const asked = request(`${url}/api/v1/login`, { method: "POST", ca: certPem, ...more }, (answer) => {
        const { "set-cookie": cookie = [], "strict-transport-security": hsts = "" } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, cookie: cookie.join(), hsts });
        answer.resume();
      });
      asked.on("error", reject);
      asked.end(body);
    });

  it("the cookie is bound to it by its name", async () => {
    const { url } = await accessRig({ tls }, ["viewer"]);
    expect(url).toMatch(/^https:/);
    const headers = { "content-type": "application/json" };
    const answer = await over(url, { headers }, JSON.stringify({ user: "u-viewer", password: PASSWORD }));
    expect(answer).toMatchObject({ status: 200, hsts: "max-age=31536000" });
    expect(answer.cookie).toMatch(/^__Host-laddport=[\w-]{22}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  });

  it.each([
    ["TLS 1.1", { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" }],
    ["CBC", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256" }],
  ])("%s is refused in the handshake", async (_, more) => {
    const { url } = await accessRig({ tls });
    await expect(over(url, more)).rejects.toThrow(/alert (protocol version|handshake failure)/);
  });
});
