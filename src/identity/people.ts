/** The people and programs that the API, the pages and the flow editor let in. */
import { createHash, randomBytes } from "node:crypto";
import type { AccessRole, Caller, UserRole } from "./access.ts";
import { PasswordVerifier } from "./password-verifier.ts";
import { SetupCode } from "./setup-code.ts";
import { passwordBytes, type UserStore } from "./user-store.ts";

/** `braked`: too many failed, whether there is such a user or not. `busy`: so many at once that nobody was asked. */
export type LoginOutcome = { caller: Caller } | { refused: "wrong" | "braked" | "busy" };
export type SetupOutcome = { caller: Caller } | { refused: "wrong" | "braked" };

export interface PeopleOptions {
  store: UserStore;
  /** A login was refused unheard. `user` is undefined when there is no such user: what was typed may be a password. */
  braked?: (user: string | undefined, address: string) => void;
  /** Wire time, ms, monotonic. */
  nowMs?: () => number;
}

/** 20 failures a minute for one user or from one address; 5 for the user from that address. */
const FAILURES_IN_ALL = 20;
const FAILURES_PER_USER = 5;
/** One scrypt at a time is a core and 32 MiB; whoever floods waits in a short queue, or outside. */
const QUEUE = 8;

const EDITOR_CODE_MS = 120_000;
const MAX_EDITOR_CODES = 100;

export class People {
  readonly #store: UserStore;
  readonly #verifier: PasswordVerifier<UserRole>;
  readonly #setup: SetupCode;
  readonly #listeners: ((name: string) => void)[] = [];
  readonly #nowMs: () => number;
  readonly #editorCodes = new Map<string, { caller: Caller; untilMs: number }>();

  constructor(options: PeopleOptions) {
    const { store, braked = () => {}, nowMs = () => performance.now() } = options;
    this.#store = store;
    this.#nowMs = nowMs;
    this.#setup = new SetupCode(nowMs);
    this.#verifier = new PasswordVerifier(store.users, {
      concurrency: 1,
      queue: QUEUE,
      failuresPerUser: FAILURES_PER_USER,
      failuresInAll: FAILURES_IN_ALL,
      remember: false,
      cost: store.cost,
      nowMs,
      braked: (user, address) => braked(store.users.has(user) ? user : undefined, address),
    });
  }

  /** Someone was changed or removed: what they were let into elsewhere ends. */
  onChanged(listener: (name: string) => void): void {
    this.#listeners.push(listener);
  }

  async login(user: string, password: string, address: string): Promise<LoginOutcome> {
    if (this.#verifier.isBusy) return { refused: "busy" };
    const from = network(address);
    // Asked before and not after: the fifth failure is still told as one.
    const isBraked = this.#verifier.isBraked(user, from);
    const known = await this.#verifier.verify(user, passwordBytes(password), from);
    if (known) return { caller: { name: known.name, role: known.role } };
    return { refused: isBraked ? "braked" : "wrong" };
  }

  /** Whose token this is. */
  ofToken(token: string): Caller | undefined {
    const known = this.#store.ofToken(token);
    return known && { name: known.name, role: known.role };
  }

  /** What changes whenever the user does; undefined when there is none. */
  standing(name: string): { role: AccessRole } | undefined {
    return this.#store.users.get(name);
  }

  /** A new setup code while there is no user; undefined when there is one. */
  issueSetupCode(): string | undefined {
    return this.#store.users.size === 0 ? this.#setup.issue() : undefined;
  }

  /** Makes the first administrator. Throws `UserError` for a name or password that won't do; the code stays good. */
  async setUp(code: string, user: string, password: string, address: string): Promise<SetupOutcome> {
    const answer = this.#setup.check(code, network(address));
    if (answer !== "right") return { refused: answer };
    if (this.#store.users.size > 0) return { refused: "wrong" };
    await this.addUser(user, "admin", password);
    return { caller: { name: user, role: "admin" } };
  }

  async addUser(name: string, role: string, password: string): Promise<void> {
    await this.#store.addUser(name, role, password);
    // Whoever is first ends the setup, however they came.
    this.#setup.close();
    this.#took(name);
  }

  async setRole(name: string, role: string): Promise<void> {
    await this.#store.setRole(name, role);
    this.#took(name);
  }

  async setPassword(name: string, password: string): Promise<void> {
    await this.#store.setPassword(name, password);
    this.#took(name);
  }

  async remove(name: string): Promise<void> {
    await this.#store.remove(name);
    this.#took(name);
  }

  addToken(name: string, role: string): Promise<string> {
    return this.#store.addToken(name, role);
  }

  list(): { name: string; role: AccessRole; kind: "user" | "token" }[] {
    const users = [...this.#store.users.values()].map((u) => ({
      name: u.name,
      role: u.role,
      kind: "user" as const,
    }));
    const tokens = [...this.#store.tokens.values()].map((t) => ({
      name: t.name,
      role: t.role,
      kind: "token" as const,
    }));
    return [...users, ...tokens].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * A password for the flow editor that is good once and for two minutes: flows run where the editor takes passwords,
   * so nobody's own is ever typed there.
   */
  editorCode(caller: Caller): { code: string; expires_s: number } {
    const nowMs = this.#nowMs();
    for (const [digest, { untilMs }] of this.#editorCodes)
      if (untilMs <= nowMs || this.#editorCodes.size >= MAX_EDITOR_CODES) this.#editorCodes.delete(digest);
    const code = randomBytes(16).toString("base64url");
    this.#editorCodes.set(sha256(code).toString("hex"), { caller, untilMs: nowMs + EDITOR_CODE_MS });
    return { code, expires_s: EDITOR_CODE_MS / 1000 };
  }

  /** Uses the code up. Undefined when it is not that user's, or too old. */
  redeemEditorCode(name: string, code: string): Caller | undefined {
    const digest = sha256(code).toString("hex");
    const found = this.#editorCodes.get(digest);
    this.#editorCodes.delete(digest);
    return found && found.untilMs > this.#nowMs() && found.caller.name === name ? found.caller : undefined;
  }

  #took(name: string): void {
    this.#verifier.replace(this.#store.users);
    for (const [digest, { caller }] of this.#editorCodes)
      if (caller.name === name) this.#editorCodes.delete(digest);
    for (const listener of this.#listeners) listener(name);
  }
}

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/** An IPv6 site has 2^64 addresses or more: its first half stands for it (RFC 4291, 2.5.4). */
function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return mapped[1];
  if (!address.includes(":") || address.startsWith("::")) return address;
  const [head = ""] = address.split("::");
  return head.split(":").slice(0, 4).join(":");
}
