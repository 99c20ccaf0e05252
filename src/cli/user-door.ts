/**
 * Users and tokens as a command changes them: through the API of the gateway that has the data directory, or, when none
 * runs, in its files. Both ways are in the audit trail.
 */
import { mkdirSync } from "node:fs";
import type { Config } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { accessDir } from "../gateway/people.ts";
import { People } from "../identity/people.ts";
import { UserError, UserStore } from "../identity/user-store.ts";
import { lockDirectory } from "../log/lock.ts";
import { callGateway, type GatewayCall, runningAddress } from "./gateway-call.ts";
import { commandAudit } from "./offline-log.ts";
import { cliActor } from "./os-user.ts";

export interface Listed {
  name: string;
  role: string;
  kind: "user" | "token";
}

export interface UserDoor {
  list(): Promise<Listed[]>;
  addUser(name: string, role: string, password: string): Promise<void>;
  setRole(name: string, role: string): Promise<void>;
  setPassword(name: string, password: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** The token. */
  addToken(name: string, role: string): Promise<string>;
}

/** Each answer comes when the change is durable. @throws LaddportError LP806 when it is refused. */
export function userDoor(config: Config, dataDir: string): UserDoor {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockDirectory(dataDir);
  if (!unlock) return apiDoor(config, dataDir);
  unlock();
  return fileDoor(config, dataDir);
}

function apiDoor(config: Config, dataDir: string): UserDoor {
  const call = apiCall(config, dataDir);
  const user = (name: string) => `users/${encodeURIComponent(name)}`;
  return {
    list: async () => (await call("users")).users as Listed[],
    async addUser(name, role, password) {
      await call("users", { method: "POST", body: { name, role, password } });
    },
    async setRole(name, role) {
      await call(`${user(name)}/role`, { method: "PUT", body: { role } });
    },
    async setPassword(name, password) {
      await call(`${user(name)}/password`, { method: "PUT", body: { password } });
    },
    async remove(name) {
      await call(user(name), { method: "DELETE" });
    },
    addToken: async (name, role) =>
      (await call("tokens", { method: "POST", body: { name, role } })).token as string,
  };
}

/** @throws LaddportError LP806 when the gateway does not answer, or refuses. */
export function apiCall(config: Config, dataDir: string) {
  const address = runningAddress(config, dataDir);
  return async (path: string, what?: GatewayCall): Promise<Record<string, unknown>> => {
    const answer = await callGateway(address, `/api/v1/${path}`, what).catch((cause: Error) => {
      if (cause instanceof LaddportError) throw cause;
      throw new LaddportError("LP806", `no gateway answers at ${address.base}: ${cause.message}`, { cause });
    });
    if (answer.ok) return answer.body;
    const { message, fix } = answer.body as { message: string; fix: string };
    throw new LaddportError("LP806", message, { fix });
  };
}

function fileDoor(config: Config, dataDir: string): UserDoor {
  const audit = commandAudit({ data: dataDir, signerKeyFile: config.signer.keyFile });
  /** The lock is let go of before the entry is written, which takes it again, or goes to a gateway that started. */
  async function change<T>(
    action: string,
    object: string,
    detail: Record<string, string>,
    work: (people: People) => Promise<T>,
  ): Promise<T> {
    const unlock = lockDirectory(dataDir);
    if (!unlock) throw new LaddportError("LP504", `another process writes to ${dataDir}`);
    let made: T;
    try {
      made = await work(peopleOf(dataDir));
    } catch (error) {
      if (error instanceof UserError) throw new LaddportError("LP806", error.message, { fix: error.fix });
      throw error;
    } finally {
      unlock();
    }
    await audit({ actor: cliActor(), action, object, detail });
    return made;
  }
  return {
    list: async () => peopleOf(dataDir).list(),
    addUser: (name, role, password) =>
      change("user.added", name, { role }, (people) => people.addUser(name, role, password)),
    setRole: (name, role) => change("user.role_set", name, { role }, (people) => people.setRole(name, role)),
    setPassword: (name, password) =>
      change("user.password_set", name, {}, (people) => people.setPassword(name, password)),
    remove: (name) => change("user.removed", name, {}, (people) => people.remove(name)),
    addToken: (name, role) => change("token.added", name, { role }, (people) => people.addToken(name, role)),
  };
}

const peopleOf = (dataDir: string) => new People({ store: new UserStore(accessDir(dataDir)) });
