/** Messages of a batch before COMMIT: what each becomes, whether the log has it already, and which answer it gets. */
import { sha256 } from "../log/chain.ts";
import type { NewEvent } from "../model/event.ts";
import type { SealedRef } from "../model/signed.ts";
import { rejectedReply } from "./intake.ts";
import type { Ledger } from "./ledger-open.ts";
import { type BatchResult, DUPLICATE, type RawMessage, REJECTED, STORED } from "./ledger-protocol.ts";

/** One message, staged: what it becomes and which answer it gets. */
export interface StagedMessage {
  code: number;
  /** Index of its event in the group; -1 when there is none. */
  event: number;
  boot: string | null;
  seq: number | null;
}

/** What the batch adds to the group that will be committed. */
export interface StagedGroup {
  events: NewEvent[];
  rejected: Extract<BatchResult, { kind: "committed" }>["rejected"];
  /** `station/boot/seq` of this batch to the index of its event. */
  seen: Map<string, number>;
}

/** Makes a message an event of the group, or finds that the log has it, or quarantines it. */
export function stageMessage(
  l: Ledger,
  message: RawMessage,
  group: StagedGroup,
  nowMs: number,
): StagedMessage {
  const { events, rejected } = group;
  const subjects = l.subjects.made;
  let taken = l.intake.take(message);
  if (taken.kind === "event" && taken.boot !== null && taken.seq !== null) {
    const { boot, seq, event } = taken;
    const met = findSame(l, event, boot, seq, group);
    if (met) {
      dropSealed(l, event);
      // A repeated message of who was erased must not make a subject of them again.
      l.subjects.withdraw(subjects);
      l.intake.takeBack();
    }
    if (met === "same") return { code: DUPLICATE, event: -1, boot, seq };
    if (met === "other") {
      const text = `boot ${boot} seq ${seq} is in the log with other content; number every message once`;
      taken = { kind: "rejected", code: "KEY_CONFLICT", message: text, boot, seq };
    } else {
      group.seen.set(`${event.station}/${boot}/${seq}`, events.length);
      events.push(event);
      return { code: STORED, event: events.length - 1, boot, seq };
    }
  }
  if (taken.kind === "event") {
    events.push(taken.event);
    return { code: STORED, event: events.length - 1, boot: null, seq: null };
  }
  const topic = l.intake.topicOf(message);
  rejected.push({ ...rejectedReply(topic, taken), station: message.station });
  if (!l.quota.admit(message.station, message.payload.length, nowMs)) {
    return { code: REJECTED, event: -1, boot: null, seq: null };
  }
  const sealed = l.subjects.seal(null, message.payload, message.atMs);
  events.push({
    type: "message.quarantined",
    atMs: message.atMs,
    station: message.station,
    key: null,
    body: {
      topic,
      code: taken.code,
      message: taken.message,
      ...(taken.pointer ? { pointer: taken.pointer } : {}),
      sealed_sha256: sealed.sha256,
      size: message.payload.length,
    },
  });
  return { code: REJECTED, event: -1, boot: null, seq: null };
}

/** What came again is sealed already; what is refused is sealed whole. */
function dropSealed({ subjects }: Ledger, { body }: NewEvent): void {
  const { signed } = body as { signed?: SealedRef };
  if (signed) subjects.dropSealed(signed.sealed_ref);
}

/** Compares with the same number in this batch, in the window, or (facts) anywhere in the log. */
function findSame(
  l: Ledger,
  event: NewEvent,
  boot: string,
  seq: number,
  { events, seen }: StagedGroup,
): "same" | "other" | undefined {
  const station = event.station ?? "";
  const inBatch = seen.get(`${station}/${boot}/${seq}`);
  const isGone = (tokenRef: string) => !l.subjects.has(tokenRef);
  if (inBatch !== undefined) return sameEvent(events[inBatch], event);
  const offset = l.seen.find(station, boot, seq);
  if (offset !== undefined) {
    const there = l.store.bodyAt(offset);
    if (there) return sameAsStored(l, offset, there, event, isGone);
  }
  const place = event.key === null ? undefined : l.store.factByKeyNow(event.key);
  const there = place && l.store.bodyAt(place.offset);
  return there && sameAsStored(l, place.offset, there, event, isGone);
}

/** What retention has emptied is still known by its hash. */
function sameAsStored(
  l: Ledger,
  offset: number,
  there: { type: string; body: string | null },
  event: NewEvent,
  isGone: (tokenRef: string) => boolean,
): "same" | "other" {
  if (there.body !== null) return sameBody(there.type, there.body, event, isGone);
  return l.store.bodyHashAt(offset) === sha256(JSON.stringify(event.body)) ? "same" : "other";
}

function sameEvent(there: NewEvent | undefined, event: NewEvent): "same" | "other" {
  return sameBody(there?.type ?? "", JSON.stringify(there?.body), event);
}

/** `isGone`: whether a subject was erased since. Whoever sent the message then is not known any more. */
function sameBody(
  type: string,
  body: string | null,
  event: NewEvent,
  isGone: (tokenRef: string) => boolean = () => false,
): "same" | "other" {
  if (type !== event.type) return "other";
  // What the gateway decided about a token may differ the second time; what the station said may not.
  if (event.type === "token.decided" && body !== null) {
    const { ref, token_ref } = JSON.parse(body) as { ref: string; token_ref: string };
    const isSubject = token_ref === event.body.token_ref || isGone(token_ref);
    return ref === event.body.ref && isSubject ? "same" : "other";
  }
  const mine = JSON.stringify(event.body);
  if (body === mine) return "same";
  return body !== null && asReported(body, isGone) === asReported(mine, isGone, body) ? "same" : "other";
}

/**
 * Without what the token list adds: it may have changed before the station sent its message again. A signed record that
 * was sealed again has another place and ciphertext; its keyed hash says that it is the same. `like`: the body it is
 * compared with; a pseudonym that was erased there is not looked at.
 */
function asReported(body: string, isGone: (tokenRef: string) => boolean, like = body): string {
  const { token_group: _, vehicle: __, ...reported } = JSON.parse(body) as Record<string, unknown>;
  const { signed } = reported as { signed?: SealedRef };
  const { token_ref } = JSON.parse(like) as { token_ref?: string };
  if (token_ref !== undefined && "token_ref" in reported && isGone(token_ref)) reported.token_ref = null;
  return JSON.stringify(signed?.mac ? { ...reported, signed: signed.mac } : reported);
}
