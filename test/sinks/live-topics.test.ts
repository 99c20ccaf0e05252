import { describe, expect, it } from "vitest";
import type { NewEvent } from "../../src/model/event.ts";
import { siteTopics } from "../../src/model/topics.ts";
import { createLiveTopics } from "../../src/sinks/live-topics.ts";
import { ended, event, placed, rated, T0 } from "./depot-events.ts";

interface Message {
  topic: string;
  payload: Record<string, unknown>;
  qos: number;
  retain: boolean;
}

async function told(events: NewEvent[], first = 1): Promise<Message[]> {
  const messages: Message[] = [];
  const sink = createLiveTopics({
    topics: siteTopics("ringon"),
    publish: (topic, json, options) => {
      messages.push({ topic, payload: JSON.parse(json), ...options });
    },
  });
  await sink.deliver(placed(events, first));
  return messages;
}

const alert = {
  id: "station_faulted:cp-001/1",
  kind: "station_faulted",
  severity: "warning",
  subject: "cp-001/1",
  cause: "ground fault",
  since_ms: T0,
} as const;

describe("news topics", () => {
  it("tell each fact with its offset, station and time, not retained, QoS 1", async () => {
    const messages = await told(
      [
        event("session.started", T0, "cp-001", {
          session_id: "s1",
          evse: 1,
          token_ref: "pseudonym-of-anna",
          tx_ref: "tx",
          tariff_hash: null,
          started_ms: T0,
        }),
        event("session.ended", T0, "cp-001", ended()),
        rated("12.5"),
        event("alert.raised", T0, "cp-001", alert),
        event("alert.cleared", T0 + 1, null, { ...alert, duration_s: 7 }),
      ],
      100,
    );
    expect(messages.map((m) => [m.topic, m.payload.log_offset, m.qos, m.retain])).toEqual([
      ["laddport/v1/ringon/event/session/started", 100, 1, false],
      ["laddport/v1/ringon/event/session/ended", 101, 1, false],
      ["laddport/v1/ringon/event/session/rated", 102, 1, false],
      ["laddport/v1/ringon/event/alert/raised", 103, 1, false],
      ["laddport/v1/ringon/event/alert/cleared", 104, 1, false],
    ]);
    expect(messages[0]?.payload).toEqual({
      log_offset: 100,
      at: "2026-11-22T17:00:00.000Z",
      station: "cp-001",
      session_id: "s1",
      evse: 1,
      tx_ref: "tx",
      tariff_hash: null,
      started_ms: T0,
    });
    expect(messages[2]?.payload).toMatchObject({ id: "cdr-1", total_cost: { incl_vat: "12.5" } });
    expect(messages[4]?.payload).toMatchObject({ duration_s: 7, cause: "ground fault" });
  });

  it("carry no token reference at any depth", async () => {
    const messages = await told([event("session.ended", T0, "cp-001", ended()), rated("1")]);
    expect(JSON.stringify(messages)).not.toMatch(/pseudonym|token_ref|cdr_token/);
  });

  it("tell a held session as ended and as held", async () => {
    const held = ended({ held: [{ code: "NO_REGISTER", detail: "none seen" }] });
    const messages = await told([event("session.ended", T0, "cp-001", held)]);
    expect(messages.map((m) => m.topic.split("/").at(-1))).toEqual(["ended", "held"]);
  });

  it("pass a failed publish on, so that the news come again", async () => {
    const sink = createLiveTopics({
      topics: siteTopics("ringon"),
      publish: () => Promise.reject(new Error("broker is closing")),
    });
    await expect(sink.deliver(placed([event("alert.raised", T0, null, alert)]))).rejects.toThrow("closing");
    expect(sink.startAt).toBe("head");
  });
});
