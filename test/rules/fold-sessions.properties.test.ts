import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Event, NewEvent } from "../../src/model/event.ts";
import type { SessionRecord } from "../../src/model/session.ts";
import { cdrOf } from "../../src/rules/cdr.ts";
import { type SessionsPart, sessionCounts, sessionsFold } from "../../src/rules/fold-sessions.ts";
import { chaos } from "./chaos.ts";
import { DEPOT, DepotLog, of, run } from "./depot-events.ts";

const runs = process.env.DEEP ? 5000 : 80;

/** A plausible visit: rising register, samples every 10 s, stop and unplug. */
const visit = fc.record({
  samples: fc.array(fc.nat(60), { minLength: 3, maxLength: 40 }),
  order: fc.array(fc.nat(6), { minLength: 40, maxLength: 40 }),
  startWh: fc.nat(1_000_000),
  repeat: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
});

function check(session: SessionRecord): void {
  const sum = session.segments.reduce((total, s) => total + (s.to_wh - s.from_wh), 0);
  expect(session.energy_wh).toBe(sum);
  expect(session.energy_wh).toBeGreaterThanOrEqual(0);
  for (const segment of session.segments) expect(segment.to_wh).toBeGreaterThanOrEqual(segment.from_wh);
  let at = session.started_ms;
  for (const interval of session.intervals) {
    expect(interval.from_ms).toBe(at);
    expect(interval.to_ms).toBeGreaterThan(interval.from_ms);
    at = interval.to_ms;
  }
  if (session.held.every((hold) => hold.code !== "START_UNKNOWN")) expect(at).toBe(session.ended_ms);
  const seconds = Object.values(session.durations_s).reduce((a, b) => a + b, 0);
  expect(Math.abs(seconds - (session.ended_ms - session.started_ms) / 1000)).toBeLessThanOrEqual(3);
  let energy = 0;
  for (const reading of session.readings) {
    expect(reading.energy_wh).toBeGreaterThanOrEqual(energy);
    energy = reading.energy_wh;
  }
  expect(energy).toBeLessThanOrEqual(session.energy_wh);
}

describe("whatever stations send", () => {
  it("energy is the sum of its segments, intervals leave no hole, and every session is named once", () => {
    fc.assert(
      fc.property(chaos, (events) => {
        const emitted = run(events);
        const keys = emitted.map((event) => event.key);
        expect(new Set(keys).size).toBe(keys.length);
        const ended = of("session.ended", emitted);
        ended.forEach(check);
        for (const session of ended) cdrOf(session, { site: "x", tzdata: "x" });
        const started = new Set(of("session.started", emitted).map((s) => s.session_id));
        for (const session of ended) {
          expect(started.has(session.session_id)).toBe(session.held[0]?.code !== "START_UNKNOWN");
        }
      }),
      { numRuns: runs },
    );
  });

  it("the counts of open and held sessions are those of the sessions there are, after every event", () => {
    fc.assert(
      fc.property(chaos, (events) => {
        const fold = sessionsFold(DEPOT);
        const parts = new Map<string, SessionsPart>();
        const emitted: NewEvent[] = [];
        const touched = new Set<string>();
        const out = {
          emit: (event: NewEvent) => void emitted.push(event),
          touched: (part: string) => void touched.add(part),
        };
        let before = sessionCounts(parts);
        for (const event of events) {
          touched.clear();
          fold.apply(parts, event, out);
          const evses = [...parts.values()].flatMap((p) => ("evses" in p ? Object.values(p.evses) : []));
          const counts = sessionCounts(parts);
          expect(counts).toEqual({
            open: evses.filter((e) => e.session).length,
            held: of("session.ended", emitted).filter((s) => s.held.length > 0).length,
          });
          // What is not touched is in no snapshot.
          if (counts.open !== before.open || counts.held !== before.held) expect(touched.has("")).toBe(true);
          before = counts;
        }
      }),
      { numRuns: runs },
    );
  });

  it("the same events give the same bytes, whatever snapshots and restarts lie between", () => {
    fc.assert(
      fc.property(chaos, fc.array(fc.boolean(), { minLength: 70, maxLength: 70 }), (events, cuts) => {
        const whole = JSON.stringify(run(events));
        expect(JSON.stringify(run(events, sessionsFold(DEPOT), (i) => cuts[i % 70] ?? false))).toBe(whole);
        expect(JSON.stringify(run(JSON.parse(JSON.stringify(events))))).toBe(whole);
      }),
      { numRuns: runs },
    );
  });
});

describe("a visit whose samples come repeated and out of order", () => {
  it("gives the CDR of the undisturbed one", () => {
    fc.assert(
      fc.property(visit, ({ samples, order, startWh, repeat }) => {
        const make = (disturbed: boolean): Event[] => {
          let wh = startWh;
          const inOrder = samples.map((step, i) => {
            wh += step;
            return { ts: 10 + i * 10, wh, seq: i + 1, place: disturbed ? i + (order[i] ?? 0) : i };
          });
          const endS = 10 + samples.length * 10;
          const log = DepotLog.started().start({ at: 0, wh: startWh, seq: 0, state: "charging" });
          for (const [i, { ts, wh: register, seq }] of inOrder.sort((a, b) => a.place - b.place).entries()) {
            const sample = { at: Math.max(ts, 10 + i * 10), ts, wh: register, seq, ref: "t1" };
            log.sample(sample);
            if (disturbed && repeat[i]) log.sample({ ...sample, at: sample.at + 1 });
          }
          log.stop({ at: endS, wh: wh + 5, seq: samples.length + 1, reason: "ev_disconnected" });
          if (disturbed) log.stop({ at: endS + 1, ts: endS, wh: wh + 5, seq: samples.length + 1 });
          return log.events;
        };
        const cdr = (events: Event[]) => {
          const emitted = run(events);
          expect(of("session.corrected", emitted)).toEqual([]);
          const [session, ...more] = of("session.ended", emitted);
          if (!session || more.length > 0) throw new Error("one session expected");
          check(session);
          return JSON.stringify(cdrOf(session, { site: "x", tzdata: "x" }));
        };
        expect(cdr(make(true))).toBe(cdr(make(false)));
      }),
      { numRuns: runs },
    );
  });
});

describe("a station that numbers nothing and loses samples", () => {
  it("is billed what its meter counted between start and stop, to the Wh", () => {
    fc.assert(
      fc.property(visit, ({ samples, order, startWh, repeat }) => {
        const log = DepotLog.started();
        log.boot = null;
        log.start({ at: 0, wh: startWh });
        let wh = startWh;
        const kept = samples
          .map((step, i) => {
            wh += step;
            return { ts: 10 + i * 10, wh, place: i + (order[i] ?? 0) };
          })
          .filter((_, i) => !repeat[i])
          .sort((a, b) => a.place - b.place);
        for (const sample of kept)
          log.sample({ at: 10 + sample.place * 10, ts: sample.ts, wh: sample.wh, ref: "t1" });
        const endS = 80 + samples.length * 10;
        log.stop({ at: endS, wh });
        const [session] = of("session.ended", run(log.events));
        expect(session).toMatchObject({ energy_wh: wh - startWh, held: [] });
        expect(session?.segments).toHaveLength(1);
      }),
      { numRuns: runs },
    );
  });
});
