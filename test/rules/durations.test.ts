import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LimitReason } from "../../src/model/messages.ts";
import { SESSION_STATES, type StateInterval } from "../../src/model/session.ts";
import { DURATION_PARTS, sessionDurations } from "../../src/rules/durations.ts";
import { rateSession } from "../../src/rules/rate.ts";
import { ended } from "../sinks/depot-events.ts";
import { DepotLog, onlySession } from "./depot-events.ts";

const MINUTE = 60_000;

/** A session from minute 0 whose states last so many minutes each. */
function lasting(...states: [StateInterval["state"], number, StateInterval["under"]?][]) {
  let atMs = 0;
  const intervals = states.map(([state, minutes, under]): StateInterval => {
    const from_ms = atMs;
    atMs += minutes * MINUTE;
    return { state, from_ms, to_ms: atMs, ...(under ? { under } : {}) };
  });
  return ended({ started_ms: 0, ended_ms: atMs, intervals });
}

const minutesOf = (session: ReturnType<typeof ended>) =>
  Object.fromEntries(
    Object.entries(sessionDurations(session))
      .filter(([, ms]) => ms !== 0 && ms !== null)
      .map(([name, ms]) => [name, Number(ms) / MINUTE]),
  );

describe("where the time of a session went", () => {
  it("is idle once the car has taken what it will, and suspended by the vehicle before that", () => {
    const session = lasting(
      ["suspended_ev", 5],
      ["charging", 60],
      ["suspended_ev", 10],
      ["charging", 20],
      ["suspended_ev", 90],
      ["finishing", 15],
    );
    expect(minutesOf(session)).toEqual({
      session_ms: 200,
      charging_ms: 80,
      suspended_ev_ms: 15,
      idle_ms: 105,
    });
  });

  it("is idle all along for a car that takes nothing", () => {
    expect(minutesOf(lasting(["suspended_ev", 30]))).toEqual({ session_ms: 30, idle_ms: 30 });
  });

  it("is held back by the site, never idle, while the station suspends", () => {
    const session = lasting(["charging", 10], ["suspended_evse", 40], ["suspended_ev", 5]);
    expect(minutesOf(session)).toEqual({
      session_ms: 55,
      charging_ms: 10,
      suspended_evse_ms: 40,
      idle_ms: 5,
    });
  });

  it("counts a gap as the bill does: as the state on both sides, or as nothing", () => {
    const session = lasting(
      ["charging", 10],
      ["gap", 5, "charging"],
      ["charging", 10],
      ["gap", 7],
      ["faulted", 3],
    );
    expect(minutesOf(session)).toEqual({
      session_ms: 35,
      charging_ms: 25,
      gap_ms: 7,
      faulted_ms: 3,
      unobserved_ms: 12,
    });
  });

  it("calls what no interval covers a gap", () => {
    expect(minutesOf(ended({ started_ms: 0, ended_ms: 5 * MINUTE, intervals: [] }))).toEqual({
      session_ms: 5,
      gap_ms: 5,
      unobserved_ms: 5,
    });
  });

  it("adds up to the session and to the time that its bill charges for, whatever the states", () => {
    const interval = fc.record({
      state: fc.constantFrom(...SESSION_STATES.filter((state) => state !== "finishing")),
      under: fc.constantFrom("charging", "suspended_ev", undefined),
      ms: fc.integer({ min: 1, max: 10_000_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(interval),
        fc.nat(5_000_000),
        fc.nat(1_000_000),
        (states, finishing, startedMs) => {
          let atMs = startedMs;
          const intervals: StateInterval[] = states.map(({ state, under, ms }) => {
            const from_ms = atMs;
            atMs += ms;
            return { state, from_ms, to_ms: atMs, ...(state === "gap" && under ? { under } : {}) };
          });
          if (finishing > 0) intervals.push({ state: "finishing", from_ms: atMs, to_ms: atMs + finishing });
          const session = ended({
            started_ms: startedMs,
            ended_ms: atMs + finishing,
            intervals,
            energy_wh: 0,
          });
          const d = sessionDurations(session);
          const sum = DURATION_PARTS.reduce((total, part) => total + d[`${part}_ms`], 0);
          expect(sum).toBe(d.session_ms);
          expect(d.session_ms).toBe(session.ended_ms - session.started_ms);
          const bill = rateSession(session, {
            id: "t",
            currency: "SEK",
            elements: [
              {
                price_components: [
                  { type: "TIME", price: "1", step_size: 1 },
                  { type: "PARKING_TIME", price: "1", step_size: 1 },
                ],
              },
            ],
          });
          expect(bill.charging_ms).toBe(d.charging_ms);
          expect(bill.parking_ms).toBe(d.suspended_ev_ms + d.idle_ms);
        },
      ),
      { numRuns: process.env.DEEP ? 5_000 : 300 },
    );
  });
});

const setpoint = (log: DepotLog, at: number, reason: LimitReason, valid_for_s = 600) =>
  log.add("setpoint.sent", at, {
    evse: 1,
    rev: at,
    limit_a: 16,
    phases: 3,
    valid_for_s,
    fallback_a: 6,
    reason,
  });

/** Charges from 0 to 1800 s, then the car has enough until the stop at 2400 s. */
function stay(between: (log: DepotLog) => void): DepotLog {
  const log = DepotLog.started();
  log.start({ at: 0, wh: 1000, state: "charging" });
  between(log);
  return log;
}

function leave(log: DepotLog): DepotLog {
  log.update({ at: 1800, wh: 9000, state: "suspended_ev" });
  return log.stop({ at: 2400, wh: 9000 }).status("available", { at: 2400 });
}

describe("charging under a setpoint that bound it", () => {
  it("counts from the setpoint until the next one that leaves the car what it can use", () => {
    const log = stay((l) => {
      setpoint(l, 300, "fair_share");
      setpoint(l, 600, "fair_share");
      setpoint(l, 900, "demand_met");
    });
    const session = onlySession(leave(log));
    expect(session.throttled_s).toBe(600);
    expect(sessionDurations(session).throttled_ms).toBe(600_000);
  });

  it("ends with the lease when nothing renews it, and with the charging", () => {
    expect(onlySession(leave(stay((l) => setpoint(l, 300, "fair_share", 120)))).throttled_s).toBe(120);
    expect(onlySession(leave(stay((l) => setpoint(l, 1700, "fair_share", 600)))).throttled_s).toBe(100);
  });

  it("counts a setpoint from before the session from its start on", () => {
    const log = DepotLog.started().status("available", { at: -120 });
    setpoint(log, -60, "fair_share");
    log.start({ at: 0, wh: 1000, state: "charging" });
    expect(onlySession(leave(log)).throttled_s).toBe(540);
  });

  it.each(["plan", "grid_order", "higher_class", "unbalance"] as const)(
    "counts what %s holds back",
    (reason) => {
      expect(onlySession(leave(stay((l) => setpoint(l, 300, reason, 120)))).throttled_s).toBe(120);
    },
  );

  it("is zero under setpoints that bind nothing, and absent without any", () => {
    expect(onlySession(leave(stay((l) => setpoint(l, 300, "demand_met")))).throttled_s).toBe(0);
    expect(onlySession(leave(stay(() => {})))).not.toHaveProperty("throttled_s");
  });

  it("stands on the session's clock when the station's is ahead", () => {
    const log = DepotLog.started();
    log.start({ at: 0, ts: 100, wh: 1000, state: "charging" });
    setpoint(log, 300, "fair_share");
    setpoint(log, 500, "demand_met");
    log.update({ at: 1800, ts: 1900, wh: 9000, state: "suspended_ev" });
    log.stop({ at: 2400, ts: 2500, wh: 9000 }).status("available", { at: 2400, ts: 2500 });
    expect(onlySession(log).throttled_s).toBe(200);
  });
});
