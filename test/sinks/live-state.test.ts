import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunningCost } from "../../src/model/running-cost.ts";
import { siteTopics } from "../../src/model/topics.ts";
import { createLiveState, type GatewayHealth, type LiveState } from "../../src/sinks/live-state.ts";
import type { Publish } from "../../src/sinks/live-topics.ts";
import { T0 } from "./depot-events.ts";

const topics = siteTopics("ringon");
const info = {
  version: "0.1.0",
  node: "24.21.0",
  site: "ringon",
  gateway: "gw-1",
  epoch: 1,
  started_at: "2026-11-22T17:00:00Z",
};
const health: GatewayHealth = { status: "ok", log_offset: 5, lag: { influx: 0 } };

let sent: { topic: string; json: string; retain: boolean; qos: number }[];
let errors: string[];
let live: LiveState;

function open(publish?: Publish, report = (): GatewayHealth => health): LiveState {
  live = createLiveState({
    topics,
    publish: publish ?? ((topic, json, options) => void sent.push({ topic, json, ...options })),
    info,
    health: report,
    onError: (topic) => errors.push(topic),
  });
  return live;
}

const jsonOf = (topic: string) => sent.filter((m) => m.topic === topic).map((m) => m.json);

beforeEach(() => {
  vi.useFakeTimers({ now: T0 });
  sent = [];
  errors = [];
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

describe("what a session costs so far", () => {
  const cost: RunningCost = {
    session_id: "s1-7",
    station: "cp-001",
    evse: 1,
    started: "2026-11-22T16:00:00.000Z",
    as_of: "2026-11-22T17:00:00.000Z",
    energy_wh: 1_500,
    currency: "SEK",
    total_excl_vat: "3.0000",
    total_incl_vat: "3.7500",
    lines_so_far: [],
  };
  const topic = topics.sessionState("cp-001", 1);

  it("is retained while the session is open, and cleared once when it is over", () => {
    open().start();
    live.setSession("cp-001", 1, undefined);
    vi.advanceTimersByTime(500);
    expect(jsonOf(topic)).toEqual([]);
    live.setSession("cp-001", 1, cost);
    vi.advanceTimersByTime(500);
    live.setSession("cp-001", 1, cost);
    vi.advanceTimersByTime(500);
    expect(jsonOf(topic)).toHaveLength(1);
    expect(JSON.parse(jsonOf(topic)[0] ?? "")).toEqual({ ts: "2026-11-22T17:00:01.000Z", ...cost });
    for (let i = 0; i < 3; i++) {
      live.setSession("cp-001", 1, undefined);
      vi.advanceTimersByTime(500);
    }
    expect(jsonOf(topic).slice(1)).toEqual([""]);
  });

  it("of a session that ended before it was written is never written", () => {
    open().start();
    live.setSession("cp-001", 1, cost);
    live.setSession("cp-001", 1, undefined);
    vi.advanceTimersByTime(500);
    expect(jsonOf(topic)).toEqual([]);
  });
});

describe("retained state", () => {
  it("is all written at start", () => {
    open().setEvse("cp-001", 1, { online: true, power_w: 5 });
    live.setSite({
      current_a: [1, 2, 3],
      limit_a: [100, 100, 100],
      power_w: 900,
      stations_online: 1,
      stations: 1,
      charging: 1,
      meter_stale: false,
    });
    expect(sent).toEqual([]);
    live.start();
    expect(sent.map((m) => m.topic).sort()).toEqual(
      [topics.info, topics.health, topics.evseState("cp-001", 1), topics.siteState].sort(),
    );
    expect(sent.every((m) => m.retain && m.qos === 1)).toBe(true);
    expect(JSON.parse(jsonOf(topics.evseState("cp-001", 1))[0] ?? "")).toEqual({
      ts: "2026-11-22T17:00:00.000Z",
      online: true,
      power_w: 5,
    });
    expect(JSON.parse(jsonOf(topics.info)[0] ?? "")).toMatchObject(info);
  });

  it("of a large depot leaves in slices, all of it", () => {
    open().start();
    sent = [];
    for (let i = 1; i <= 120; i++) live.setEvse(`cp-${i}`, 1, { online: true });
    vi.advanceTimersToNextTimer();
    const first = sent.length;
    vi.advanceTimersByTime(100);
    expect([first, new Set(sent.map((m) => m.topic)).size, sent.length]).toEqual([50, 120, 120]);
  });

  it("goes out when it changed, and at most once an interval", () => {
    open().start();
    const topic = topics.evseState("cp-001", 1);
    for (let i = 0; i < 100; i++) live.setEvse("cp-001", 1, { online: true, power_w: i });
    vi.advanceTimersByTime(500);
    expect(jsonOf(topic)).toHaveLength(1);
    expect(jsonOf(topic)[0]).toContain('"power_w":99');
    live.setEvse("cp-001", 1, { online: true, power_w: 99 });
    vi.advanceTimersByTime(5_000);
    expect(jsonOf(topic)).toHaveLength(1);
    live.setEvse("cp-001", 1, { online: true, power_w: 1 });
    live.setEvse("cp-001", 1, { online: true, power_w: 99 });
    vi.advanceTimersByTime(500);
    expect(jsonOf(topic)).toHaveLength(1);
    live.clearEvse("cp-001", 1);
    vi.advanceTimersByTime(500);
    expect(jsonOf(topic)[1]).toBe("");
  });

  it("has health every 5 s, with the time by which the next must come", () => {
    open().start();
    vi.advanceTimersByTime(10_000);
    const beats = jsonOf(topics.health).map((json) => JSON.parse(json));
    expect(beats.map((b) => [b.ts, b.next_by])).toEqual([
      ["2026-11-22T17:00:00.000Z", "2026-11-22T17:00:15.000Z"],
      ["2026-11-22T17:00:05.000Z", "2026-11-22T17:00:20.000Z"],
      ["2026-11-22T17:00:10.000Z", "2026-11-22T17:00:25.000Z"],
    ]);
    expect(beats[0]).toMatchObject(health);
    live.stop();
    vi.advanceTimersByTime(60_000);
    expect(jsonOf(topics.health)).toHaveLength(3);
  });

  it("is written again when the broker did not take it, and survives a health source that throws", async () => {
    let refuse = true;
    const publish: Publish = async (topic, json, options) => {
      if (refuse && topic.includes("/state/")) throw new Error("full");
      sent.push({ topic, json, ...options });
    };
    open(publish, () => {
      throw new Error("no figures yet");
    }).setEvse("cp-001", 1, { online: false });
    live.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(errors).toContain(topics.evseState("cp-001", 1));
    expect(errors).toContain(topics.health);
    refuse = false;
    await vi.advanceTimersByTimeAsync(500);
    expect(jsonOf(topics.evseState("cp-001", 1))).toHaveLength(1);
  });
});
