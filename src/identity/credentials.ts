/**
 * Who may connect: a text file with one line a user, `user:role:scrypt$N$r$p$salt$hash` (RFC 7914; salt and hash in
 * base64url). The parameters travel with each hash, so that they can rise without a flag day.
 */
import { randomBytes, type ScryptOptions, scrypt } from "node:crypto";
import { ID_PATTERN } from "../model/ids.ts";

const ROLES = ["station", "flows", "wall", "bridge", "cli"] as const;
export type Role = (typeof ROLES)[number];

/** Who is at the other end of a connection. A station's name is its station id; a meter is a station too. */
export interface Identity<R extends string = Role> {
  name: string;
  role: R;
}

/** scrypt's N and p; r is 8 throughout. Memory is `N` KiB, time goes with `N * p`. */
export interface HashCost {
  n: number;
  /** 1 when absent. */
  p?: number;
}

/**
 * For secrets of `newSecret`. Guessing 128 random bits is hopeless at any speed; the hash only keeps a leaked file from
 * handing them over. So the cost is low, and a thousand stations that return at once are let in within seconds.
 */
export const MACHINE_COST: HashCost = { n: 4096 };

/** For passwords that people choose: the least that OWASP's Password Storage Cheat Sheet asks of 32 MiB. */
export const PEOPLE_COST: HashCost = { n: 32_768, p: 3 };

const R = 8;
const MAX_P = 4;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_N = 262_144;

export interface Credential<R extends string = Role> extends Identity<R> {
  n: number;
  r: number;
  p: number;
  salt: Buffer;
  hash: Buffer;
}

/** All faults of a credentials file at once, one a line: `file:line what was seen and the fix`. */
export class CredentialsError extends Error {
  override name = "CredentialsError";
}

/** A secret of 128 random bits, 22 characters of base64url: what a station is given as its password. */
export function newSecret(): string {
  return randomBytes(16).toString("base64url");
}

export async function newCredential<R extends string = Role>(
  identity: Identity<R>,
  password: string | Buffer,
  cost: HashCost = MACHINE_COST,
): Promise<Credential<R>> {
  const made = { ...identity, n: cost.n, r: R, p: cost.p ?? 1, salt: randomBytes(SALT_BYTES) };
  return { ...made, hash: await derive(made, Buffer.from(password)) };
}

export function formatCredentials(credentials: Iterable<Credential<string>>): string {
  const lines = ["# user:role:scrypt$N$r$p$salt$hash"];
  for (const c of credentials) {
    const hash = ["scrypt", c.n, c.r, c.p, c.salt.toString("base64url"), c.hash.toString("base64url")];
    lines.push(`${c.name}:${c.role}:${hash.join("$")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Reads a credentials file; `place` names it in errors. Throws `CredentialsError` that lists every fault. */
export function parseCredentials(text: string, place?: string): Map<string, Credential> {
  return parseCredentialsOf(ROLES, text, place);
}

/** The same for other roles than those of MQTT identities. */
export function parseCredentialsOf<R extends string>(
  roles: readonly R[],
  text: string,
  place = "credentials",
): Map<string, Credential<R>> {
  const found = new Map<string, Credential<R>>();
  const faults: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const read = parseLine(line, roles);
    if (typeof read === "string") faults.push(`${place}:${index + 1} ${read}`);
    else if (found.has(read.name))
      faults.push(`${place}:${index + 1} user ${read.name} is there twice; remove one line`);
    else found.set(read.name, read);
  }
  if (faults.length > 0) throw new CredentialsError(faults.join("\n"));
  return found;
}

/** The credential, or what is wrong with the line. Never repeats salt or hash. */
function parseLine<R extends string>(line: string, roles: readonly R[]): Credential<R> | string {
  const [name = "", role = "", hashed = "", ...rest] = line.split(":");
  if (rest.length > 0 || hashed === "") return "has not three fields; write user:role:scrypt$N$r$p$salt$hash";
  if (!ID_PATTERN.test(name))
    return `user ${JSON.stringify(name)}: use 1 to 36 lower case letters, digits or '-'`;
  if (!(roles as readonly string[]).includes(role))
    return `user ${name} has role ${JSON.stringify(role)}; use one of ${roles.join(", ")}`;
  const [scheme, n, r, p, salt = "", hash = "", ...more] = hashed.split("$");
  if (scheme !== "scrypt" || more.length > 0)
    return `user ${name}: the hash is not scrypt$N$r$p$salt$hash; make a new one`;
  const read = {
    name,
    role: role as R,
    n: Number(n),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, "base64url"),
    hash: Buffer.from(hash, "base64url"),
  };
  const powerOfTwo = Number.isInteger(read.n) && Math.log2(read.n) % 1 === 0;
  const someP = Number.isInteger(read.p) && read.p >= 1 && read.p <= MAX_P;
  if (!powerOfTwo || read.n < 1024 || read.n > MAX_N || read.r !== R || !someP)
    return `user ${name}: scrypt parameters ${n}$${r}$${p}; N must be a power of two from 1024 to ${MAX_N}, r ${R}, p 1 to ${MAX_P}`;
  if (read.salt.length < SALT_BYTES || read.hash.length !== HASH_BYTES)
    return `user ${name}: salt or hash is cut short; make a new one`;
  return read;
}

/** scrypt off the event loop, with the parameters of `like`. */
export function derive(
  like: Pick<Credential<string>, "n" | "r" | "p" | "salt">,
  password: Buffer,
): Promise<Buffer> {
  const cost: ScryptOptions = { N: like.n, r: like.r, p: like.p, maxmem: 2 * 128 * like.n * like.r };
  return new Promise((resolve, reject) => {
    scrypt(password, like.salt, HASH_BYTES, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

/**
 * A credential that nothing matches, at the cost of most of `credentials`, so that time tells no user names; of `cost`
 * when there are none.
 */
export function decoyOf(
  credentials: ReadonlyMap<string, Credential<string>>,
  cost: HashCost = MACHINE_COST,
): Omit<Credential, "name" | "role"> {
  const counts = new Map<string, { n: number; p: number; count: number }>();
  for (const { n, p } of credentials.values()) {
    const { count } = counts.get(`${n} ${p}`) ?? { count: 0 };
    counts.set(`${n} ${p}`, { n, p, count: count + 1 });
  }
  const [most = { n: cost.n, p: cost.p ?? 1 }] = [...counts.values()].sort((a, b) => b.count - a.count);
  return { n: most.n, r: R, p: most.p, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
}
