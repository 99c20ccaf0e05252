/** Signing in and out, and the very first administrator. All refusals of a login are alike, whoever the user is. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Caller } from "../identity/access.ts";
import type { People } from "../identity/people.ts";
import type { Audit } from "../model/audit.ts";
import { signInCookie, signInId } from "./access.ts";
import { RequestError } from "./api.ts";
import type { SignIns } from "./sign-ins.ts";
import { bodyOf, refusing } from "./users.ts";

const Login = z.object({ user: z.string().max(64), password: z.string().min(1).max(256) });
const Setup = z.object({ ...Login.shape, code: z.string().max(64) });
const Password = z.object({ old_password: z.string().max(256), password: z.string().max(256) });

/** Longest that a login may wait for those before it on a busy machine; a silent socket is cut sooner elsewhere. */
const PATIENCE_MS = 60_000;

const RETRY = { "retry-after": "60" };

export interface LoginDoor {
  people: People;
  signIns: SignIns;
  audit: Audit;
  tls: boolean;
}

export function registerLogin(server: FastifyInstance, door: LoginDoor): void {
  const { people, signIns, audit, tls } = door;

  async function welcome(caller: Caller, action: string, request: FastifyRequest, reply: FastifyReply) {
    await audit({
      actor: caller.name,
      action,
      object: caller.name,
      reason: null,
      detail: { role: caller.role },
    });
    // An id that someone planted before the login is good for nothing after it.
    const old = signInId(request, tls);
    if (old !== undefined) signIns.end(old);
    const begun = signIns.begin(caller.name);
    if (!begun) throw new RequestError(401, LOGIN_FAILED);
    reply.header("set-cookie", signInCookie(begun.id, tls));
    return { user: caller.name, role: caller.role, csrf: begun.csrf };
  }

  server.post("/api/v1/login", async (request, reply) => {
    const { user, password } = bodyOf(Login, request.body, "user and password");
    request.raw.socket.setTimeout(PATIENCE_MS);
    const outcome = await people.login(user, password, request.ip);
    if ("caller" in outcome) return welcome(outcome.caller, "user.signed_in", request, reply);
    throw refusalOf(outcome.refused);
  });

  server.post("/api/v1/setup", async (request, reply) => {
    const { code, user, password } = bodyOf(Setup, request.body, "code, user and password");
    const outcome = await refusing(() => people.setUp(code, user, password, request.ip));
    if ("caller" in outcome) return welcome(outcome.caller, "setup.completed", request, reply);
    throw outcome.refused === "braked" ? refusalOf("braked") : new RequestError(401, SETUP_FAILED);
  });

  server.post("/api/v1/logout", async (request, reply) => {
    const id = signInId(request, tls);
    if (id !== undefined) signIns.end(id);
    return reply.header("set-cookie", signInCookie(null, tls)).code(204).send();
  });

  server.get("/api/v1/me", async (request) => {
    const id = signInId(request, tls);
    const signIn =
      request.headers.authorization === undefined && id !== undefined ? signIns.find(id) : undefined;
    return { user: request.user.name, role: request.user.role, ...(signIn ? { csrf: signIn.csrf } : {}) };
  });

  server.put("/api/v1/me/password", async (request, reply) => {
    const { name } = request.user;
    if (!people.standing(name))
      throw new RequestError(403, {
        code: "NO_PASSWORD",
        message: `${name} is a token and has no password.`,
        fix: "Sign in as a user.",
      });
    const { old_password, password } = bodyOf(Password, request.body, "old_password and password");
    request.raw.socket.setTimeout(PATIENCE_MS);
    const outcome = await people.login(name, old_password, request.ip);
    if (!("caller" in outcome)) throw refusalOf(outcome.refused);
    await refusing(() => people.setPassword(name, password));
    return welcome(outcome.caller, "user.password_set", request, reply);
  });

  server.post("/api/v1/flows/editor-code", async ({ user }) => {
    const made = people.editorCode(user);
    await audit({
      actor: user.name,
      action: "editor.code_issued",
      object: user.name,
      reason: null,
      detail: {},
    });
    return { user: user.name, ...made };
  });
}

const LOGIN_FAILED = {
  code: "LOGIN_FAILED",
  message: "User or password is not right.",
  fix: "Try again. An administrator sets another password with laddport user password.",
};

const SETUP_FAILED = {
  code: "SETUP_FAILED",
  message: "The code is not right, was used, or is more than an hour old.",
  fix: "While there is no user a restart of the gateway shows a new one.",
};

function refusalOf(refused: "wrong" | "braked" | "busy"): RequestError {
  if (refused === "wrong") return new RequestError(401, LOGIN_FAILED);
  const isBusy = refused === "busy";
  const answer = {
    code: isBusy ? "BUSY" : "TOO_MANY_TRIES",
    message: isBusy ? "Too many log in at once." : "Too many tries failed within a minute.",
    fix: "Wait a minute and try again.",
  };
  return new RequestError(isBusy ? 503 : 429, answer, RETRY);
}
