/**
 * News on `event/session/{started,ended,rated,held}` and `event/alert/{raised,cleared}`, straight from the log: the
 * payload is the fact's body with its station, time and `log_offset`. At least once: a reader that must not count twice
 * remembers `log_offset`. Token references are dropped: a pseudonym is still personal data, and flows do not need it.
 */
import type { Sink } from "../log/run-sink.ts";
import type { Event, EventType } from "../model/event.ts";
import type { SiteTopics } from "../model/topics.ts";

/** Hands a message to the broker; resolves when it took it. */
export type Publish = (
  topic: string,
  json: string,
  options: { qos: 0 | 1; retain: boolean },
) => void | Promise<void>;

const NEWS_TYPES = [
  "session.started",
  "session.ended",
  "cdr.issued",
  "alert.raised",
  "alert.cleared",
] as const satisfies readonly EventType[];

/** Fields that name or stand for a person, at any depth of a body. */
const PERSONAL: ReadonlySet<string> = new Set(["token_ref", "cdr_token"]);

/** Begins at the head on its first start, so that a log which is older than the sink is not told as news. */
export function createLiveTopics(options: { topics: SiteTopics; publish: Publish }): Sink {
  const { topics, publish } = options;
  return {
    name: "live-topics",
    types: NEWS_TYPES,
    batch: 100,
    startAt: "head",
    async deliver(events) {
      for (const event of events) {
        const news = newsTopics(topics, event);
        if (news.length === 0) continue;
        const json = newsPayload(event);
        for (const topic of news) await publish(topic, json, { qos: 1, retain: false });
      }
    },
  };
}

/** A session that waits for a person is told twice: as ended, and as held. */
function newsTopics(topics: SiteTopics, event: Event): string[] {
  switch (event.type) {
    case "session.started":
      return [topics.sessionEvent("started")];
    case "session.ended":
      return event.body.held?.length > 0
        ? [topics.sessionEvent("ended"), topics.sessionEvent("held")]
        : [topics.sessionEvent("ended")];
    case "cdr.issued":
      return [topics.sessionEvent("rated")];
    case "alert.raised":
      return [topics.alertEvent("raised")];
    case "alert.cleared":
      return [topics.alertEvent("cleared")];
    default:
      return [];
  }
}

function newsPayload(event: Event): string {
  const head = { log_offset: event.offset, at: new Date(event.atMs).toISOString() };
  const station = event.station === null ? {} : { station: event.station };
  return JSON.stringify({ ...head, ...station, ...event.body }, (key, value) =>
    PERSONAL.has(key) ? undefined : value,
  );
}
