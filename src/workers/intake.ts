/**
 * The door of the log: a raw message becomes an event or goes to quarantine. The steps, in order: read as UTF-8 JSON,
 * validate against the contract, check that the EVSE exists, replace everything personal.
 */
import { isUtf8 } from "node:buffer";
import type { TokenPolicy } from "../identity/known-tokens.ts";
import type { SubjectStore } from "../identity/subject-store.ts";
import type { NewEvent } from "../model/event.ts";
import {
  type Authorization,
  type Authorize,
  IN_MESSAGES,
  type Meter,
  type Rejected,
  type Status,
  type Token,
  type Tx,
} from "../model/messages.ts";
import type { SealedRef } from "../model/signed.ts";
import { siteTopics } from "../model/topics.ts";
import { signedFacts } from "../rules/ocmf/facts.ts";
import type { RawMessage } from "./ledger-protocol.ts";

export interface IntakeSettings {
  site: string;
  /** EVSE numbers by station; meter stations have [0]. */
  evsesOf: ReadonlyMap<string, readonly number[]>;
  tokenPolicy: TokenPolicy;
  /** Whether the state of charge, which tells habits, has a purpose here. */
  keepsSoc?: boolean | undefined;
  /** The accepted public key of a meter, for signed values that come without one. */
  meterKeyOf(serial: string): string | undefined;
}

export type Taken =
  | { kind: "event"; event: NewEvent; boot: string | null; seq: number | null }
  | { kind: "rejected"; code: string; message: string; pointer?: string; boot?: string; seq?: number };

/** Why a message cannot be an event. */
class Refusal {
  readonly code: string;
  readonly message: string;
  readonly pointer: string | undefined;
  readonly numbered: { boot?: string; seq?: number };
  constructor(
    code: string,
    message: string,
    pointer?: string,
    numbered: { boot?: string; seq?: number } = {},
  ) {
    this.code = code;
    this.message = message;
    this.pointer = pointer;
    this.numbered = numbered;
  }
}

const EVENT_TYPES = {
  hello: "station.announced",
  meter: "meter.sampled",
  status: "status.reported",
  limit: "limit.confirmed",
  authorize: "token.decided",
} as const;

export class Intake {
  readonly #settings: IntakeSettings;
  readonly #subjects: SubjectStore;
  readonly #topics: ReturnType<typeof siteTopics>;
  /** Who charges at an EVSE, to seal signed values under the right subject. Filled from starts as they pass. */
  readonly #holders = new Map<string, string>();
  /** What the last message changed of it, to take back. */
  #before: { place: string; holder: string | undefined } | undefined;

  constructor(settings: IntakeSettings, subjects: SubjectStore) {
    this.#settings = settings;
    this.#subjects = subjects;
    this.#topics = siteTopics(settings.site);
  }

  /** Takes the holder of an EVSE from a transaction's message; who started without a token is nobody known before. */
  remember(station: string, evse: number, tokenRef: string | undefined, isStart: boolean): void {
    const place = `${station}/${evse}`;
    this.#before = { place, holder: this.#holders.get(place) };
    if (tokenRef) this.#holders.set(place, tokenRef);
    else if (isStart) this.#holders.delete(place);
  }

  /** The last message is none of the log's: it came again, or is refused. */
  takeBack(): void {
    if (this.#before?.holder === undefined) return;
    this.#holders.set(this.#before.place, this.#before.holder);
    this.#before = undefined;
  }

  take(message: RawMessage): Taken {
    this.#before = undefined;
    const read = this.#read(message);
    if (read instanceof Refusal) {
      const { code, message: text, pointer, numbered } = read;
      return { kind: "rejected", code, message: text, ...(pointer ? { pointer } : {}), ...numbered };
    }
    return this.#eventOf(message, read);
  }

  topicOf(message: RawMessage): string {
    return message.kind === "hello"
      ? this.#topics.hello(message.station)
      : this.#topics.in(message.station, message.evse, message.kind);
  }

  #read(message: RawMessage): Record<string, unknown> | Refusal {
    if (message.poison)
      return new Refusal("POISON", "this message ended the ledger thread three times; it was kept unread");
    const { payload } = message;
    if (!isUtf8(payload)) return new Refusal("NOT_UTF8", "the payload is not UTF-8; send JSON text in UTF-8");
    let json: unknown;
    try {
      json = JSON.parse((payload as Buffer).toString("utf8"));
    } catch (error) {
      return new Refusal("NOT_JSON", `the payload is not JSON: ${withoutContent(error as Error)}`);
    }
    const parsed = IN_MESSAGES[message.kind].safeParse(json);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const pointer = `/${issue?.path.join("/") ?? ""}`;
      return new Refusal(
        "SCHEMA",
        `${pointer}: ${issue?.message ?? "does not match the contract"}`,
        pointer,
        numberOf(json),
      );
    }
    const evses = this.#settings.evsesOf.get(message.station);
    if (!evses)
      return new Refusal(
        "UNKNOWN_STATION",
        `station ${message.station} is not in the config`,
        undefined,
        numberOf(json),
      );
    if (message.kind !== "hello" && !evses.includes(message.evse)) {
      const known = evses.join(", ");
      return new Refusal(
        "UNKNOWN_EVSE",
        `${message.station} has EVSE ${known}, not ${message.evse}`,
        undefined,
        numberOf(json),
      );
    }
    return parsed.data;
  }

  #eventOf(message: RawMessage, data: Record<string, unknown>): Taken {
    const { station, kind, atMs } = message;
    const { boot = null, seq = null } = data as { boot?: string; seq?: number };
    const isNumbered = boot !== null && seq !== null;
    const body = this.#bodyOf(message, data, boot, seq);
    const type = kind === "tx" ? (`transaction.${(data as Tx).event}` as const) : EVENT_TYPES[kind];
    const isSample = kind === "meter" || kind === "limit";
    const key = isNumbered && !isSample ? `in:${station}/${boot}/${seq}` : null;
    return { kind: "event", event: { type, atMs, station, key, body } as unknown as NewEvent, boot, seq };
  }

  #bodyOf(
    message: RawMessage,
    data: Record<string, unknown>,
    boot: string | null,
    seq: number | null,
  ): object {
    const { evse, kind } = message;
    if (kind === "meter") {
      const { signed, soc_pct, ...known } = data as Meter;
      const rest = this.#settings.keepsSoc && soc_pct !== undefined ? { ...known, soc_pct } : known;
      if (!signed) return { evse, ...rest, boot, seq };
      return { evse, ...rest, boot, seq, signed: this.#sealSigned(message, signed) };
    }
    if (kind === "tx") {
      const { token, signed, event, departure: _, energy_request_wh: __, ...rest } = data as Tx;
      const ref =
        token &&
        (event === "started" ? this.#subjects.tokenRef(token, message.atMs) : this.#refOf(message, token));
      this.remember(message.station, evse, ref, event === "started");
      return {
        evse,
        ...rest,
        boot,
        seq,
        ...(token ? { token_ref: ref, ...this.#subjects.known.listing(token) } : {}),
        ...(signed ? { signed: this.#sealSigned(message, signed) } : {}),
      };
    }
    if (kind === "authorize") {
      const { token, ref, ts } = data as Authorize;
      const decision = this.#subjects.known.decide(token, this.#settings.tokenPolicy, message.atMs);
      return {
        evse,
        ts,
        boot,
        seq,
        ref,
        token_ref: this.#subjects.tokenRef(token, message.atMs),
        ...this.#subjects.known.listing(token),
        ...decision,
      };
    }
    // A departure that a driver chose tells habits, and no bill needs it.
    const { departure: _, energy_request_wh: __, ...known } = data as Partial<Status>;
    return { evse, ...known, boot, seq };
  }

  /**
   * Whose token this is, within a transaction. Who was erased while they charged stays nameless until they come back:
   * the rest of their session goes on under its pseudonym, and makes no subject of them again.
   */
  #refOf({ station, evse, atMs }: RawMessage, token: Token): string {
    const known = this.#subjects.find(token);
    if (known !== null) return known;
    const holder = this.#holders.get(`${station}/${evse}`);
    if (holder !== undefined && !this.#subjects.has(holder)) return holder;
    return this.#subjects.tokenRef(token, atMs);
  }

  /** The answer to an `authorize` that came again. */
  decisionOf(message: RawMessage): (Authorization & { station: string; evse: number }) | undefined {
    if (message.kind !== "authorize") return undefined;
    const read = this.#read(message);
    if (read instanceof Refusal) return undefined;
    const { token, ref } = read as unknown as Authorize;
    const decision = this.#subjects.known.decide(token, this.#settings.tokenPolicy, message.atMs);
    return { ref, ...decision, station: message.station, evse: message.evse };
  }

  /** The record is checked here, where it is in the clear, and goes to the sealed store: it names who charged. */
  #sealSigned(message: RawMessage, signed: NonNullable<Meter["signed"]>): SealedRef {
    const { station, evse, atMs } = message;
    const bytes = Buffer.from(signed.data);
    const facts = signedFacts(signed.data, {
      publicKey: signed.public_key ?? null,
      keyOf: this.#settings.meterKeyOf,
      pseudonymOf: ({ type, data }) => this.#refOf(message, { type: tokenType(type), uid: data }),
    });
    const holder = this.#holders.get(`${station}/${evse}`) ?? facts.user;
    return {
      format: signed.format,
      ...this.#subjects.seal(holder, bytes, atMs),
      mac: this.#subjects.macOf(bytes),
      facts,
    };
  }
}

/** Identification types of OCMF 1.4.1, table 12, as the tokens that stations read. */
function tokenType(type: string | null): Token["type"] {
  const name = type?.trim().toUpperCase() ?? "";
  if (name.startsWith("ISO14443") || name.startsWith("ISO15693")) return "rfid";
  if (name === "EMAID" || name === "EVCCID" || name === "EVCOID") return "emaid";
  return "other";
}

/** JSON.parse quotes the text it met, which may be personal: keep the place only, and of short texts not even that. */
function withoutContent({ message }: Error): string {
  const place = /position \d+/.exec(message);
  if (place) return `unexpected character at ${place[0]}`;
  if (message.startsWith("Unexpected end")) return "it ends too early or is empty";
  return "unexpected character; usual are NaN, a byte order mark, single quotes, a comma too many";
}

function numberOf(json: unknown): { boot?: string; seq?: number } {
  const { boot, seq } = (json ?? {}) as { boot?: unknown; seq?: unknown };
  return {
    ...(typeof boot === "string" && boot.length <= 64 ? { boot } : {}),
    ...(Number.isSafeInteger(seq) ? { seq: seq as number } : {}),
  };
}

export function rejectedReply(topic: string, taken: Extract<Taken, { kind: "rejected" }>): Rejected {
  const { code, message, pointer, boot, seq } = taken;
  return {
    code,
    message,
    ...(pointer ? { pointer } : {}),
    ref: { topic, ...(boot === undefined ? {} : { boot }), ...(seq === undefined ? {} : { seq }) },
  };
}
