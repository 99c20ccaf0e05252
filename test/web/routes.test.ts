/** Every route against every role. A route without a permission is not registered at all. */
import Fastify from "fastify";
import { describe, expect, it } from "vitest";
import { type AccessRole, may, TOKEN_ROLES } from "../../src/identity/access.ts";
import { guard } from "../../src/web/access.ts";
import { needOf, ROUTES } from "../../src/web/routes.ts";
import { SignIns } from "../../src/web/sign-ins.ts";
import { API_TOKEN, accessRig } from "./access-rig.ts";

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe("a route", () => {
  const guarded = () => {
    const server = Fastify();
    const signIns = new SignIns(() => undefined);
    guard(server, { apiToken: API_TOKEN, signIns, hosts: undefined, tls: false });
    return server;
  };

  it("that states no permission cannot be registered", () => {
    expect(() => guarded().get("/api/v1/everything", async () => ({}))).toThrow(
      "GET /api/v1/everything asks for no permission",
    );
    const config = { permission: "whatever" };
    expect(() => guarded().get("/api/v1/everything", { config }, async () => ({}))).toThrow("no permission");
  });

  it("may state it on itself, and the table wins where it speaks", async () => {
    const server = guarded();
    server.get("/api/v1/secrets", { config: { permission: "privacy" } }, async () => ({ told: true }));
    expect((await server.inject("/api/v1/secrets")).statusCode).toBe(401);
    const headers = { authorization: `Bearer ${API_TOKEN}` };
    expect((await server.inject({ url: "/api/v1/secrets", headers })).json()).toEqual({ told: true });
    expect(needOf("GET", "/api/v1/users", "glance")).toBe("admin");
  });
});

describe("the table of routes", () => {
  it("has no route that the server has not, and asks HEAD what it asks GET", async () => {
    const { call } = await accessRig();
    for (const route of Object.keys(ROUTES)) {
      const [method = "", path = ""] = route.split(" ");
      const answer = await call(method, path.replace(/:\w+/, "s1-7"), bearer(API_TOKEN));
      const code = answer.status === 404 ? ((await answer.json()) as { code: string }).code : "";
      expect(code, route).not.toBe("NOT_FOUND");
    }
    expect((await call("HEAD", "/api/v1/users")).status).toBe(401);
  });

  it("lets a role where its permissions lead, and nowhere else", async () => {
    const { call, tokens } = await accessRig();
    for (const [route, need] of Object.entries(ROUTES)) {
      if (need === "public" || need === "anyone") continue;
      const [method = "", path = ""] = route.split(" ");
      const place = path.replace(/:\w+/, "s1-7");
      expect((await call(method, place)).status, `${route} unknown`).toBe(401);
      for (const role of TOKEN_ROLES) {
        const { status } = await call(method, place, bearer(tokens.get(role) ?? ""));
        const isLetIn = need !== "machine" && (need === "signed-in" || may(role, need));
        if (path !== "/api/v1/me/password") expect(status !== 403, `${route} ${role}`).toBe(isLetIn);
      }
    }
  });

  it("shows a kiosk stations and status without people, sessions, costs, groups, vehicles, departures or alerts", async () => {
    const { call, tokens } = await accessRig();
    const kiosk = bearer(tokens.get("kiosk") ?? "");
    expect(await (await call("GET", "/api/v1/status", kiosk)).json()).toEqual({ site: "depot" });
    expect(await (await call("GET", "/api/v1/stations", kiosk)).json()).toEqual({
      stations: [{ station: "cp-01" }],
    });
    expect(await (await call("GET", "/api/v1/readiness", kiosk)).json()).toEqual({
      counts: { at_risk: 1 },
      vehicles: [{ evse: "cp-01/1", state: "at_risk" }],
    });
    expect((await call("GET", "/health", kiosk)).status).toBe(200);
    for (const path of [
      "/api/v1/sessions",
      "/api/v1/history?station=cp-01",
      "/api/v1/holds",
      "/api/v1/report",
    ])
      expect((await call("GET", path, kiosk)).status, path).toBe(403);
  });
});

describe("personal fields", () => {
  const reading = "/api/v1/sessions/s1-7?personal=true&reason=a%20complaint";

  it.each<[AccessRole, boolean]>([
    ["viewer", false],
    ["operator", false],
    ["billing", true],
    ["privacy", true],
    ["admin", true],
  ])("asked for by %s are shown and audited: %s", async (role, isShown) => {
    const { call, tokens, audited } = await accessRig();
    const answer = await call("GET", reading, bearer(tokens.get(role) ?? ""));
    expect(answer.status).toBe(isShown ? 200 : 403);
    expect((await answer.text()).includes("pseudonym")).toBe(isShown);
    const entry = { actor: `t-${role}`, action: "session.read", object: "s1-7", reason: "a complaint" };
    expect(audited).toEqual(isShown ? [{ ...entry, detail: {} }] : []);
  });

  it.each(["", "&reason=", "&reason=%20%20a%20", "&reason=one&reason=two"])(
    "are shown to nobody who does not say why: %s",
    async (why) => {
      const { call, audited } = await accessRig();
      const answer = await call("GET", `/api/v1/sessions/s1-7?personal=true${why}`, bearer(API_TOKEN));
      expect(answer.status).toBe(400);
      const text = await answer.text();
      expect(text).toContain("REASON_REQUIRED");
      expect(text).not.toContain("pseudonym");
      expect(audited).toEqual([]);
    },
  );

  it("are shown to nobody who does not ask, and then nothing is audited", async () => {
    const { call, audited } = await accessRig();
    for (const path of [
      "/api/v1/sessions",
      "/api/v1/sessions/s1-7",
      "/api/v1/holds",
      "/api/v1/stations?personal=true",
    ])
      expect(await (await call("GET", path, bearer(API_TOKEN))).text(), path).not.toContain("pseudonym");
    expect(audited).toEqual([]);
  });

  it("are not shown when the audit trail does not take that they are", async () => {
    const failed: Error[] = [];
    const { call } = await accessRig({
      audit: {
        record: () => Promise.reject(new Error("the disk is full")),
        list: async () => ({ entries: [], more: false }),
      },
      onError: (error) => failed.push(error),
    });
    const answer = await call("GET", reading, bearer(API_TOKEN));
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("pseudonym");
    expect(failed.map((error) => error.message)).toEqual(["the disk is full"]);
  });
});
