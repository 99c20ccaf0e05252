/**
 * Who is calling, and may they: before anything else is read of a request. A bearer token (RFC 6750) or the cookie of
 * a sign-in; what changes something needs a header beside the cookie that no other site's page can send.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Caller, may } from "../identity/access.ts";
import type { People } from "../identity/people.ts";
import { RequestError } from "./api.ts";
import { type Need, needOf } from "./routes.ts";
import type { SignIns } from "./sign-ins.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    permission?: string;
  }
  interface FastifyRequest {
    /** Who calls. Nobody, with no role, where the route asks for none. */
    user: Caller;
  }
}

export interface AccessOptions {
  /** The token of api.token_file: user `api`, role admin. */
  apiToken: string;
  people?: People | undefined;
  signIns: SignIns;
  /** Host names that answer; undefined: all of them. */
  hosts: ReadonlySet<string> | undefined;
  tls: boolean;
}

/** Whoever holds the token of api.token_file. No user can have that name. */
const MACHINE: Caller = { name: "api", role: "admin" };

/** May do nothing: an empty role is in no table. */
const NOBODY = { name: "nobody", role: "" } as unknown as Caller;

/** A command of this machine says which of its users it acts for, URI-encoded. Taken from nobody else. */
export const OS_USER_HEADER = "laddport-os-user";
const MAX_OS_USER = 64;

function machine({ headers }: FastifyRequest): Caller {
  const said = headers[OS_USER_HEADER];
  if (typeof said !== "string") return MACHINE;
  try {
    const osUser = decodeURIComponent(said).slice(0, MAX_OS_USER);
    return /^[^\p{Cc}]+$/u.test(osUser) ? { ...MACHINE, osUser } : MACHINE;
  } catch {
    return MACHINE;
  }
}

const LOOPBACK_NAMES: readonly string[] = ["127.0.0.1", "localhost", "[::1]", "::1"];

/** A page in a browser on this machine can reach loopback under a name of its own (DNS rebinding). */
export function hostsOf(listen: string, others: readonly string[]): ReadonlySet<string> | undefined {
  const isOwn = LOOPBACK_NAMES.includes(listen);
  if (!isOwn && others.length === 0) return undefined;
  return new Set([...LOOPBACK_NAMES, listen, `[${listen}]`, ...others].map((name) => name.toLowerCase()));
}

/** Every route registered from here on has its need, or is refused. */
export function guard(server: FastifyInstance, options: AccessOptions): void {
  server.decorateRequest("user");
  server.addHook("onRoute", ({ method, url, config }) => {
    for (const one of [method].flat()) {
      if (needOf(one, url, config?.permission) === undefined)
        throw new Error(`${one} ${url} asks for no permission: state one in src/web/routes.ts`);
    }
  });
  const caller = callerOf(options);
  server.addHook("onRequest", async (request) => {
    request.user = NOBODY;
    const { url, config } = request.routeOptions;
    if (url === undefined) return;
    const need = needOf(request.method, url, config.permission);
    if (need === "public") return;
    if (options.hosts && !options.hosts.has(hostName(request))) throw new RequestError(403, HOST_REFUSED);
    refuseForeignOrigin(request, options.tls);
    if (need === "anyone") return;
    request.user = caller(request);
    if (!allowed(request.user, need))
      throw new RequestError(403, {
        code: "FORBIDDEN",
        message: `${request.user.name} has the role ${request.user.role}, which may not do this.`,
        fix: "An administrator gives roles: laddport user role.",
      });
  });
}

function allowed({ name, role }: Caller, need: Need | undefined): boolean {
  if (need === undefined || need === "public" || need === "anyone") return false;
  if (need === "machine") return name === MACHINE.name;
  return need === "signed-in" || may(role, need);
}

function callerOf({ apiToken, people, signIns, tls }: AccessOptions): (request: FastifyRequest) => Caller {
  const expected = sha256(apiToken);
  return (request) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const token = /^Bearer +(\S{1,200}) *$/i.exec(authorization)?.[1] ?? "";
      if (timingSafeEqual(sha256(token), expected)) return machine(request);
      const known = people?.ofToken(token);
      if (known) return known;
      throw unauthorized("The API token is not a known one.");
    }
    const id = signInId(request, tls);
    const found = id === undefined ? undefined : signIns.find(id);
    if (!found) throw unauthorized(id === undefined ? "Nobody is signed in." : "The sign-in has ended.");
    const isSafe = request.method === "GET" || request.method === "HEAD";
    if (!isSafe && !sameText(request.headers["x-csrf-token"], found.csrf))
      throw new RequestError(403, {
        code: "CSRF_REFUSED",
        message: "The request could come from a page of another site.",
        fix: "Send the header X-CSRF-Token with what GET /api/v1/me gives as csrf.",
      });
    return { name: found.name, role: found.role };
  };
}

const unauthorized = (message: string) =>
  new RequestError(
    401,
    {
      code: "UNAUTHORIZED",
      message,
      fix: "Sign in with POST /api/v1/login, or send Authorization: Bearer <token>.",
    },
    { "www-authenticate": "Bearer" },
  );

const HOST_REFUSED = {
  code: "HOST_REFUSED",
  message: "The API does not answer under this host name.",
  fix: "Use http://127.0.0.1, or name the host in api.hosts.",
};

/** `127.0.0.1` of `127.0.0.1:8080`, lower case. */
function hostName(request: FastifyRequest): string {
  return (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
}

/** Browsers say where a request comes from; programs need not. */
function refuseForeignOrigin(request: FastifyRequest, tls: boolean): void {
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  if (request.method === "GET" || request.method === "HEAD") return;
  const isForeign =
    (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) ||
    (tls && origin?.startsWith("http:")) ||
    (site !== undefined && site !== "same-origin" && site !== "none");
  if (isForeign)
    throw new RequestError(403, {
      code: "ORIGIN_REFUSED",
      message: "The request comes from a page of another site.",
      fix: "Use the gateway's own pages, or a program that sends no Origin.",
    });
}

/** With TLS the name itself makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis, 4.1.3.2). */
const cookieName = (tls: boolean) => (tls ? "__Host-laddport" : "laddport");

export function signInId(request: FastifyRequest, tls: boolean): string | undefined {
  const pattern = new RegExp(`(?:^|; *)${cookieName(tls)}=([\\w-]{22})(?:;|$)`);
  return pattern.exec(request.headers.cookie ?? "")?.[1];
}

/** `id` null takes it back. */
export function signInCookie(id: string | null, tls: boolean): string {
  const parts = [`${cookieName(tls)}=${id ?? ""}`, "Path=/", "HttpOnly", "SameSite=Strict"];
  return [...parts, ...(tls ? ["Secure"] : []), ...(id === null ? ["Max-Age=0"] : [])].join("; ");
}

const sha256 = (text: string) => createHash("sha256").update(text).digest();

const sameText = (given: string | string[] | undefined, expected: string) =>
  typeof given === "string" && timingSafeEqual(sha256(given), sha256(expected));
