/** Users and named tokens, for administrators. Who changed what is in the audit trail, and no password is. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Actor } from "../identity/access.ts";
import type { People } from "../identity/people.ts";
import { UserError } from "../identity/user-store.ts";
import type { Audit } from "../model/audit.ts";
import { RequestError } from "./api.ts";
import { actedBy } from "./audit.ts";

const Name = z.string().max(64);
const Role = z.object({ role: z.string().max(64) });
const Password = z.object({ password: z.string().max(256) });
const User = z.object({ name: Name, ...Role.shape, ...Password.shape });
const Token = z.object({ name: Name, ...Role.shape });

export function registerUsers(server: FastifyInstance, people: People, audit: Audit): void {
  const note = (user: Actor, action: string, object: string, detail: Record<string, string> = {}) =>
    audit({ action, object, ...actedBy(user, detail) });
  const named = (params: unknown) => (params as { name: string }).name;

  server.get("/api/v1/users", async () => ({ users: people.list() }));

  server.post("/api/v1/users", async ({ body, user }, reply) => {
    const { name, role, password } = bodyOf(User, body, "name, role and password");
    await refusing(() => people.addUser(name, role, password));
    await note(user, "user.added", name, { role });
    return reply.code(201).send({ name, role });
  });

  server.put("/api/v1/users/:name/role", async ({ body, params, user }) => {
    const name = named(params);
    const { role } = bodyOf(Role, body, "role");
    await refusing(() => people.setRole(name, role));
    await note(user, "user.role_set", name, { role });
    return { name, role };
  });

  server.put("/api/v1/users/:name/password", async ({ body, params, user }) => {
    const name = named(params);
    const { password } = bodyOf(Password, body, "password");
    await refusing(() => people.setPassword(name, password));
    await note(user, "user.password_set", name);
    return { name };
  });

  server.delete("/api/v1/users/:name", async ({ params, user }) => {
    const name = named(params);
    await refusing(() => people.remove(name));
    await note(user, "user.removed", name);
    return { name };
  });

  server.post("/api/v1/tokens", async ({ body, user }, reply) => {
    const { name, role } = bodyOf(Token, body, "name and role");
    const token = await refusing(() => people.addToken(name, role));
    await note(user, "token.added", name, { role });
    return reply.code(201).send({ name, role, token });
  });
}

/** The body, or a refusal that names what is missing and repeats nothing of it: it may hold a password. */
export function bodyOf<T>(shape: z.ZodType<T>, body: unknown, what: string): T {
  const read = shape.safeParse(body);
  if (read.success) return read.data;
  const [at] = read.error.issues;
  throw new RequestError(400, {
    code: "BAD_BODY",
    message: `${String(at?.path[0] ?? "The body")} is missing or not usable.`,
    fix: `Send JSON with ${what}.`,
  });
}

const STATUS: Readonly<Record<UserError["code"], number>> = {
  NAME_TAKEN: 409,
  NAME_UNKNOWN: 404,
  BAD_NAME: 400,
  BAD_ROLE: 400,
  WEAK_PASSWORD: 400,
};

export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { code, message, fix } = error;
    throw new RequestError(STATUS[code], { code, message, fix });
  }
}
