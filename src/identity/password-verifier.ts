/** Password checks under load and under attack, in bounded work and memory. */
import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import { ID_PATTERN } from "../model/ids.ts";
import { RateWindow } from "./brake.ts";
import {
  type Credential,
  decoyOf,
  derive,
  type HashCost,
  type Identity,
  parseCredentials,
  type Role,
} from "./credentials.ts";

const MAX_PASSWORD_BYTES = 256;

export interface VerifierOptions {
  /** Attempts that run scrypt at once; the rest wait. The pool of four is shared with the file system (default 2). */
  concurrency?: number;
  /** Attempts that may wait; more are refused (default 4000). */
  queue?: number;
  /** Failures a minute from one address for one user before it is refused unheard (default 5). */
  failuresPerUser?: number;
  /** Failures a minute from one address over all users, and for one user over all addresses (default 100). */
  failuresInAll?: number;
  /**
   * Whether a right password passes the brake once it is known (default true). It must not where people choose their
   * passwords: who is braked could go on guessing.
   */
  remember?: boolean;
  /** What an unknown user costs while there is no known one. */
  cost?: HashCost;
  /** Wire time, ms, monotonic. */
  nowMs?: () => number;
  /** An attempt was refused unheard, after too many wrong passwords. */
  braked?: (user: string, address: string) => void;
}

type Hashed = Pick<Credential, "n" | "r" | "p" | "salt" | "hash">;

/**
 * Checks passwords. A right one is remembered under an HMAC with a key of this process, so a storm of reconnects pays
 * scrypt once a station; an unknown user costs what a known one costs; repeated failures are refused unheard.
 */
export class PasswordVerifier<R extends string = Role> {
  readonly #options: Required<Omit<VerifierOptions, "cost">>;
  readonly #cost: HashCost | undefined;
  readonly #key: KeyObject = createSecretKey(randomBytes(32));
  readonly #verified = new WeakMap<Credential<R>, Buffer>();
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  readonly #perUser: RateWindow;
  readonly #inAll: RateWindow;
  #credentials: ReadonlyMap<string, Credential<R>>;
  #decoy: ReturnType<typeof decoyOf>;
  #active = 0;
  #hashed = 0;

  constructor(credentials: ReadonlyMap<string, Credential<R>>, { cost, ...options }: VerifierOptions = {}) {
    this.#options = {
      concurrency: 2,
      queue: 4000,
      failuresPerUser: 5,
      failuresInAll: 100,
      remember: true,
      nowMs: () => performance.now(),
      braked: () => {},
      ...options,
    };
    this.#perUser = new RateWindow({ limit: this.#options.failuresPerUser, windowMs: 60_000 });
    this.#inAll = new RateWindow({ limit: this.#options.failuresInAll, windowMs: 60_000 });
    this.#cost = cost;
    this.#credentials = credentials;
    this.#decoy = decoyOf(credentials, cost);
  }

  /** How often scrypt ran: what tests and metrics look at. */
  get hashed(): number {
    return this.#hashed;
  }

  /** Takes a new file. Lines that did not change stay verified. Throws `CredentialsError` and keeps the old on faults. */
  reload(this: PasswordVerifier, text: string, place?: string): void {
    this.replace(parseCredentials(text, place));
  }

  /** Takes others in their place; those that did not change stay verified. */
  replace(others: ReadonlyMap<string, Credential<R>>): void {
    const next = new Map(others);
    for (const [name, credential] of next) {
      const old = this.#credentials.get(name);
      if (
        old?.role === credential.role &&
        old.hash.equals(credential.hash) &&
        old.salt.equals(credential.salt)
      )
        next.set(name, old);
    }
    this.#credentials = next;
    this.#decoy = decoyOf(next, this.#cost);
  }

  identity(name: string): Identity<R> | undefined {
    const known = this.#credentials.get(name);
    return known && { name: known.name, role: known.role };
  }

  /** True when so many wait that another attempt would be refused unheard. */
  get isBusy(): boolean {
    return this.#waiting.length >= this.#options.queue;
  }

  async verify(user: string, password: Buffer, address: string): Promise<Identity<R> | undefined> {
    if (password.length === 0 || password.length > MAX_PASSWORD_BYTES || !ID_PATTERN.test(user))
      return undefined;
    const credential = this.#credentials.get(user);
    const digest = createHmac("sha256", this.#key).update(`${user}\0`).update(password).digest();
    // Before the brake, so that nobody can lock a station out by failing in its name.
    const known = credential && this.#verified.get(credential);
    if (this.#options.remember && known && timingSafeEqual(known, digest)) return this.identity(user);
    const matched = await this.#attempt(user, credential ?? this.#decoy, password, address, digest);
    if (!matched || !credential || this.#credentials.get(user) !== credential) return undefined;
    this.#verified.set(credential, digest);
    return this.identity(user);
  }

  #attempt(user: string, against: Hashed, password: Buffer, address: string, digest: Buffer) {
    const key = digest.toString("base64url");
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const pair = `${user} ${address}`;
    if (this.isBraked(user, address)) {
      this.#options.braked(user, address);
      return Promise.resolve(false);
    }
    // Many at once are no failures: they come again.
    if (this.isBusy) return Promise.resolve(false);
    // Counted before it runs: a hundred guesses at once are a hundred failures until one proves right. The totals are
    // counted after, because a thousand stations behind one address may rightly be waiting here together.
    this.#perUser.add(pair, this.#options.nowMs());
    const attempt = this.#inTurn(() => this.#matches(user, against, password, address)).finally(() =>
      this.#running.delete(key),
    );
    this.#running.set(key, attempt);
    return attempt;
  }

  async #matches(user: string, against: Hashed, password: Buffer, address: string): Promise<boolean> {
    if (this.#totalsAreFull(user, address)) {
      this.#options.braked(user, address);
      return false;
    }
    this.#hashed += 1;
    const hash = await derive(against, password);
    if (timingSafeEqual(hash, against.hash)) {
      this.#perUser.giveBack(`${user} ${address}`);
      return true;
    }
    const nowMs = this.#options.nowMs();
    this.#inAll.add(`user ${user}`, nowMs);
    this.#inAll.add(`from ${address}`, nowMs);
    return false;
  }

  /** Whether an attempt would be refused unheard, because too many failed within the minute. */
  isBraked(user: string, address: string): boolean {
    return (
      this.#perUser.isFull(`${user} ${address}`, this.#options.nowMs()) || this.#totalsAreFull(user, address)
    );
  }

  #totalsAreFull(user: string, address: string): boolean {
    const nowMs = this.#options.nowMs();
    return this.#inAll.isFull(`user ${user}`, nowMs) || this.#inAll.isFull(`from ${address}`, nowMs);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#active >= this.#options.concurrency)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#active += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#active -= 1;
    }
  }
}
