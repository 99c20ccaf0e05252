/**
 * Takes a person's word about a meter's public key to the log. Acceptances of a meter are numbered, so that two at the
 * same time claim one key and the first that is durable stands.
 */
import type { NewEvent } from "../model/event.ts";
import { meterKeyKey } from "../model/signed.ts";
import { OcmfError } from "../rules/ocmf/error.ts";
import { readPublicKey } from "../rules/ocmf/keys.ts";
import type { KeyDoor, KeyRequest, KeyVerdict } from "../web/meter-keys.ts";
import type { MeterKeys } from "./key-book.ts";
import type { AppendFact } from "./operator-facts.ts";
import type { Outbox } from "./outbox.ts";

/** What the door needs of the gateway. */
export interface KeyGround {
  outbox: Pick<Outbox, "ask">;
  appendFact: AppendFact;
  /** Depot time, ms. */
  nowMs(): number;
}

export function keyDoor({ outbox, appendFact, nowMs }: KeyGround): KeyDoor {
  return {
    list: () => outbox.ask("meterKeys", {}),
    async accept(request) {
      const known = await outbox.ask("meterKeys", {});
      const key = keyOf(request, known);
      if ("refused" in key) return key;
      const { meter_serial, by, reason } = request;
      const before = known.accepted.filter((accepted) => accepted.meter_serial === meter_serial);
      if (before.at(-1)?.public_key === key.hex) return refuse(409, "ALREADY_ACCEPTED", meter_serial);
      const event: NewEvent = {
        type: "meter_key.accepted",
        atMs: nowMs(),
        station: null,
        key: meterKeyKey(meter_serial, before.length + 1),
        body: { meter_serial, public_key: key.hex, by, reason },
      };
      const { offset, duplicate } = await appendFact(event);
      if (duplicate) return refuse(409, "OVERTAKEN", meter_serial);
      const sessions = known.waiting
        .filter((waiting) => waiting.meter_serial === meter_serial && waiting.public_key === key.hex)
        .flatMap((waiting) => waiting.sessions);
      return { accepted: { ...event.body, at: new Date(event.atMs).toISOString(), offset, sessions } };
    },
  };
}

type Refused = Extract<KeyVerdict, { refused: number }>;

/** As hex of a SubjectPublicKeyInfo: what was given, or what the newest session that waits for it came with. */
function keyOf({ meter_serial, public_key }: KeyRequest, { waiting }: MeterKeys): { hex: string } | Refused {
  if (public_key === undefined) {
    const seen = waiting.findLast((key) => key.meter_serial === meter_serial && key.public_key !== null);
    return seen?.public_key ? { hex: seen.public_key } : refuse(404, "NO_KEY_SEEN", meter_serial);
  }
  try {
    return { hex: readPublicKey(public_key).spki.toString("hex") };
  } catch (error) {
    if (!(error instanceof OcmfError)) throw error;
    const fix = "Send it as hex, base64 or PEM of a SubjectPublicKeyInfo.";
    return { refused: 400, answer: { code: "BAD_KEY", message: `The ${error.message}.`, fix } };
  }
}

const REFUSALS = {
  NO_KEY_SEEN: {
    message: "No session that waits came with a key of meter",
    fix: "Give the key, or look at those that were seen: laddport meter-keys list.",
  },
  ALREADY_ACCEPTED: {
    message: "This key is accepted already, of meter",
    fix: "Release the sessions that wait: laddport cdr hold list.",
  },
  OVERTAKEN: {
    message: "A key was accepted at the same time, of meter",
    fix: "Look again: laddport meter-keys list.",
  },
} as const;

function refuse(status: 404 | 409, code: keyof typeof REFUSALS, serial: string): Refused {
  const { message, fix } = REFUSALS[code];
  return { refused: status, answer: { code, message: `${message} ${serial}.`, fix } };
}
