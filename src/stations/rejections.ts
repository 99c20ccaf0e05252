/** What the broker refused, told to the core so that it can raise an alert: nothing silent, and nothing endless. */
import { RateWindow } from "../identity/brake.ts";
import type { Identity } from "../identity/credentials.ts";

export const REJECTIONS = [
  "mqtt5_refused",
  "identity_takeover",
  "acl_denied",
  "qos_refused",
  "oversize",
  "malformed",
  "slow_subscriber",
  "rate_limited",
  "subscription_limit",
  "connection_limit",
  "keepalive_refused",
  "keepalive_timeout",
  "connect_timeout",
  "client_id_refused",
  "authentication_failed",
  "authentication_timeout",
  "certificate_refused",
  "other_auth_configured",
  "tls_failed",
] as const;
export type RejectionKind = (typeof REJECTIONS)[number];

export interface Rejection {
  kind: RejectionKind;
  /** What was seen and from where. Names and topics in it are quoted and cut short. */
  detail: string;
}

const QUIET_MS = 10_000;

/** Passes on the first of a kind from one source in ten seconds of wire time and counts all of them. */
export class Rejections {
  readonly #tell: (identity: Identity | null, what: Rejection) => void;
  readonly #recent = new RateWindow({ limit: 1, windowMs: QUIET_MS });
  readonly counts = new Map<RejectionKind, number>(REJECTIONS.map((kind) => [kind, 0]));

  constructor(tell: (identity: Identity | null, what: Rejection) => void) {
    this.#tell = tell;
  }

  add(kind: RejectionKind, identity: Identity | null, address: string, detail: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const source = `${kind} ${identity?.name ?? ""} ${address}`;
    if (this.#recent.add(source, performance.now()) > 1) return;
    this.#tell(identity, { kind, detail: `${detail}, from ${address}` });
  }
}

/** Text of a stranger as it may stand in an alert or a program log. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
