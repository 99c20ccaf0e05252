/** The code with which the first administrator sets a password: shown once, kept as a hash, good once and for an hour. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { RateWindow } from "./brake.ts";

const HOUR_MS = 3_600_000;
const TRIES_PER_ADDRESS = 5;
const TRIES_IN_ALL = 30;
const MINUTE_MS = 60_000;
/** Crockford's base 32: no I, L, O or U to misread. 16 of its letters are 80 bits. */
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 16;

export class SetupCode {
  readonly #nowMs: () => number;
  readonly #tries = new RateWindow({ limit: TRIES_PER_ADDRESS, windowMs: MINUTE_MS });
  readonly #all = new RateWindow({ limit: TRIES_IN_ALL, windowMs: MINUTE_MS });
  #open: { digest: Buffer; untilMs: number } | undefined;

  /** `nowMs`: wire time, monotonic. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** A new code, `XXXX-XXXX-XXXX-XXXX`; an earlier one ends. */
  issue(): string {
    const code = Array.from(randomBytes(LENGTH), (byte) => LETTERS[byte & 31]).join("");
    this.#open = { digest: digestOf(code), untilMs: this.#nowMs() + HOUR_MS };
    return code.replace(/(.{4})(?!$)/g, "$1-");
  }

  get isOpen(): boolean {
    return this.#open !== undefined && this.#nowMs() < this.#open.untilMs;
  }

  /** Whether it is the code. It stays open until `close`, so that a refused password costs no new one. */
  check(code: string, address: string): "right" | "wrong" | "braked" {
    const nowMs = this.#nowMs();
    if (this.#tries.isFull(address, nowMs) || this.#all.isFull("", nowMs)) return "braked";
    const open = this.isOpen ? this.#open : undefined;
    if (open && timingSafeEqual(digestOf(code), open.digest)) return "right";
    this.#tries.add(address, nowMs);
    this.#all.add("", nowMs);
    return "wrong";
  }

  close(): void {
    this.#open = undefined;
  }
}

/** Hyphens, blanks and case are as the reader typed them. */
function digestOf(code: string): Buffer {
  return createHash("sha256").update(code.replace(/[\s-]/g, "").toUpperCase()).digest();
}
