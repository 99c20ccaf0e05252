/** Password checks under load and under attack, in bounded work and memory. */
import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import { ID_PATTERN } from "../model/ids.ts";
import { RateWindow } from "./brake.ts";
import { type Credential, decoyOf, derive, type Identity, parseCredentials } from "./credentials.ts";

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
  /** Wire time, ms, monotonic. */
  nowMs?: () => number;
  /** An attempt was refused unheard, after too many wrong passwords. */
  braked?: (user: string, address: string) => void;
}

/**
 * Checks passwords. A right one is remembered under an HMAC with a key of this process, so a storm of reconnects pays
 * scrypt once a station; an unknown user costs what a known one costs; repeated failures are refused unheard.
 */
export class PasswordVerifier {
  readonly #options: Required<VerifierOptions>;
  readonly #key: KeyObject = createSecretKey(randomBytes(32));
  readonly #verified = new WeakMap<Credential, Buffer>();
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  readonly #perUser: RateWindow;
  readonly #inAll: RateWindow;
  #credentials: Map<string, Credential>;
  #decoy: Credential;
  #active = 0;
  #hashed = 0;

  constructor(credentials: Map<string, Credential>, options: VerifierOptions = {}) {
    this.#options = {
      concurrency: 2,
      queue: 4000,
      failuresPerUser: 5,
      failuresInAll: 100,
      nowMs: () => performance.now(),
      braked: () => {},
      ...options,
    };
    this.#perUser = new RateWindow({ limit: this.#options.failuresPerUser, windowMs: 60_000 });
    this.#inAll = new RateWindow({ limit: this.#options.failuresInAll, windowMs: 60_000 });
    this.#credentials = credentials;
    this.#decoy = decoyOf(credentials);
  }

  /** How often scrypt ran: what tests and metrics look at. */
  get hashed(): number {
    return this.#hashed;
  }

  /** Takes a new file. Lines that did not change stay verified. Throws `CredentialsError` and keeps the old on faults. */
  reload(text: string, place?: string): void {
    const next = parseCredentials(text, place);
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
    this.#decoy = decoyOf(next);
  }

  identity(name: string): Identity | undefined {
    const known = this.#credentials.get(name);
    return known && { name: known.name, role: known.role };
  }

  async verify(user: string, password: Buffer, address: string): Promise<Identity | undefined> {
    if (password.length === 0 || password.length > MAX_PASSWORD_BYTES || !ID_PATTERN.test(user))
      return undefined;
    const credential = this.#credentials.get(user);
    const digest = createHmac("sha256", this.#key).update(`${user}\0`).update(password).digest();
    // Before the brake, so that nobody can lock a station out by failing in its name.
    const known = credential && this.#verified.get(credential);
    if (known && timingSafeEqual(known, digest)) return this.identity(user);
    const matched = await this.#attempt(user, credential ?? this.#decoy, password, address, digest);
    if (!matched || !credential || this.#credentials.get(user) !== credential) return undefined;
    this.#verified.set(credential, digest);
    return this.identity(user);
  }

  #attempt(user: string, against: Credential, password: Buffer, address: string, digest: Buffer) {
    const key = digest.toString("base64url");
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const pair = `${user} ${address}`;
    if (this.#isBraked(user, address)) {
      this.#options.braked(user, address);
      return Promise.resolve(false);
    }
    // Many at once are no failures: they come again.
    if (this.#waiting.length >= this.#options.queue) return Promise.resolve(false);
    // Counted before it runs: a hundred guesses at once are a hundred failures until one proves right. The totals are
    // counted after, because a thousand stations behind one address may rightly be waiting here together.
    this.#perUser.add(pair, this.#options.nowMs());
    const attempt = this.#inTurn(() => this.#matches(user, against, password, address)).finally(() =>
      this.#running.delete(key),
    );
    this.#running.set(key, attempt);
    return attempt;
  }

  async #matches(user: string, against: Credential, password: Buffer, address: string): Promise<boolean> {
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

  #isBraked(user: string, address: string): boolean {
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
