import { describe, expect, test } from "vitest";
import { RANK } from "../../src/rules/allocate.ts";
import { noTurn, TURN_MS, type TurnFacts, type TurnMemory, takeTurns } from "../../src/rules/rotation.ts";
import { type Car, circuit, share } from "./allocation-cases.ts";

const MINUTE = 60_000;
const site = [circuit("site", null, 1000)];

/** Cars that all want for ever, with the minimum off-time of five minutes, a tick a minute. */
function depot(count: number, roomW: number, of: (i: number) => Partial<TurnFacts> = () => ({})) {
  let memory: TurnMemory[] = Array.from({ length: count }, () => noTurn);
  let offeredA: number[] = new Array(count).fill(0);
  const stoppedAt: number[] = new Array(count).fill(Number.NEGATIVE_INFINITY);
  const ranMs: number[] = new Array(count).fill(0);
  const starts: number[] = new Array(count).fill(0);
  const longestWaitMs: number[] = new Array(count).fill(0);
  const waitsMs: number[] = new Array(count).fill(0);
  let nowMs = 0;
  let reasons: string[] = [];
  return {
    get offeredA() {
      return offeredA;
    },
    get reasons() {
      return reasons;
    },
    ranMs,
    starts,
    longestWaitMs,
    tick() {
      const facts = offeredA.map((a, i): TurnFacts => {
        const pausing = a === 0 && nowMs - (stoppedAt[i] ?? 0) < 5 * MINUTE;
        return {
          rank: pausing ? RANK.standby : a > 0 ? RANK.running : RANK.waiting,
          classWeight: 1,
          wants: !pausing,
          pausing,
          offered: a > 0,
          ...of(i),
        };
      });
      const turns = takeTurns(memory, facts, TURN_MS, nowMs);
      memory = turns.memory;
      const cars = facts.map(
        (f, i): Car => ({
          capA: f.wants ? 32 : 0,
          rank: turns.rank[i] ?? 0,
          classWeight: f.classWeight,
          order: turns.order[i] ?? 0,
          resting: turns.resting[i] === 1,
        }),
      );
      const answer = share(site, cars, { roomW: { site: roomW } });
      answer.limitA.forEach((a, i) => {
        const was = offeredA[i] ?? 0;
        if (a === 0 && was > 0) stoppedAt[i] = nowMs;
        if (a > 0 && was === 0) starts[i] = (starts[i] ?? 0) + 1;
        if (a > 0) ranMs[i] = (ranMs[i] ?? 0) + MINUTE;
        waitsMs[i] = a > 0 ? 0 : (waitsMs[i] ?? 0) + MINUTE;
        longestWaitMs[i] = Math.max(longestWaitMs[i] ?? 0, waitsMs[i] ?? 0);
      });
      offeredA = answer.limitA;
      reasons = answer.reason;
      nowMs += MINUTE;
      return offeredA;
    },
  };
}

describe("turns", () => {
  test("20 cars on the 40.1 kW of Section 14a: 9 run at any time, all get their turn, none is cut short", () => {
    const d = depot(20, 40_100);
    for (let minute = 0; minute < 24 * 60; minute++) expect(d.tick().filter((a) => a >= 6)).toHaveLength(9);
    // 9 of 20 of a day is 10.8 h.
    for (const ms of d.ranMs) expect(Math.abs(ms / (60 * MINUTE) - 10.8)).toBeLessThanOrEqual(0.6);
    for (const count of d.starts) expect(count).toBeLessThanOrEqual(22);
    // Two rounds of the others, and a little: 11 others wait at any time.
    for (const ms of d.longestWaitMs) expect(ms).toBeLessThanOrEqual(95 * MINUTE);
    expect(d.reasons.filter((r) => r === "rotation").length).toBeGreaterThan(0);
  });

  test("with one car too many each pauses for the minimum off-time only", () => {
    const d = depot(10, 40_100);
    for (let minute = 0; minute < 12 * 60; minute++) expect(d.tick().filter((a) => a > 0)).toHaveLength(9);
    expect(Math.max(...d.longestWaitMs)).toBeLessThanOrEqual(31 * MINUTE);
    expect(Math.max(...d.starts)).toBeLessThanOrEqual(1 + (12 * 60) / 35);
  });

  test("while nobody waits nobody's turn ends", () => {
    const d = depot(9, 40_100);
    for (let minute = 0; minute < 300; minute++) d.tick();
    expect(d.starts).toEqual(new Array(9).fill(1));
    expect(d.reasons).not.toContain("rotation");
  });

  test("cars of another class take no turns with it: they lose to it or win", () => {
    const d = depot(10, 40_100, (i) => ({ classWeight: i === 0 ? 1 : 2 }));
    for (let minute = 0; minute < 120; minute++) d.tick();
    expect(d.offeredA[0]).toBe(0);
    expect(d.reasons[0]).toBe("higher_class");
    expect(d.starts.slice(1)).toEqual(new Array(9).fill(1));
  });
});

describe("who goes behind whom", () => {
  const facts = (of: Partial<TurnFacts>): TurnFacts => ({
    rank: RANK.waiting,
    classWeight: 1,
    wants: true,
    pausing: false,
    offered: false,
    ...of,
  });
  const running = { rank: RANK.running, offered: true };

  test("the longest waiting first, then whose turn is over, the one that held longest last", () => {
    const memory: TurnMemory[] = [
      { holdsSinceMs: 0, waitsSinceMs: null, heldMs: 0 },
      { holdsSinceMs: 5, waitsSinceMs: null, heldMs: 0 },
      { holdsSinceMs: TURN_MS, waitsSinceMs: null, heldMs: 0 },
      { holdsSinceMs: null, waitsSinceMs: 900, heldMs: 0 },
      { holdsSinceMs: null, waitsSinceMs: 800, heldMs: 0 },
    ];
    const all = [facts(running), facts(running), facts(running), facts({}), facts({})];
    const { order, rank, resting } = takeTurns(memory, all, TURN_MS, TURN_MS + 10);
    expect([...order]).toEqual([4, 3, 0, 2, 1]);
    expect([...rank]).toEqual([RANK.waiting, RANK.waiting, RANK.running, RANK.waiting, RANK.waiting]);
    expect([...resting]).toEqual([1, 1, 0, 1, 1]);
  });

  test("whoever was given a turn keeps it while its car wakes up", () => {
    const memory: TurnMemory[] = [{ holdsSinceMs: null, waitsSinceMs: 0, heldMs: 0 }, noTurn];
    const woken = takeTurns(memory, [facts({ offered: true }), facts({})], TURN_MS, MINUTE);
    expect(woken.memory[0]).toEqual({ holdsSinceMs: MINUTE, waitsSinceMs: null, heldMs: 0 });
    expect(woken.order[0]).toBeLessThan(woken.order[1] ?? 0);
  });

  test("who was just paused waits on, but ends nobody's turn; the urgent and the just started keep theirs", () => {
    const held: TurnMemory = { holdsSinceMs: 0, waitsSinceMs: null, heldMs: 0 };
    const memory = [held, held];
    const late = TURN_MS + 1;
    const paused = takeTurns(memory, [facts(running), facts({ wants: false, pausing: true })], TURN_MS, late);
    expect(paused.rank[0]).toBe(RANK.running);
    expect(paused.memory[1]).toEqual({ holdsSinceMs: null, waitsSinceMs: late, heldMs: late });
    for (const rank of [RANK.urgent, RANK.justStarted])
      expect(takeTurns(memory, [facts({ ...running, rank }), facts({})], TURN_MS, late).rank[0]).toBe(rank);
  });

  test("a car that leaves or sleeps forgets its turn", () => {
    const memory: TurnMemory[] = [{ holdsSinceMs: 0, waitsSinceMs: null, heldMs: 0 }];
    expect(takeTurns(memory, [facts({ wants: false, offered: true })], TURN_MS, 1).memory).toEqual([noTurn]);
  });
});
