import { describe, expect, test } from "vitest";
import { createSnapshot } from "../../src/control/snapshot.ts";
import type { InKind } from "../../src/model/topics.ts";

const START = Date.UTC(2026, 4, 4);

function listening() {
  let t = 0;
  const snapshot = createSnapshot({
    sources: [
      { station: "cp-1", evse: 1 },
      { station: "grid", evse: 0 },
    ],
    monoMs: () => t,
    nowMs: () => START + t,
    lateAfterMs: 60_000,
  });
  const raw = (kind: InKind, text: string, station = "cp-1", evse = 1) =>
    snapshot.note({ station, evse, kind, payload: new TextEncoder().encode(text) });
  return {
    snapshot,
    raw,
    wait: (ms: number) => {
      t += ms;
    },
    say: (kind: InKind, body: object, agoMs = 0) =>
      raw(kind, JSON.stringify({ ts: new Date(START + t - agoMs).toISOString(), ...body })),
  };
}

describe("newest of each kind", () => {
  test("only the newest payload is parsed, in order of arrival over kinds, once", () => {
    const { snapshot, say, wait } = listening();
    say("meter", { current_a: [1, 1, 1] });
    say("limit", { rev: 1, limit_a: 6 });
    wait(1000);
    say("meter", { current_a: [2, 2, 2] });
    const heard = snapshot.drain();
    expect(heard.map((h) => [h.kind, h.atMs])).toEqual([
      ["limit", 0],
      ["meter", 1000],
    ]);
    expect(heard[1]).toMatchObject({ body: { current_a: [2, 2, 2] } });
    expect(snapshot.drain()).toEqual([]);
  });

  test("a part of what is new is the oldest part; what changes meanwhile moves to the end", () => {
    const { snapshot, say } = listening();
    say("meter", { current_a: [1, 1, 1] });
    say("limit", { rev: 1, limit_a: 6 });
    say("status", { connector_state: "occupied" });
    expect(snapshot.drain(1).map((h) => h.kind)).toEqual(["meter"]);
    say("limit", { rev: 2, limit_a: 8 });
    expect(snapshot.waiting).toBe(2);
    expect(snapshot.drain(1).map((h) => h.kind)).toEqual(["status"]);
    expect(snapshot.drain(1)).toMatchObject([{ kind: "limit", body: { rev: 2 } }]);
    expect(snapshot.waiting).toBe(0);
  });

  test("of a meter whose readings are numbered now and then, each is news", () => {
    const { snapshot, say, wait, raw } = listening();
    const tell = (body: object) => raw("meter", JSON.stringify(body), "grid", 0);
    for (let i = 0; i < 20; i++) {
      wait(1000);
      const ts = new Date(START + 1000 * (i + 1)).toISOString();
      tell({ ts, current_a: [i, i, i], ...(i % 10 === 0 ? { boot: "gw-1", seq: i / 10 } : {}) });
      expect(snapshot.drain()).toMatchObject([{ kind: "meter", body: { current_a: [i, i, i] } }]);
    }
    say("meter", { current_a: [1, 1, 1] });
    expect(snapshot.drain()).toHaveLength(1);
  });

  test("stations, EVSEs and kinds that control does not need are not kept", () => {
    const { snapshot, raw, say } = listening();
    raw("meter", "{}", "cp-9");
    raw("meter", "{}", "cp-1", 2);
    say("authorize", { ref: "1", token: { uid: "x" } });
    expect(snapshot.drain()).toEqual([]);
  });

  test.each([
    ["not JSON", "{", "not JSON"],
    ["not UTF-8", "\u0000", "not JSON"],
    ["1e9 A", '{"ts":"2026-05-04T00:00:00Z","current_a":[1e9]}', "/current_a/0"],
    ["no time", '{"current_a":[1]}', "/ts"],
  ])("%s is a fault that names the place", (_, text, place) => {
    const { snapshot, raw } = listening();
    raw("meter", text);
    const [heard] = snapshot.drain();
    expect(heard).toMatchObject({ kind: "fault", of: "meter" });
    expect(heard?.kind === "fault" ? heard.fault : "").toContain(place);
  });
});

describe("backlog is not news", () => {
  test("what a station buffered while it was cut off is dropped, whatever its clock's offset", () => {
    for (const offset of [0, 86_400_000, -5_000_000]) {
      const { snapshot, say, wait } = listening();
      say("meter", { current_a: [10] }, offset);
      expect(snapshot.drain().length).toBe(1);
      wait(600_000);
      say("meter", { current_a: [32] }, offset + 500_000);
      expect(snapshot.drain()).toEqual([]);
      say("meter", { current_a: [11] }, offset);
      expect(snapshot.drain()).toMatchObject([{ body: { current_a: [11] } }]);
    }
  });

  test("an older number of the same boot is dropped; a new boot starts anew", () => {
    const { snapshot, say } = listening();
    const seq = (boot: string, n: number) => {
      say("meter", { boot, seq: n, current_a: [n] });
      return snapshot.drain().length;
    };
    expect([seq("a", 5), seq("a", 4), seq("a", 5), seq("a", 6), seq("b", 0)]).toEqual([1, 0, 0, 1, 1]);
  });

  test("a station whose clock was set an hour back is believed again after a minute", () => {
    const { snapshot, say, wait } = listening();
    say("meter", { current_a: [1] });
    snapshot.drain();
    const heard: number[] = [];
    for (let s = 0; s < 80; s++) {
      wait(1000);
      say("meter", { current_a: [2] }, 3_600_000);
      heard.push(snapshot.drain().length);
    }
    expect(heard.slice(0, 60)).toEqual(new Array(60).fill(0));
    expect(heard.slice(61)).toEqual(new Array(19).fill(1));
  });

  test("a late confirmation still counts: it carries its own order", () => {
    const { snapshot, say, wait } = listening();
    say("limit", { rev: 1, limit_a: 6 });
    snapshot.drain();
    wait(1000);
    say("limit", { rev: 2, limit_a: 6 }, 500_000);
    expect(snapshot.drain().length).toBe(1);
  });
});
