/** What upstream.ts asks of a way to the cloud: carry bytes, bring receipts. Nothing is stored in a transport. */

export interface Parcel {
  gateway: string;
  epoch: number;
  seq: number;
  /** SHA-256 of `der`, hex. */
  sha256: string;
  der: Uint8Array;
}

export interface TransportEvents {
  /** Parcels can be sent. What was in flight before is sent again. */
  up(): void;
  /** Nothing can be sent until `up`; the transport goes on trying by itself. */
  down(error: Error): void;
  /** Parsed JSON, not validated. */
  receipt(receipt: unknown): void;
}

export interface UpstreamTransport {
  /** Where to, for people: without credentials. */
  readonly target: string;
  start(events: TransportEvents): void;
  /** Rejects when the parcel surely went nowhere, or with `SendError` when the other side asks to wait. */
  send(parcel: Parcel): Promise<void>;
  stop(): Promise<void>;
}

export class SendError extends Error {
  override name = "SendError";
  /** How long the cloud asked us to stay away, in ms. */
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs = 0) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** PEM texts for TLS: authorities to trust instead of the system's, and a client certificate. */
export interface TlsFiles {
  ca?: string;
  cert?: string;
  key?: string;
}

/** The longest receipt that is read. */
export const MAX_RECEIPT_BYTES = 64 * 1024;

/** What is wrong with the way, and what to look at. */
export function describeFailure(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const what = message || code || String(error);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `${what}: the name is not found, check DNS and the address`;
  if (/CERT|SELF_SIGNED|TLS|SSL|UNABLE_TO|ALTNAME/.test(code))
    return `${what} (${code}): TLS fails, check the certificate, the authority and the clock`;
  if (code === "ECONNREFUSED") return `${what}: nothing listens there, check address and port`;
  if (code === "ETIMEDOUT" || code === "ENETUNREACH" || code === "EHOSTUNREACH")
    return `${what}: the network does not get there`;
  return what;
}
