import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventBodies, NewEvent } from "../../src/model/event.ts";
import type { SealedRef } from "../../src/model/signed.ts";
import { meterKeyKey } from "../../src/model/signed.ts";
import { cdrOf } from "../../src/rules/cdr.ts";
import { type SessionsPart, sessionsFold } from "../../src/rules/fold-sessions.ts";
import { signedFacts } from "../../src/rules/ocmf/facts.ts";
import { runningCosts } from "../../src/rules/running-cost.ts";
import { DEPOT, DepotLog, energy, iso, of, onlySession, run } from "./depot-events.ts";
import { logLoop } from "./log-loop.ts";
import { BEGIN, END, type Fields, METER, payload, type Signer, signedText, signerOn } from "./ocmf/signed.ts";

const HOUR = 3600;
const CONTEXT = { site: "north", tzdata: "2026a" };

interface Came {
  signer?: Signer;
  /** What the station sent along; its signer's own key when absent. */
  key?: string | null;
  text?: string;
}

/** A record as the door hands it on. */
function sealed(changes: Fields, { signer = METER, key = signer.key, text }: Came = {}): SealedRef {
  const data = text ?? signedText(payload(changes), { signer });
  const sha256 = createHash("sha256").update(data).digest("hex");
  const facts = signedFacts(data, { publicKey: key, keyOf: () => undefined, pseudonymOf: () => "tok-a" });
  return { format: "OCMF", sealed_ref: `ref-${sha256.slice(0, 8)}`, sha256, mac: sha256, facts };
}

const begin = (changes: Fields = {}, came: Came = {}) => sealed({ PG: "T7", RD: [BEGIN], ...changes }, came);
const end = (changes: Fields = {}, came: Came = {}) => sealed({ PG: "T8", RD: [END], ...changes }, came);
const both = (changes: Fields = {}, came: Came = {}) => sealed(changes, came);

/** An hour at t1: registers say 12,000 Wh, the signed values 12,250 Wh. */
function day(
  first: SealedRef | undefined,
  last: SealedRef | undefined,
  log = DepotLog.started(),
  at = 0,
): DepotLog {
  const ref = `t${at}`;
  return log
    .start({ at, wh: 100_500, ref, signed: first })
    .samples({ from: at + 60, to: at + HOUR - 60, every: 60, wh: 100_700, stepWh: 200, ref })
    .stop({ at: at + HOUR, wh: 112_500, ref, signed: last });
}

const held = (record: EventBodies["session.ended"]) => record.held.map(({ code }) => code);
const details = (record: EventBodies["session.ended"]) => record.held.map(({ detail }) => detail).join("\n");
const sessions = (log: DepotLog) => of("session.ended", run(log.events, sessionsFold(DEPOT)));

function proven(record: EventBodies["session.ended"]): void {
  expect(record).toMatchObject({ held: [], energy_wh: 12_250, energy_source: "signed" });
  expect(record.segments).toEqual([
    expect.objectContaining({ meter_serial: "M-1", from_wh: 100_500, to_wh: 112_750 }),
  ]);
  expect(record.readings.at(-1)?.energy_wh).toBe(12_250);
  expect(record.signed).toMatchObject({
    verified: true,
    reasons: [],
    public_key: METER.key,
    begin: { value: "100.500", unit: "kWh" },
    end: { value: "112.750", unit: "kWh" },
  });
  const cdr = cdrOf(record, CONTEXT);
  expect(cdr).toMatchObject({ energy_wh: 12_250, energy_source: "signed", total_energy: "12.250" });
  expect(cdr?.lines.map(({ measured_units }) => measured_units)).toEqual(["12250"]);
}

describe("signed values that prove a session", () => {
  it("bills a begin and an end in start and stop, over registers that differ", () => {
    const record = onlySession(day(begin(), end()));
    proven(record);
    expect(record.signed?.values.map(({ nature }) => nature)).toEqual(["Start", "End"]);
  });

  it("bills one record that holds begin and end, whatever came before it", () => {
    for (const first of [undefined, begin({ PG: "T6" })]) {
      const record = onlySession(day(first, both()));
      proven(record);
      expect(record.signed?.values.map(({ nature }) => nature)).toEqual(["End"]);
    }
  });

  it("costs so far what registers say, and what was signed once the signed end is there", () => {
    const log = day(begin(), end(), DepotLog.started().status("occupied", { at: -1, state: "ev_connected" }));
    const parts = new Map<string, SessionsPart>();
    const fold = sessionsFold(DEPOT);
    const costOf = runningCosts(DEPOT, parts);
    const costs = log.events.map((event) => {
      fold.apply(parts, event, { emit: () => undefined, touched: () => undefined });
      return costOf("cp-01", 1, event.atMs);
    });
    expect(costs.at(-2)).toMatchObject({ energy_wh: 11_800 });
    const bill = cdrOf(onlySession(log.status("available", { at: HOUR + 60 })), CONTEXT);
    expect(costs.at(-1)).toMatchObject({ energy_wh: 12_250, total_incl_vat: bill?.total_cost.incl_vat });
  });

  it("needs no registers at all", () => {
    const log = DepotLog.started().start({ at: 0, signed: begin() }).stop({ at: HOUR, signed: end() });
    const record = onlySession(log);
    proven(record);
    expect(record.readings[0]).toMatchObject({ energy_wh: 0 });
  });

  it("takes a signed end that comes in a sample after the stop", () => {
    const log = day(begin(), undefined);
    expect(sessions(log)).toEqual([]);
    proven(onlySession(log.sample({ at: HOUR + 5, ref: "t0", end: true, signed: end() })));
  });

  it("takes a signed end that comes after stop and unplug, and ends at the unplug", () => {
    const log = day(begin(), undefined)
      .status("available", { at: HOUR + 5, state: "idle" })
      .tick(HOUR + 60);
    expect(sessions(log)).toEqual([]);
    const record = onlySession(log.sample({ at: HOUR + 70, ref: "t0", end: true, signed: end() }));
    proven(record);
    expect(record.ended_ms - record.started_ms).toBeLessThanOrEqual((HOUR + 5) * 1000);
  });

  it("takes it with a second stop or an update as well, at once", () => {
    const stopped = () => day(begin(), undefined);
    proven(onlySession(stopped().stop({ at: HOUR + 5, ts: HOUR, wh: 112_500, ref: "t0", signed: end() })));
    proven(onlySession(stopped().update({ at: HOUR + 5, ts: HOUR, ref: "t0", signed: end() })));
  });

  it("holds the session when the signed end has not come in time, counted from the later of stop and unplug", () => {
    const log = day(begin(), undefined).ticks(HOUR + 60, HOUR + 300);
    const record = onlySession(log);
    expect(record).toMatchObject({ energy_source: "registers", energy_wh: 12_000 });
    expect(held(record)).toEqual(["SIGNATURE_INVALID"]);
    expect(details(record)).toContain("no end reading");
    const early = DepotLog.started()
      .start({ at: 0, wh: 100_500, signed: begin() })
      .status("available", { at: HOUR - 100, state: "idle" })
      .stop({ at: HOUR, ref: "t1", wh: 112_500 })
      .tick(HOUR + 60);
    expect(sessions(early)).toEqual([]);
  });

  it("counts a record once that comes in a sample and in the stop", () => {
    const last = end();
    const log = DepotLog.started()
      .start({ at: 0, wh: 100_500, signed: begin() })
      .sample({ at: HOUR, ref: "t1", wh: 112_500, end: true, signed: last })
      .stop({ at: HOUR, wh: 112_500, signed: last });
    const record = onlySession(log);
    proven(record);
    expect(record.signed?.values).toHaveLength(2);
  });

  it("takes the begin of a sample that was read before the start, and an end whose stop came before its start", () => {
    const read = DepotLog.started()
      .start({ at: 1, wh: 100_500 })
      .sample({ at: 2, ts: 0, ref: "t1", signed: begin() })
      .stop({ at: HOUR, wh: 112_500, signed: end() });
    proven(onlySession(read));
    const parked = DepotLog.started()
      .stop({ at: HOUR, wh: 112_500, signed: end() })
      .start({ at: HOUR + 1, ts: 0, wh: 100_500, signed: begin() });
    proven(onlySession(parked));
  });

  it("rounds a fraction of a Wh down", () => {
    const RD = [{ ...END, RV: "112.7509" }];
    const record = onlySession(day(begin(), end({ RD })));
    expect(record).toMatchObject({ energy_wh: 12_250, held: [] });
    const first = { RD: [{ ...BEGIN, RV: "100.5001" }] };
    expect(onlySession(day(begin(first), end()))).toMatchObject({ energy_wh: 12_249, held: [] });
  });

  it("sums to the signed energy wherever the registers stood", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(22_000), { maxLength: 40 }),
        fc.nat(20_000),
        fc.boolean(),
        (registers, wh, inclusive) => {
          const RD = [{ ...END, RV: ((100_500 + wh) / 1000).toFixed(3) }];
          const log = DepotLog.started().start({ at: 0, wh: inclusive ? 100_500 : 0, signed: begin() });
          for (const [i, register] of registers.entries())
            log.sample({ at: 60 * (i + 1), ref: "t1", wh: 100_500 + register });
          log.stop({ at: HOUR, wh: 101_000, signed: end({ RD }) });
          const record = onlySession(log);
          expect(record.energy_wh).toBe(wh);
          expect(record.segments.reduce((sum, { from_wh, to_wh }) => sum + to_wh - from_wh, 0)).toBe(wh);
          expect(record.readings.at(-1)?.energy_wh).toBe(wh);
          for (const [i, { at_ms, energy_wh }] of record.readings.entries()) {
            expect(at_ms).toBeGreaterThan(record.readings[i - 1]?.at_ms ?? 0);
            expect(energy_wh).toBeGreaterThanOrEqual(record.readings[i - 1]?.energy_wh ?? 0);
          }
          const cdr = cdrOf({ ...record, held: [] }, CONTEXT);
          const billed = cdr?.lines.reduce((sum, line) => sum + Number(line.measured_units), 0) ?? 0;
          expect(billed).toBe(wh);
        },
      ),
      { numRuns: process.env.DEEP ? 2000 : 60 },
    );
  });
});

describe("keys of meters", () => {
  const keysOf = (events: readonly NewEvent[]) => of("meter_key.accepted", events);

  it("accepts the first key by itself, once", () => {
    const log = day(begin(), end());
    day(begin(), end(), log, 2 * HOUR);
    const emitted = run(log.events, sessionsFold(DEPOT));
    expect(keysOf(emitted)).toMatchObject([{ meter_serial: "M-1", public_key: METER.key, by: "gateway" }]);
    expect(emitted.find(({ type }) => type === "meter_key.accepted")?.key).toBe("meter_key.accepted:M-1:1");
    expect(of("session.ended", emitted).map(held)).toEqual([[], []]);
  });

  it("edge case 35: another public key is held until an operator accepts it", () => {
    const other = signerOn();
    const log = day(begin(), end());
    const came = { signer: other };
    day(begin({}, came), end({}, came), log, 2 * HOUR);
    const [, second] = sessions(log);
    expect(second).toMatchObject({ energy_source: "signed", energy_wh: 12_250 });
    expect(second && held(second)).toEqual(["SIGNATURE_KEY_UNKNOWN"]);
    const accepted = { meter_serial: "M-1", public_key: other.key, by: "anna", reason: "meter exchanged" };
    log.add("meter_key.accepted", 4 * HOUR, accepted, null);
    day(begin({}, came), end({}, came), log, 5 * HOUR);
    const third = sessions(log)[2];
    expect(third).toMatchObject({ held: [], energy_wh: 12_250, energy_source: "signed" });
  });

  it("holds a session whose meter has no known key, and says what to run", () => {
    const record = onlySession(day(begin({}, { key: null }), end({}, { key: null })));
    expect(record).toMatchObject({
      energy_source: "registers",
      signed: { public_key: null, verified: false },
    });
    expect(held(record)).toEqual(["SIGNATURE_KEY_UNKNOWN"]);
    expect(details(record)).toContain("laddport meter-keys accept M-1");
  });

  it("does not stumble over meters that are called as parts of the language are", () => {
    for (const MS of ["constructor", "__proto__", "toString"]) {
      const log = day(begin({ MS }), end({ MS }));
      day(begin({ MS }), end({ MS }), log, 2 * HOUR);
      const snapshots = run(log.events, sessionsFold(DEPOT), () => true);
      expect(keysOf(snapshots)).toHaveLength(1);
      expect(of("session.ended", snapshots).map(held)).toEqual([[], []]);
    }
  });

  it("never accepts a key with a value that proves nothing", () => {
    const emitted = run(day(begin(), end({ PG: "T9" })).events, sessionsFold(DEPOT));
    expect(keysOf(emitted)).toEqual([]);
  });
});

describe("signed values that do not prove a session", () => {
  const forged = (text: string) => text.replace("112.750", "112.850");

  it.each<[string, SealedRef | undefined, SealedRef | undefined, string]>([
    [
      "edge case 33: a bad signature",
      begin(),
      sealed({}, { text: forged(signedText(payload({ PG: "T8", RD: [END] }))) }),
      "does not match",
    ],
    ["edge case 33: a wrong key", begin(), end({}, { key: signerOn().key }), "does not match"],
    ["edge case 33: a page gap", begin(), end({ PG: "T9" }), "not consecutive"],
    [
      "edge case 33: a swapped begin",
      begin({ RD: [{ ...BEGIN, TX: "E", RV: "112.750" }] }),
      end({ RD: [{ ...END, TX: "B", RV: "100.500" }] }),
      "lies before the begin",
    ],
    ["a missing end", begin({ RD: [BEGIN] }), undefined, "no end reading"],
    ["a missing begin", undefined, end(), "no begin reading"],
    ["edge case 34: ST other than G", begin(), end({ RD: [{ ...END, ST: "T" }] }), "meter state is not good"],
    ["edge case 34: EF=E", begin(), end({ RD: [{ ...END, EF: "E" }] }), "energy is flagged"],
    ["TX=X before the end", begin({ RD: [BEGIN, { ...BEGIN, TX: "X" }] }), end(), "an exception (TX=X)"],
    [
      "another user at the end",
      begin(),
      { ...end(), facts: { ...facts(end()), user: "tok-b" } },
      "different users",
    ],
    ["a record that cannot be read", begin(), sealed({}, { text: "OCMF|{" }), "signature is missing"],
  ])("holds %s, and mixes nothing of it with registers", (_, first, last, why) => {
    const record = onlySession(day(first, last).ticks(HOUR + 60, HOUR + 300));
    expect(record).toMatchObject({ energy_source: "registers", energy_wh: 12_000 });
    expect(record.held).toMatchObject([{ code: "SIGNATURE_INVALID" }]);
    expect(details(record)).toContain(why);
    expect(record.signed?.reasons.join()).toContain(why);
    expect(cdrOf(record, CONTEXT)).toBeUndefined();
  });

  function facts({ facts: known }: SealedRef) {
    if (!known) throw new Error("no facts");
    return known;
  }

  it("judges nothing of logs that have sealed records without facts", () => {
    const { facts: _, mac: __, ...old } = begin();
    const record = onlySession(day(old, { ...old, sealed_ref: "other" }));
    expect(record).toMatchObject({ held: [], energy_wh: 12_000 });
    expect(record.signed).toBeUndefined();
  });
});

describe("signed values and time", () => {
  it("bills the energy of an unsynchronised signed clock, and says so in the evidence", () => {
    const TM = (text: unknown) => String(text).replace(" S", " I");
    const informative = [BEGIN, END].map((reading) => ({ ...reading, TM: TM(reading.TM) }));
    const tariff = {
      hash: "t".repeat(64),
      body: {
        id: "timed",
        currency: "SEK",
        elements: [
          {
            price_components: [
              energy("2.50", "25"),
              { type: "TIME" as const, price: "7", vat: "25", step_size: 1 },
            ],
          },
        ],
      },
    };
    const first = begin({ RD: [informative[0]] });
    const last = end({ RD: [informative[1]] });
    const doubted = DepotLog.started(tariff);
    doubted.add("clock.ticked", -30, { at: iso(-30), synchronised: false }, null);
    const waits = onlySession(day(first, last, doubted));
    expect(waits).toMatchObject({ energy_source: "signed", energy_wh: 12_250 });
    expect(held(waits)).toEqual(["CLOCK_UNSYNCHRONISED"]);
    const record = onlySession(day(first, last, DepotLog.started(tariff)));
    expect(record).toMatchObject({ held: [], energy_source: "signed", energy_wh: 12_250 });
    expect(record.signed).toMatchObject({ verified: true });
    expect(record.signed?.reasons).toEqual([expect.stringMatching(/^for time only: the clock is neither/)]);
    const lines = cdrOf(record, CONTEXT)?.lines.map(({ dimension }) => dimension);
    expect(lines).toEqual(expect.arrayContaining(["ENERGY", "TIME"]));
  });
});

describe("records between begin and end", () => {
  const minutes = 2 * 24 * 60;
  const between = (page: number) =>
    sealed({ PG: `T${page}`, RD: [{ ...BEGIN, TX: "C", RV: (100.5 + page / 1000).toFixed(3) }] });
  // Signing takes a while: what differs between them is only the page.
  const template = between(8);

  function twoDays(without: readonly number[] = []): DepotLog {
    const log = DepotLog.started().start({ at: 0, wh: 100_500, signed: begin({ PG: "T7" }) });
    for (let i = 0; i < minutes; i++) {
      if (without.includes(i)) continue;
      const facts = template.facts && { ...template.facts, pagination: `T${8 + i}` };
      const signed = { ...template, mac: `m${i}`, sealed_ref: `r${i}`, ...(facts ? { facts } : {}) };
      log.sample({ at: 60 * (i + 1), ref: "t1", signed });
      if (i % 500 === 0) log.sample({ at: 60 * (i + 1), ref: "t1", signed });
    }
    return log.stop({ at: 60 * (minutes + 1), wh: 112_750, signed: end({ PG: `T${8 + minutes}` }) });
  }

  it("keeps two days of a record a minute in a few kB, in memory and in the session", () => {
    const fold = sessionsFold(DEPOT);
    const parts = new Map<string, unknown>();
    const ended: NewEvent[] = [];
    let largest = 0;
    const out = { emit: (event: NewEvent) => void ended.push(event), touched: () => {} };
    twoDays().events.forEach((event, i) => {
      fold.apply(parts as never, event, out);
      if (i % 100 === 0) largest = Math.max(largest, JSON.stringify(parts.get("cp-01") ?? null).length);
    });
    expect(largest).toBeGreaterThan(1_000);
    expect(largest).toBeLessThan(100_000);
    const [record] = of("session.ended", ended);
    expect(record).toMatchObject({ held: [], energy_wh: 12_250, energy_source: "signed" });
    expect(record?.signed?.values.map(({ nature }) => nature)).toEqual(["Start", "End"]);
  });

  it("takes them in any order, and holds the session when one is missing", () => {
    const shuffled = [11, 8, 10, 9, 12];
    const log = DepotLog.started().start({ at: 0, wh: 100_500, signed: begin() });
    for (const [i, page] of shuffled.entries())
      log.sample({ at: 60 * (i + 1), ref: "t1", signed: between(page) });
    proven(onlySession(log.stop({ at: HOUR, wh: 112_500, signed: end({ PG: "T13" }) })));
    const gap = onlySession(twoDays([1000]));
    expect(held(gap)).toEqual(["SIGNATURE_INVALID"]);
    expect(details(gap)).toContain("after T1007 comes T1009");
  });

  it("looks into one that does not read as it should", () => {
    const bad = sealed({ PG: "T8", RD: [{ ...BEGIN, TX: "C", RV: "101.000", ST: "F" }] });
    const log = DepotLog.started().start({ at: 0, wh: 100_500, signed: begin() });
    log.sample({ at: 60, ref: "t1", signed: bad });
    const record = onlySession(log.stop({ at: HOUR, wh: 112_500, signed: end({ PG: "T9" }) }));
    expect(held(record)).toEqual(["SIGNATURE_INVALID"]);
    expect(record.signed?.values.map(({ nature }) => nature)).toEqual(["Start", "Intermediate", "End"]);
  });

  it("stays small when a meter signs nonsense for days, and keeps the end", () => {
    const log = DepotLog.started().start({ at: 0, wh: 100_500, signed: begin() });
    for (let i = 0; i < 1000; i++) {
      const nonsense = { ...UNREADABLE, mac: `n${i}` };
      log.sample({ at: i + 1, ref: "t1", signed: nonsense });
    }
    const record = onlySession(log.stop({ at: HOUR, wh: 112_500, signed: end() }));
    expect(held(record)).toEqual(["SIGNATURE_INVALID"]);
    expect(record.signed?.values.length).toBeLessThan(300);
    expect(record.signed?.values.filter(({ nature }) => nature === "End")).toHaveLength(1);
    expect(record.signed?.reasons.length).toBeLessThan(30);
  });

  const UNREADABLE = sealed({}, { text: "OCMF|{}|{}" });
});

describe("folding again", () => {
  it("a key that a person accepted meanwhile stands, after a kill too; another's number 1 is never used twice", () => {
    const other = signerOn();
    const loop = logLoop(() => [sessionsFold(DEPOT)]);
    const log = day(begin(), end());
    const accepted = { meter_serial: "M-1", public_key: other.key, by: "anna", reason: "meter exchanged" };
    for (const event of log.events) loop.append(event as NewEvent);
    const head = { atMs: log.events.at(-1)?.atMs ?? 0, station: null, key: meterKeyKey("M-1", 1) };
    loop.append({ type: "meter_key.accepted", ...head, body: accepted });
    loop.settle();
    const keys = () => of("meter_key.accepted", loop.events);
    expect(keys()).toEqual([accepted]);
    for (const event of day(begin(), end(), DepotLog.started(null), 2 * HOUR).events.slice(1))
      loop.append(event as NewEvent);
    loop.settle();
    expect(of("session.ended", loop.events).map(held)).toEqual([[], ["SIGNATURE_KEY_UNKNOWN"]]);
    const before = JSON.stringify(loop.events);
    loop.kill();
    loop.settle();
    expect(JSON.stringify(loop.events)).toBe(before);
  });

  it("gives identical bytes, from snapshots too", () => {
    const log = day(begin(), end());
    day(begin({}, { signer: signerOn() }), undefined, log, 2 * HOUR).ticks(3 * HOUR + 60, 3 * HOUR + 300);
    const once = JSON.stringify(run(log.events, sessionsFold(DEPOT)));
    expect(JSON.stringify(run(log.events, sessionsFold(DEPOT)))).toBe(once);
    expect(JSON.stringify(run(log.events, sessionsFold(DEPOT), (i) => i % 3 === 0))).toBe(once);
  });
});
