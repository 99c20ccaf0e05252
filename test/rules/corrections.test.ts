import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Cdr } from "../../src/model/cdr.ts";
import type { Event, EventBodies, EventType, NewEvent } from "../../src/model/event.ts";
import { exact, fixed, ratio } from "../../src/model/money.ts";
import type { TariffVersion } from "../../src/model/tariff.ts";
import { billOf } from "../../src/rules/credit.ts";
import { billingFold } from "../../src/rules/fold-billing.ts";
import { sessionCounts, sessionsFold } from "../../src/rules/fold-sessions.ts";
import {
  endedStanding,
  isRevision,
  nextStanding,
  revisionKey,
  type Standing,
} from "../../src/rules/standing.ts";
import { chaos } from "./chaos.ts";
import { DEPOT, DepotLog, energy, iso, START_MS } from "./depot-events.ts";
import { logLoop } from "./log-loop.ts";

const runs = process.env.DEEP ? 3000 : 60;
const CONTEXT = { site: "north", tzdata: "2026a" };
const folds = () => [sessionsFold(DEPOT), billingFold(CONTEXT)];

/** Energy, time and parking, so that every change of a record is a change of money. */
const TIMED: TariffVersion = {
  hash: "t".repeat(64),
  body: {
    id: "timed",
    currency: "SEK",
    elements: [
      {
        price_components: [
          energy("2.50", "25"),
          { type: "TIME", price: "7", vat: "25", step_size: 1 },
          { type: "PARKING_TIME", price: "11", vat: "25", step_size: 1 },
        ],
      },
    ],
  },
};

/** Folds the day, answering each event before the next; `decide` may append a person's decision after any of them. */
function settled(log: DepotLog, decide: (loop: ReturnType<typeof logLoop>, i: number) => void = () => {}) {
  const loop = logLoop(folds);
  log.events.forEach((event, i) => {
    loop.append(event as NewEvent);
    loop.settle();
    decide(loop, i);
    loop.settle();
  });
  return loop;
}

const bodies = <T extends EventType>(events: readonly Event[], type: T): EventBodies[T][] =>
  events.filter((event) => event.type === type).map((event) => event.body as EventBodies[T]);
const cdrs = (events: readonly Event[]): Cdr[] => bodies(events, "cdr.issued");

function standing(events: readonly Event[]): Standing {
  let now: Standing | undefined;
  for (const event of events) {
    if (event.type === "session.ended") now = endedStanding(event);
    else if (now && isRevision(event)) now = nextStanding(now, event);
  }
  if (!now) throw new Error("no session ended");
  return now;
}

const sum = (amounts: readonly string[], digits: number): string =>
  fixed(
    amounts.reduce((total, amount) => total.add(exact(amount)), ratio(0, 1)),
    digits,
  );

function decision(loop: ReturnType<typeof logLoop>, type: "hold.released" | "session.voided"): boolean {
  const { record, held, sinceMs, revision } = standing(loop.events);
  const named = {
    session_id: record.session_id,
    revision: revision + 1,
    by: "anna",
    reason: "read the meter",
  };
  const head = {
    atMs: loop.events.at(-1)?.atMs ?? 0,
    station: record.station,
    key: revisionKey(record.session_id, revision + 1),
  };
  return type === "hold.released"
    ? loop.append({ type, ...head, body: { ...named, record, since_ms: sinceMs } })
    : loop.append({ type, ...head, body: { ...named, held, since_ms: sinceMs } });
}

/** Charges from 0 s, is cut off after its samples and closed by the gateway a day later. */
const cutOff = (log = DepotLog.started(TIMED)) =>
  log
    .start({ at: 0, wh: 1000, state: "charging", serial: "M-7" })
    .samples({ from: 60, to: 600, every: 60, wh: 1100, stepWh: 100, ref: "t1" })
    .tick(90_000);

describe("a stop that comes after the gateway closed the session", () => {
  it("takes the bill back and issues a new one with the energy and the time of the stop", () => {
    const { events } = settled(cutOff().stop({ at: 90_060, ts: 1200, wh: 3000, reason: "local" }));
    const [first, credit, second, ...more] = cdrs(events);
    expect(more).toEqual([]);
    expect([first?.id, credit?.id, second?.id]).toEqual(["cdr-s3-3", "cdr-s3-3-C", "cdr-s3-3-2"]);
    expect(events.filter((e) => e.type === "cdr.issued").map((e) => e.key)).toEqual([
      "cdr.issued:s3-3",
      "cdr.issued:s3-3:2:credit",
      "cdr.issued:s3-3:2",
    ]);
    expect([first?.energy_wh, second?.energy_wh]).toEqual([1000, 2000]);
    expect(second?.end_date_time).toBe(new Date(START_MS + 1_200_000).toISOString());
    const [revised] = bodies(events, "session.revised");
    expect(revised).toMatchObject({ revision: 2, what: "late_stop", was_billed: true, bill_revision: 1 });
    expect(revised?.record.intervals.at(-1)).toEqual({
      state: "gap",
      from_ms: START_MS + 600_000,
      to_ms: START_MS + 1_200_000,
      under: "charging",
    });
    expect(revised?.record).toMatchObject({
      closed_by: "station",
      stop_reason: "local",
      flags: ["UNOBSERVED_TIME"],
    });
  });

  it("changes nothing when it says what was billed", () => {
    const { events } = settled(cutOff().stop({ at: 90_060, ts: 600, wh: 2000, reason: "timeout" }));
    expect(cdrs(events)).toHaveLength(1);
    expect(bodies(events, "session.corrected").map((c) => c.what)).toEqual(["late_stop"]);
  });

  it("never replaces a bill by what cannot be: it is reported only", () => {
    const { events } = settled(cutOff().stop({ at: 90_060, ts: 1200, wh: 900_000 }));
    expect(cdrs(events)).toHaveLength(1);
    expect(bodies(events, "session.revised")).toEqual([]);
    expect(bodies(events, "session.corrected")).toHaveLength(1);
  });

  it("below the last sample bills the stop and reports the rest", () => {
    const { events } = settled(cutOff().stop({ at: 90_060, ts: 610, wh: 1950 }));
    const [revised] = bodies(events, "session.revised");
    expect(revised?.record).toMatchObject({ energy_wh: 950, residue_wh: 50 });
    expect(revised?.record.flags).toContain("REGISTER_AFTER_STOP");
  });

  it("edge case 4: a duplicate stop with another register changes nothing, the first wins and it is flagged", () => {
    const log = cutOff()
      .stop({ at: 90_060, ts: 1200, wh: 3000 })
      .stop({ at: 90_070, ts: 1200, wh: 3300 })
      .tick(90_120);
    const { events } = settled(log);
    expect(cdrs(events)).toHaveLength(3);
    expect(bodies(events, "session.corrected").map((c) => c.what)).toEqual([
      "late_stop",
      "duplicate_stop_differs",
    ]);
    const station = DepotLog.started(TIMED)
      .start({ at: 0, wh: 0 })
      .stop({ at: 600, wh: 1000 })
      .stop({ at: 610, ts: 600, wh: 1200 })
      .tick(660);
    const own = settled(station).events;
    expect(cdrs(own).map((c) => c.energy_wh)).toEqual([1000]);
    expect(bodies(own, "session.corrected").map((c) => c.what)).toEqual(["duplicate_stop_differs"]);
  });

  it("edge case 32: on another meter than before, what neither meter proves is not billed", () => {
    const { events } = settled(cutOff().stop({ at: 90_060, ts: 1200, wh: 77_000, serial: "M-8" }));
    const { record } = standing(events);
    expect(record).toMatchObject({ energy_wh: 1000, ended_ms: START_MS + 1_200_000 });
    expect(record.flags).toContain("METER_REPLACED");
    expect(record.segments.map((s) => [s.meter_serial, s.to_wh - s.from_wh])).toEqual([
      ["M-7", 1000],
      ["M-8", 0],
    ]);
  });

  it("edge case 45: a credit CDR has negative totals, the reference, and an id of at most 39 characters", () => {
    const { events } = settled(cutOff().stop({ at: 90_060, ts: 1200, wh: 3000 }));
    const [first, credit] = cdrs(events);
    if (!first || !credit) throw new Error("two CDRs expected");
    expect(credit).toMatchObject({ credit: true, credit_reference_id: first.id, remark: "late stop" });
    expect(credit.total_cost).toEqual({
      excl_vat: `-${first.total_cost.excl_vat}`,
      incl_vat: `-${first.total_cost.incl_vat}`,
    });
    expect(credit.payable.amount).toBe(`-${first.payable.amount}`);
    expect(
      sum(
        credit.lines.map((l) => l.amount.incl_vat),
        4,
      ),
    ).toBe(credit.total_cost.incl_vat);
    expect(sum([credit.payable.amount, first.payable.amount], 2)).toBe("0.00");
    // What is not an amount is that of the original.
    const same = (c: Cdr) => [
      c.energy_wh,
      c.registers,
      c.tariff,
      c.total_time,
      c.lines.map((l) => l.unit_price),
    ];
    expect(same(credit)).toEqual(same(first));
    const { record } = standing(events);
    const longest = { ...record, session_id: "s9999-9007199254740991" };
    const bill = billOf(longest, 9999, CONTEXT);
    expect(`${bill?.id}-C`.length).toBeLessThanOrEqual(39);
  });
});

describe("a late stop of a session whose tariff follows a price series", () => {
  const SPOT: TariffVersion = {
    hash: "p".repeat(64),
    body: {
      id: "spot",
      currency: "SEK",
      elements: [
        {
          price_components: [
            { ...energy("9"), price_source: { series: "spot", on_missing: "hold" } } as ReturnType<
              typeof energy
            >,
          ],
        },
      ],
    },
  };
  /** Prices of quarter hours from START on, in order. */
  const publish = (log: DepotLog, at: number, prices: readonly string[]) => {
    const points = prices.map((price, i) => ({ from: iso(i * 900), to: iso((i + 1) * 900), price }));
    const body = { series: "spot", currency: "SEK", step_s: 900, points, source: "test" };
    return log.add("prices.published", at, body, null);
  };

  it("takes prices for the time it adds, and keeps those that were billed", () => {
    const log = publish(DepotLog.started(SPOT), -30, ["1", "2"]);
    cutOff(log);
    publish(log, 90_010, ["5", "6"]);
    log.stop({ at: 90_060, ts: 1700, wh: 4000 });
    const { events } = settled(log);
    const [revised] = bodies(events, "session.revised");
    expect(revised?.previous.prices?.[0]?.points.map((p) => p.price)).toEqual(["1"]);
    expect(revised?.record.prices?.[0]?.points.map((p) => p.price)).toEqual(["1", "6"]);
  });

  it("stays as billed when there is no price for the time it adds", () => {
    const log = publish(DepotLog.started(SPOT), -30, ["1"]);
    const { events } = settled(cutOff(log).stop({ at: 90_060, ts: 1700, wh: 4000 }));
    expect(bodies(events, "session.revised")).toEqual([]);
    expect(bodies(events, "session.corrected").map((c) => c.what)).toEqual(["late_stop"]);
  });
});

describe("samples that come after the gateway closed the session", () => {
  it("from before its end and above its last register are told together, once", () => {
    const log = DepotLog.started(TIMED)
      .start({ at: 0, wh: 1000, state: "charging" })
      .samples({ from: 60, to: 300, every: 60, wh: 1100, stepWh: 100, ref: "t1" })
      .status("available", { at: 600 })
      .tick(960);
    for (const at of [360, 420, 480]) log.sample({ at: 961, ts: at, wh: 1000 + (at / 60) * 100, ref: "t1" });
    const { events } = settled(log.tick(1020));
    expect(bodies(events, "session.revised").map((r) => [r.what, r.record.energy_wh])).toEqual([
      ["late_samples", 800],
    ]);
    expect(cdrs(events).map((c) => c.id)).toEqual(["cdr-s3-3", "cdr-s3-3-C", "cdr-s3-3-2"]);
  });

  it("from after its end begin a session of their own or are reported", () => {
    const log = cutOff()
      .start({ at: 90_030, wh: 2100, ref: "t2" })
      .sample({ at: 90_060, ts: 660, wh: 2050, ref: "t1" })
      .tick(90_120);
    expect(bodies(settled(log).events, "session.revised")).toEqual([]);
  });
});

describe("a start that comes late", () => {
  it("edge case 5: a stop before its start is parked and joined within the grace time", () => {
    const log = DepotLog.started(TIMED)
      .stop({ at: 605, ts: 600, wh: 2000 })
      .start({ at: 610, ts: 0, wh: 1000 })
      .tick(660);
    const { events } = settled(log);
    expect(cdrs(events).map((c) => c.energy_wh)).toEqual([1000]);
    expect(bodies(events, "session.revised")).toEqual([]);
  });

  it("edge case 6: a stop of an unknown transaction is held, and becomes a session when its start comes", () => {
    const log = DepotLog.started(TIMED).stop({ at: 605, ts: 600, wh: 2000 }).tick(660).tick(960);
    expect(standing(settled(log).events)).toMatchObject({ state: "held", billRevision: null });
    const { events } = settled(log.start({ at: 970, ts: 0, wh: 1000, state: "charging", token: "tok-b" }));
    const now = standing(events);
    expect(now).toMatchObject({ state: "billed", billRevision: 2 });
    expect(now.record).toMatchObject({
      energy_wh: 1000,
      started_ms: START_MS,
      ended_ms: START_MS + 600_000,
      token_ref: "tok-b",
      held: [],
      flags: ["UNOBSERVED_TIME"],
    });
    expect(now.record.durations_s.gap).toBe(600);
    expect(cdrs(events).map((c) => [c.id, c.credit, c.energy_wh])).toEqual([["cdr-s3-3-2", undefined, 1000]]);
    expect(bodies(events, "alert.cleared").map((a) => a.id)).toEqual(["session_held:s3-3"]);
  });

  it("of a session billed from its middle on takes that bill back", () => {
    const log = DepotLog.started(TIMED)
      .samples({ from: 60, to: 540, every: 60, wh: 1100, stepWh: 100, ref: "t1" })
      .stop({ at: 600, wh: 2000 })
      .start({ at: 700, ts: 0, wh: 1000, state: "charging" })
      .tick(720);
    const { events } = settled(log);
    expect(cdrs(events).map((c) => [c.id, c.energy_wh])).toEqual([
      ["cdr-s3-3", 900],
      ["cdr-s3-3-C", 900],
      ["cdr-s3-3-2", 1000],
    ]);
  });

  it("without a register is reported and proves nothing", () => {
    const log = DepotLog.started(TIMED)
      .stop({ at: 605, ts: 600, wh: 2000 })
      .tick(960)
      .start({ at: 970, ts: 0 });
    expect(standing(settled(log).events)).toMatchObject({ state: "held", revision: 1 });
  });
});

describe("a reboot within a transaction", () => {
  it("edge case 31: a transaction that resumes is one session, and one bill", () => {
    const log = DepotLog.started(TIMED)
      .start({ at: 0, wh: 1000, state: "charging" })
      .samples({ from: 60, to: 300, every: 60, wh: 1100, stepWh: 100, ref: "t1" })
      .reboot("b2", 330)
      .samples({ from: 360, to: 540, every: 60, wh: 1600, stepWh: 100, ref: "t1" })
      .stop({ at: 600, wh: 2000 })
      .ticks(660, 1200);
    const { events } = settled(log);
    expect(cdrs(events).map((c) => c.energy_wh)).toEqual([1000]);
  });
});

describe("decisions about a held session", () => {
  const held = () => DepotLog.started(TIMED).start({ at: 0, wh: 0 }).stop({ at: 60, wh: 90_000 });
  const decided = (types: readonly ("hold.released" | "session.voided")[], log = held()) => {
    const accepted: boolean[] = [];
    const last = log.events.length - 1;
    const loop = settled(log, (l, i) => {
      if (i === last) for (const type of types) accepted.push(decision(l, type));
    });
    return { events: loop.events, accepted };
  };

  it("a release bills the record as it was, names the codes and no person, and ends the alert", () => {
    const { events } = decided(["hold.released"]);
    const [cdr, ...more] = cdrs(events);
    expect(more).toEqual([]);
    expect(cdr).toMatchObject({
      id: "cdr-s3-3",
      energy_wh: 90_000,
      remark: "released after hold: IMPLAUSIBLE_ENERGY",
    });
    expect(JSON.stringify(cdr)).not.toContain("anna");
    expect(bodies(events, "alert.cleared")).toMatchObject([
      { id: "session_held:s3-3", kind: "session_held" },
    ]);
    const parts = new Map();
    const fold = sessionsFold(DEPOT);
    for (const event of events) fold.apply(parts, event, { emit: () => {}, touched: () => {} });
    expect(sessionCounts(parts)).toEqual({ open: 0, held: 0 });
  });

  it("what rating finds holds too, and a release bills what has a price", () => {
    const nights: TariffVersion = {
      hash: "n".repeat(64),
      body: {
        id: "nights",
        currency: "SEK",
        elements: [
          {
            price_components: [energy("2")],
            restrictions: { start_time: "01:00", end_time: "02:00" },
          },
        ],
      },
    };
    const evening = () => DepotLog.started(nights).start({ at: 0, wh: 0 }).stop({ at: 600, wh: 1000 });
    expect(standing(settled(evening()).events).held.map((h) => h.code)).toEqual(["NO_COMPONENT"]);
    const [cdr] = cdrs(decided(["hold.released"], evening()).events);
    expect(cdr).toMatchObject({ energy_wh: 1000, payable: { amount: "0.00" } });
  });

  it("a void bills nothing, and ends the alert", () => {
    const { events } = decided(["session.voided"]);
    expect(cdrs(events)).toEqual([]);
    expect(bodies(events, "alert.cleared")).toHaveLength(1);
  });

  it("the first of two that were made at once stands", () => {
    const both = (first: "hold.released" | "session.voided", then: "hold.released" | "session.voided") => {
      const loop = settled(held());
      const { record, revision, held: holds, sinceMs } = standing(loop.events);
      const key = revisionKey(record.session_id, revision + 1);
      const common = { session_id: record.session_id, revision: revision + 1, by: "a", reason: "why" };
      const facts = {
        "hold.released": { type: "hold.released", body: { ...common, record, since_ms: sinceMs } },
        "session.voided": { type: "session.voided", body: { ...common, held: holds, since_ms: sinceMs } },
      } as const;
      const head = { atMs: START_MS + 99_000, station: "cp-01", key };
      const taken = [first, then].map((type) => loop.append({ ...facts[type], ...head } as NewEvent));
      loop.settle();
      return [taken, cdrs(loop.events).length];
    };
    expect(both("session.voided", "hold.released")).toEqual([[true, false], 0]);
    expect(both("hold.released", "session.voided")).toEqual([[true, false], 1]);
  });

  it("late data of a voided session is reported and bills nothing", () => {
    const log = DepotLog.started(TIMED)
      .stop({ at: 605, ts: 600, wh: 2000 })
      .tick(960)
      .start({ at: 970, ts: 0, wh: 0 });
    const loop = settled(log, (l, i) => {
      if (log.events[i]?.type === "clock.ticked") decision(l, "session.voided");
    });
    expect(cdrs(loop.events)).toEqual([]);
    expect(bodies(loop.events, "session.revised")).toEqual([]);
  });

  it("a release that overtakes late data is corrected by it: one credit, one new bill", () => {
    // The orphan is released while its start is on the way: both claim revision 2, and the release is first in the log.
    const log = DepotLog.started(TIMED).stop({ at: 605, ts: 600, wh: 2000 }).tick(960);
    const loop = settled(log);
    loop.append(log.start({ at: 970, ts: 0, wh: 1000 }).events.at(-1) as NewEvent);
    decision(loop, "hold.released");
    loop.settle();
    loop.append(log.tick(1020).events.at(-1) as NewEvent);
    loop.settle();
    const { state, revision, billRevision, record } = standing(loop.events);
    expect({ state, revision, billRevision }).toEqual({ state: "billed", revision: 3, billRevision: 3 });
    expect(record.energy_wh).toBe(1000);
    expect(cdrs(loop.events).at(-1)?.id).toBe("cdr-s3-3-3");
  });

  it("a credit by the operator takes the bill back and nothing follows", () => {
    const loop = settled(cutOff());
    const { record, revision, billRevision } = standing(loop.events);
    loop.append({
      type: "cdr.credited",
      atMs: START_MS + 95_000_000,
      station: "cp-01",
      key: revisionKey(record.session_id, revision + 1),
      body: {
        session_id: record.session_id,
        revision: revision + 1,
        cdr: "cdr-s3-3",
        record,
        bill_revision: billRevision ?? 1,
        by: "anna",
        reason: "charged by mistake",
      },
    });
    loop.settle();
    expect(cdrs(loop.events).map((c) => c.id)).toEqual(["cdr-s3-3", "cdr-s3-3-C"]);
    expect(JSON.stringify(cdrs(loop.events))).not.toContain("anna");
    loop.append(cutOff().stop({ at: 95_060, ts: 1200, wh: 3000 }).events.at(-1) as NewEvent);
    loop.settle();
    expect(cdrs(loop.events)).toHaveLength(2);
  });
});

/** What may still come for a session that the gateway closed, in any order and number. */
const lateData = fc.array(
  fc.record({
    what: fc.constantFrom("stop", "stop", "sample", "start", "tick", "release", "void"),
    tsS: fc.integer({ min: -600, max: 3600 }),
    wh: fc.option(fc.integer({ min: 0, max: 12_000 }), { nil: undefined }),
  }),
  { maxLength: 14 },
);
const began = fc.constantFrom<"start" | "middle" | "orphan">("start", "middle", "orphan");

function lateDay(
  how: "start" | "middle" | "orphan",
  late: readonly { what: string; tsS: number; wh?: number | undefined }[],
) {
  const log = DepotLog.started(TIMED);
  if (how === "start") log.start({ at: 0, wh: 1000, state: "charging" });
  if (how === "orphan") log.stop({ at: 650, ts: 600, wh: 2000 });
  else log.samples({ from: 60, to: 600, every: 60, wh: 1100, stepWh: 100, ref: "t1" });
  log.tick(90_000);
  const decisions = new Map<number, "hold.released" | "session.voided">();
  late.forEach(({ what, tsS, wh }, i) => {
    const when = { at: 90_060 + i, ts: tsS, ref: "t1", ...(wh === undefined ? {} : { wh }) };
    if (what === "stop") log.stop(when);
    else if (what === "start") log.start({ ...when, state: "charging" });
    else if (what === "sample") log.sample(when);
    else log.tick(90_060 + i);
    if (what === "release") decisions.set(log.events.length - 1, "hold.released");
    if (what === "void") decisions.set(log.events.length - 1, "session.voided");
  });
  log.tick(100_000).tick(200_000).tick(200_060);
  return { log, decisions };
}

const about = (events: readonly Event[], id: string): Event[] =>
  events.filter((event) => (event.body as { session_id?: string }).session_id === id);

function checkSums(events: readonly Event[]): void {
  const all = cdrs(events);
  expect(new Set(all.map((c) => c.id)).size).toBe(all.length);
  for (const id of new Set(bodies(events, "session.ended").map((s) => s.session_id))) {
    const own = about(events, id);
    const { record, state } = standing(own);
    const bill = state === "billed" ? billOf(record, 1, CONTEXT) : undefined;
    const bills = cdrs(own);
    for (const vat of ["excl_vat", "incl_vat"] as const)
      expect(
        sum(
          bills.map((c) => c.total_cost[vat]),
          4,
        ),
      ).toBe(bill?.total_cost[vat] ?? "0.0000");
    expect(
      sum(
        bills.map((c) => c.payable.amount),
        2,
      ),
    ).toBe(bill?.payable.amount ?? "0.00");
    const wh = bills.reduce((total, c) => total + (c.credit ? -c.energy_wh : c.energy_wh), 0);
    expect(wh).toBe(bill?.energy_wh ?? 0);
  }
}

describe("whatever comes late", () => {
  it("all CDRs of a session sum to the CDR of its final record, to the last unit", () => {
    fc.assert(
      fc.property(began, lateData, (how, late) => {
        const { log, decisions } = lateDay(how, late);
        const { events } = settled(log, (loop, i) => {
          const type = decisions.get(i);
          if (type && standing(loop.events).state === "held") decision(loop, type);
        });
        checkSums(events);
      }),
      { numRuns: runs },
    );
  });

  it("a kill at any point leaves the same credits and bills", () => {
    fc.assert(
      fc.property(
        began,
        lateData,
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        (how, late, kills) => {
          const { log } = lateDay(how, late);
          const whole = settled(log).events;
          const cut = settled(log, (loop, i) => {
            if (kills[i % 40]) loop.kill();
          }).events;
          expect(cut).toEqual(whole);
        },
      ),
      { numRuns: runs },
    );
  });

  it("also what makes no sense: sums hold and held sessions are counted, however far the folds lag behind", () => {
    fc.assert(
      fc.property(chaos, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (day, pauses) => {
        const loop = logLoop(folds);
        day.forEach((event, i) => {
          loop.append(event as NewEvent);
          if (pauses[i % 30]) loop.settle();
        });
        loop.settle();
        checkSums(loop.events);
        const ids = new Set(bodies(loop.events, "session.ended").map((s) => s.session_id));
        const held = [...ids].filter((id) => standing(about(loop.events, id)).state === "held");
        const parts = new Map();
        const fold = sessionsFold(DEPOT);
        for (const event of loop.events) fold.apply(parts, event, { emit: () => {}, touched: () => {} });
        expect(sessionCounts(parts).held).toBe(held.length);
      }),
      { numRuns: runs },
    );
  });

  it("decisions that race with it are each taken once, and the sums hold", () => {
    fc.assert(
      fc.property(began, lateData, (how, late) => {
        const { log, decisions } = lateDay(how, late);
        const loop = logLoop(folds);
        log.events.forEach((event, i) => {
          loop.append(event as NewEvent);
          const type = decisions.get(i);
          // Decided on what the log says, before what was just appended is folded.
          const ended = loop.events.some((e) => e.type === "session.ended");
          if (type && ended && standing(loop.events).state === "held") decision(loop, type);
          loop.settle();
        });
        checkSums(loop.events);
      }),
      { numRuns: runs },
    );
  });
});

it("the whole record is kept of two sessions an EVSE, and for 35 days", () => {
  const fold = sessionsFold(DEPOT);
  const parts = new Map();
  const log = DepotLog.started(TIMED);
  for (let n = 0; n < 5; n++) log.start({ at: n * 100_000, wh: n, ref: `t${n}` }).tick(n * 100_000 + 90_000);
  const apply = (event: Event) => fold.apply(parts, event, { emit: () => {}, touched: () => {} });
  log.events.forEach(apply);
  const kept = () =>
    (
      parts.get("cp-01") as { evses: Record<string, { closed: { kept?: object }[] }> }
    ).evses[1]?.closed.filter((c) => c.kept).length;
  expect(kept()).toBe(2);
  apply(log.tick(500_000 + 36 * 86_400).events.at(-1) as Event);
  expect(kept()).toBe(0);
});
