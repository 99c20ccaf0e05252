/**
 * Who is signed in with a browser: an id of 128 random bits in a cookie, everything else here. Ends after half an hour
 * of silence, after twelve hours, at logout, and as soon as the user is changed in any way.
 */
import { createHash, randomBytes } from "node:crypto";
import type { AccessRole, Caller } from "../identity/access.ts";

const IDLE_MS = 30 * 60_000;
const LONGEST_MS = 12 * 3_600_000;
const PER_USER = 20;
const IN_ALL = 1_000;

export interface SignIn {
  name: string;
  /** To be sent back in a header with whatever changes something: a page of another site cannot read it. */
  csrf: string;
}

interface Kept extends SignIn {
  /** The user as they were at login; another object when they were changed. */
  standing: object;
  sinceMs: number;
  seenMs: number;
}

/** The user as they are; another object whenever they were changed. */
export type Standing = (name: string) => { role: AccessRole } | undefined;

export class SignIns {
  readonly #standing: Standing;
  readonly #nowMs: () => number;
  /** Under the hash of the id: a look-up tells nothing about ids by its time. In the order of their last use. */
  readonly #kept = new Map<string, Kept>();

  /** `nowMs`: wire time, monotonic. */
  constructor(standing: Standing, nowMs: () => number = () => performance.now()) {
    this.#standing = standing;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Undefined when there is no such user (any more). */
  begin(name: string): (SignIn & { id: string }) | undefined {
    const standing = this.#standing(name);
    if (!standing) return undefined;
    const theirs = [...this.#kept].filter(([, kept]) => kept.name === name);
    if (theirs.length >= PER_USER) this.#kept.delete(theirs[0]?.[0] ?? "");
    const [eldest] = this.#kept.keys();
    if (this.#kept.size >= IN_ALL && eldest !== undefined) this.#kept.delete(eldest);
    const nowMs = this.#nowMs();
    const id = randomBytes(16).toString("base64url");
    const csrf = randomBytes(16).toString("base64url");
    this.#kept.set(keyOf(id), { name, csrf, standing, sinceMs: nowMs, seenMs: nowMs });
    return { id, name, csrf };
  }

  /** Who it is, now; that they were seen counts as no silence. */
  find(id: string): (Caller & SignIn) | undefined {
    const key = keyOf(id);
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    const nowMs = this.#nowMs();
    const standing = this.#standing(kept.name);
    const isOver = nowMs - kept.seenMs >= IDLE_MS || nowMs - kept.sinceMs >= LONGEST_MS;
    if (isOver || !standing || standing !== kept.standing) return undefined;
    this.#kept.set(key, { ...kept, seenMs: nowMs });
    return { name: kept.name, csrf: kept.csrf, role: standing.role };
  }

  end(id: string): void {
    this.#kept.delete(keyOf(id));
  }
}

const keyOf = (id: string) => createHash("sha256").update(id).digest("base64url");
