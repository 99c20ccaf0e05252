/**
 * People and named tokens of the API, in two text files that only their owner reads: `users`, one
 * `name:role:scrypt$N$r$p$salt$hash` a line, and `api-tokens`, one `name:role:sha256$hash`. One gateway or one command
 * writes them at a time, under the lock of the data directory.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { ID_PATTERN } from "../model/ids.ts";
import { type AccessRole, TOKEN_ROLES, USER_ROLES, type UserRole } from "./access.ts";
import {
  type Credential,
  CredentialsError,
  formatCredentials,
  type HashCost,
  newCredential,
  newSecret,
  PEOPLE_COST,
  parseCredentialsOf,
} from "./credentials.ts";

export interface NamedToken {
  name: string;
  role: AccessRole;
  /** SHA-256 of the token: 128 random bits need no slow hash. */
  digest: string;
}

/** Why a change is refused: a code for programs, a sentence and the fix for people. */
export class UserError extends Error {
  override name = "UserError";
  readonly code: "NAME_TAKEN" | "NAME_UNKNOWN" | "BAD_NAME" | "BAD_ROLE" | "WEAK_PASSWORD";
  readonly fix: string;

  constructor(code: UserError["code"], message: string, fix: string) {
    super(message);
    this.code = code;
    this.fix = fix;
  }
}

/** Names that stand for something else in the audit trail. */
const RESERVED: ReadonlySet<string> = new Set(["api", "gateway", "flows", "cli", "nobody"]);
const MIN_CHARACTERS = 12;
const MIN_DISTINCT = 5;
const MAX_BYTES = 256;

const digestOf = (token: string) => createHash("sha256").update(token).digest("base64url");

/** One spelling for what keyboards compose in several ways (NIST SP 800-63B, 3.1.1.2). */
export const passwordBytes = (password: string): Buffer => Buffer.from(password.normalize("NFKC"));

export class UserStore {
  readonly #dir: string;
  /** Of new passwords. */
  readonly cost: HashCost;
  #users: Map<string, Credential<UserRole>>;
  #tokens: Map<string, NamedToken>;
  #turn: Promise<unknown> = Promise.resolve();

  /** Reads both files, which may be absent. Throws `CredentialsError` with every fault of them. */
  constructor(dir: string, cost: HashCost = PEOPLE_COST) {
    this.#dir = dir;
    this.cost = cost;
    this.#users = parseCredentialsOf(USER_ROLES, textOf(join(dir, "users")), "users");
    this.#tokens = parseTokens(textOf(join(dir, "api-tokens")), "api-tokens");
  }

  /** A changed user is another object. */
  get users(): ReadonlyMap<string, Credential<UserRole>> {
    return this.#users;
  }

  get tokens(): ReadonlyMap<string, NamedToken> {
    return this.#tokens;
  }

  /** Constant time in what the token shares with known ones: they are compared as hashes, by a map. */
  ofToken(token: string): NamedToken | undefined {
    const digest = digestOf(token);
    return [...this.#tokens.values()].find((known) => known.digest === digest);
  }

  addUser(name: string, role: string, password: string): Promise<void> {
    return this.#change(async () => {
      this.#refuseName(name);
      await this.#put(name, userRole(role), password);
    });
  }

  setPassword(name: string, password: string): Promise<void> {
    return this.#change(() => this.#put(name, this.#user(name).role, password));
  }

  setRole(name: string, role: string): Promise<void> {
    return this.#change(async () => {
      const changed = { ...this.#user(name), role: userRole(role) };
      await this.#write(new Map(this.#users).set(name, changed), this.#tokens);
    });
  }

  /** The token is told here once; the file has its hash. */
  addToken(name: string, role: string): Promise<string> {
    return this.#change(async () => {
      this.#refuseName(name);
      const known = TOKEN_ROLES.find((one) => one === role);
      if (!known) throw badRole(role, TOKEN_ROLES);
      const token = newSecret();
      const added = { name, role: known, digest: digestOf(token) };
      await this.#write(this.#users, new Map(this.#tokens).set(name, added));
      return token;
    });
  }

  /** A user or a token. */
  remove(name: string): Promise<void> {
    return this.#change(async () => {
      const users = new Map(this.#users);
      const tokens = new Map(this.#tokens);
      if (!users.delete(name) && !tokens.delete(name)) throw unknownName(name);
      await this.#write(users, tokens);
    });
  }

  async #put(name: string, role: UserRole, password: string): Promise<void> {
    refuseWeak(name, password);
    const made = await newCredential({ name, role }, passwordBytes(password), this.cost);
    await this.#write(new Map(this.#users).set(name, made), this.#tokens);
  }

  #user(name: string): Credential<UserRole> {
    const known = this.#users.get(name);
    if (!known) throw unknownName(name);
    return known;
  }

  #refuseName(name: string): void {
    if (!ID_PATTERN.test(name) || RESERVED.has(name))
      throw new UserError(
        "BAD_NAME",
        `"${name.slice(0, 40)}" is no name for a user.`,
        `Use 1 to 36 lower case letters, digits or '-', and none of ${[...RESERVED].join(", ")}.`,
      );
    if (this.#users.has(name) || this.#tokens.has(name))
      throw new UserError("NAME_TAKEN", `There is a user or token ${name} already.`, "Take another name.");
  }

  /** One change at a time, each on top of the last. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** What a crash leaves is either the old or the new. Memory follows the disk. */
  async #write(users: Map<string, Credential<UserRole>>, tokens: Map<string, NamedToken>): Promise<void> {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    if (users !== this.#users) await writeWhole(join(this.#dir, "users"), formatCredentials(users.values()));
    this.#users = users;
    if (tokens !== this.#tokens) await writeWhole(join(this.#dir, "api-tokens"), formatTokens(tokens));
    this.#tokens = tokens;
  }
}

function refuseWeak(name: string, password: string): void {
  const characters = [...password.normalize("NFKC")];
  const fix = `Use at least ${MIN_CHARACTERS} characters: a few words that do not belong together will do.`;
  const weak = (why: string) => new UserError("WEAK_PASSWORD", `The password ${why}.`, fix);
  if (characters.length < MIN_CHARACTERS) throw weak(`has fewer than ${MIN_CHARACTERS} characters`);
  if (passwordBytes(password).length > MAX_BYTES) throw weak(`has more than ${MAX_BYTES} bytes`);
  if (new Set(characters).size < MIN_DISTINCT) throw weak("repeats the same few characters");
  if (name.length > 3 && password.toLowerCase().includes(name)) throw weak("holds the user's name");
}

function userRole(role: string): UserRole {
  const known = USER_ROLES.find((one) => one === role);
  if (!known) throw badRole(role, USER_ROLES);
  return known;
}

const badRole = (role: string, roles: readonly string[]) =>
  new UserError("BAD_ROLE", `"${role.slice(0, 40)}" is no role.`, `Use one of ${roles.join(", ")}.`);

const unknownName = (name: string) =>
  new UserError(
    "NAME_UNKNOWN",
    `There is no user or token "${name.slice(0, 40)}".`,
    "List them: laddport user list.",
  );

function formatTokens(tokens: ReadonlyMap<string, NamedToken>): string {
  const lines = [...tokens.values()].map(({ name, role, digest }) => `${name}:${role}:sha256$${digest}`);
  return `${["# name:role:sha256$hash", ...lines].join("\n")}\n`;
}

function parseTokens(text: string, place: string): Map<string, NamedToken> {
  const found = new Map<string, NamedToken>();
  const faults: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, name = "", as = "", digest = ""] =
      /^([^:]*):([^:]*):sha256\$([\w-]{43})$/.exec(line.trim()) ?? [];
    const role = TOKEN_ROLES.find((one) => one === as);
    if (!role || !ID_PATTERN.test(name) || found.has(name))
      faults.push(`${place}:${index + 1} is not name:role:sha256$hash of another name; remove the line`);
    else found.set(name, { name, role, digest });
  }
  if (faults.length > 0) throw new CredentialsError(faults.join("\n"));
  return found;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  const handle = await open(draft, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const folder = await open(join(file, ".."), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
