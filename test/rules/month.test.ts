/**
 * A month of recorded stays, from the stations' messages to the statement: billed, a third credited by a person, a third
 * revised by late stops and billed again. Every sum is in whole units of the last digit that a bill has.
 */
import { describe, expect, it } from "vitest";
import { cdrVerify } from "../../src/cli/cdr-verify.ts";
import { statementOf } from "../../src/documents/statement.ts";
import type { SqliteStore } from "../../src/log/sqlite-store.ts";
import type { Cdr } from "../../src/model/cdr.ts";
import { CdrSchema } from "../../src/model/cdr-schema.ts";
import type { Event, NewEvent } from "../../src/model/event.ts";
import type { EvseId } from "../../src/model/ids.ts";
import { creditOf } from "../../src/rules/credit.ts";
import type { SessionsOptions } from "../../src/rules/session-step.ts";
import { readRecording } from "../../src/simulator/replay-file.ts";
import { reportFromLog } from "../../src/web/log-report.ts";
import { tariffVersion } from "../../src/workers/folds.ts";
import { captured } from "../cli/depot-log.ts";
import { operatorDoor } from "../gateway/operator.ts";
import { scratchDir } from "../log/sample-events.ts";
import { hasRecordings, type RecordedSite, recordedFile } from "../simulator/recorded.ts";
import { type GrowingLog, growingLog, ledgerFolds } from "../web/folded-log.ts";
import { EVERYTHING, eveningPrices } from "./month-tariff.ts";
import { type Stay, stationEvents, staysOf } from "./recorded-stays.ts";

const ZONE = "America/Los_Angeles";
/** The recorded days, and those that they become. */
const DAYS = process.env.DEEP ? /^2019-06/ : /^2019-06-0[3-5]/;

/** Late stops for every third stay; credits for the next third, and for some that were revised. */
const isRevised = (n: number) => n % 3 === 1;
const isCredited = (n: number) => n % 3 === 0 || n % 30 === 1;

/** Ten-thousandths (or hundredths) of the currency. */
const units = (amount: string): bigint => BigInt(amount.replace(".", ""));
const sum = (amounts: readonly string[]): bigint => amounts.reduce((all, a) => all + units(a), 0n);

/** Appends what stations, the price feed and the clock said, in the order of its arrival. */
async function recorded(site: RecordedSite, log: (options: SessionsOptions) => Promise<GrowingLog>) {
  const { sessions } = readRecording(recordedFile(site), null);
  const { stays, evses } = staysOf(
    sessions.filter(({ date }) => DAYS.test(date)),
    isRevised,
  );
  const fromMs = Math.min(...stays.map((s) => s.fromMs));
  const toMs = Math.max(...stays.map((s) => s.toMs));
  const begin = (type: string, body: object) =>
    ({ type, atMs: fromMs - 4 * 86_400_000, station: null, key: null, body }) as NewEvent;
  const events = [
    begin("gateway.started", { version: "0", node: "24", epoch: 3 }),
    begin("tariff.adopted", { tariff: tariffVersion(EVERYTHING) }),
    ...[...eveningPrices(fromMs, toMs), ...stationEvents(stays)].sort((a, b) => a.atMs - b.atMs),
  ];
  const growing = await log({ evses, timeZone: ZONE, voltageV: 230 });
  await growing.append(events);
  return { stays, evses: [...evses.keys()], growing, appended: events.length, toMs };
}

/** A person credits through the operator's door, which reads the bill from the log. */
async function creditSome(log: GrowingLog, stays: readonly Stay[], nowMs: number) {
  const { store } = log;
  const door = operatorDoor(log, nowMs);
  const numbers = new Map(stays.map(({ ref }, n) => [ref, n]));
  const newest = new Map<string, Cdr>();
  for (const cdr of cdrsIn(await factsIn(store))) newest.set(cdr.session_id, cdr);
  let credited = 0;
  for (const event of await factsIn(store)) {
    if (event.type !== "session.ended") continue;
    const n = numbers.get(event.body.tx_refs[0] ?? "");
    const bill = newest.get(event.body.session_id);
    if (n === undefined || !isCredited(n) || !bill) continue;
    const verdict = await door.decide("credit", bill.id, { by: "anna", reason: "wrong tariff" });
    expect(verdict).toMatchObject({ decided: { session_id: bill.session_id } });
    credited++;
  }
  return credited;
}

/** All events but samples. */
async function factsIn(store: SqliteStore): Promise<Event[]> {
  return (await everything(store)).filter(({ type }) => type !== "meter.sampled" && type !== "clock.ticked");
}

async function everything(store: SqliteStore): Promise<Event[]> {
  const all: Event[] = [];
  for (let from = 0; ; ) {
    const { events, through } = await store.read(from, {});
    all.push(...events);
    if (through === from) return all;
    from = through;
  }
}

const cdrsIn = (events: readonly Event[]): Cdr[] =>
  events.filter((event) => event.type === "cdr.issued").map(({ body }) => body as Cdr);

/** What the folds make of the same log again, by key: the first of each is what the log would have. */
function foldedAgain(events: readonly Event[], options: SessionsOptions): Map<string, string> {
  const made = new Map<string, string>();
  const folds = ledgerFolds(options).map((fold) => ({ fold, parts: new Map<string, unknown>() }));
  const out = {
    emit({ type, key, body }: NewEvent) {
      if (type === "cdr.issued" && key !== null && !made.has(key)) made.set(key, JSON.stringify(body));
    },
    touched() {},
  };
  for (const event of events) for (const { fold, parts } of folds) fold.apply(parts, event, out);
  return made;
}

/** A bill by itself: lines sum to the total, the dimensions and the limits too, and what is asked for is the total rounded. */
function checkBill(cdr: Cdr): void {
  expect(CdrSchema.parse(cdr)).toEqual(cdr);
  for (const side of ["excl_vat", "incl_vat"] as const) {
    const total = units(cdr.total_cost[side]);
    expect(sum(cdr.lines.map(({ amount }) => amount[side]))).toBe(total);
    const limits = cdr.lines.filter(({ dimension }) => dimension.endsWith("_PRICE"));
    const parts = [
      cdr.total_fixed_cost,
      cdr.total_energy_cost,
      cdr.total_time_cost,
      cdr.total_parking_cost,
      cdr.total_reservation_cost,
      ...limits.map(({ amount }) => amount),
    ];
    expect(sum(parts.map((part) => part[side]))).toBe(total);
  }
  const { amount, rounding } = cdr.payable;
  expect(100n * units(amount) - units(rounding)).toBe(units(cdr.total_cost.incl_vat));
  const metered = cdr.registers.reduce((wh, { from_wh, to_wh }) => wh + to_wh - from_wh, 0);
  expect(metered).toBe(cdr.energy_wh);
}

const signedWh = ({ credit, energy_wh }: Cdr) => (credit ? -energy_wh : energy_wh);
const payables = (cdrs: readonly Cdr[]) => sum(cdrs.map(({ payable }) => payable.amount));

async function reconcile(site: RecordedSite) {
  const dir = scratchDir();
  let options: SessionsOptions | undefined;
  const { stays, evses, growing, appended, toMs } = await recorded(site, (given) => {
    options = given;
    return growingLog(dir, given);
  });
  const { store } = growing;
  const credited = await creditSome(growing, stays, toMs + 86_400_000);
  const log = await everything(store);
  const cdrs = cdrsIn(log);
  const credits = cdrs.filter(({ credit }) => credit);
  const byId = new Map(cdrs.map((cdr) => [cdr.id, cdr]));
  expect(byId.size).toBe(cdrs.length);

  for (const cdr of cdrs) checkBill(cdr);
  for (const credit of credits) {
    const original = byId.get(credit.credit_reference_id ?? "") as Cdr;
    expect(credit).toEqual(creditOf(original, credit.remark ?? ""));
    expect(units(credit.total_cost.incl_vat)).toBe(-units(original.total_cost.incl_vat));
    expect(units(credit.payable.amount)).toBe(-units(original.payable.amount));
  }

  // Every stay is one session; what its meter counted is billed, or taken back whole.
  const sessions = log.filter((event) => event.type === "session.ended").map(({ body }) => body);
  expect(sessions.map(({ tx_refs }) => tx_refs[0]).sort()).toEqual(stays.map(({ ref }) => ref).sort());
  const bySession = Map.groupBy(cdrs, ({ session_id }) => session_id);
  const stayOf = new Map(stays.map((stay, n) => [stay.ref, { ...stay, n }]));
  let revised = 0;
  let cured = 0;
  let billedWh = 0;
  for (const { session_id, tx_refs, held } of sessions) {
    const { n, deliveredWh, cutOff } = stayOf.get(tx_refs[0] ?? "") as Stay & { n: number };
    const own = bySession.get(session_id) ?? [];
    // Cut off before its first sample: it waits, and the late stop cures it.
    const waited = held.length > 0;
    if (waited) expect([cutOff, held.map(({ code }) => code)]).toEqual([true, ["NO_REGISTER"]]);
    if (waited) cured++;
    expect(own.reduce((wh, cdr) => wh + signedWh(cdr), 0)).toBe(isCredited(n) ? 0 : deliveredWh);
    if (!isCredited(n)) billedWh += deliveredWh;
    const reBilled = own.filter(({ credit }) => !credit).length === 2;
    if (reBilled) revised++;
    // A cut that took nothing from the bill needs no correction.
    if (!cutOff) expect(reBilled).toBe(false);
    expect(own).toHaveLength((reBilled ? 3 : 1) + (isCredited(n) ? 1 : 0));
  }
  expect(credits).toHaveLength(credited + revised);
  expect(cdrs.reduce((wh, cdr) => wh + signedWh(cdr), 0)).toBe(billedWh);

  await checkStatements(cdrs);
  const report = await checkReport(store, evses, cdrs, stays);
  const again = foldedAgain(log, options as SessionsOptions);
  const inLog = log
    .filter((event) => event.type === "cdr.issued")
    .map((e) => [e.key, JSON.stringify(e.body)]);
  expect([...again].sort()).toEqual(inLog.sort());

  const { out, io } = captured();
  const code = await cdrVerify({ data: dir, all: true, samples: true, progress: false }, io as never);
  expect([code, out.stdout]).toEqual([
    0,
    `${cdrs.length} CDRs: ${cdrs.length} same, 0 different, 0 rated under other rules\n`,
  ]);
  await store.close();
  return {
    stays: stays.length,
    events: appended,
    log: log.length,
    cdrs: cdrs.length,
    credited,
    revised,
    cured,
    meteredWh: stays.reduce((wh, s) => wh + s.deliveredWh, 0),
    billedWh,
    lines: cdrs.reduce((all, { lines }) => all + lines.length, 0),
    limited: cdrs.filter(({ lines }) => lines.some(({ dimension }) => dimension.endsWith("_PRICE"))).length,
    parked: cdrs.filter(({ total_parking_cost }) => units(total_parking_cost.incl_vat) !== 0n).length,
    gross: sum(cdrs.map(({ total_cost }) => total_cost.incl_vat)),
    payable: payables(cdrs),
    report,
  };
}

/** Statements of all groups and months are all there is, to the cent. */
async function checkStatements(cdrs: readonly Cdr[]): Promise<void> {
  const months = [...new Set(cdrs.map(({ end_date_time }) => end_date_time.slice(0, 7)))];
  const around = new Set(months.flatMap((month) => [month, before(month)]));
  const sums = [...around].flatMap((month) => statementOf(cdrs, { month }).currencies);
  expect(sums.reduce((all, { payable }) => all + units(payable), 0n)).toBe(payables(cdrs));
  expect(sums.reduce((all, { total }) => all + units(total.gross), 0n)).toBe(
    sum(cdrs.map(({ total_cost }) => total_cost.incl_vat)),
  );
  expect(sums.reduce((all, { energy_wh }) => all + energy_wh, 0)).toBe(
    cdrs.reduce((wh, cdr) => wh + signedWh(cdr), 0),
  );
  for (const month of around) {
    const [whole] = statementOf(cdrs, { month }).currencies;
    const groups = ["north", "south", "guests"].flatMap(
      (g) => statementOf(cdrs, { month, group: g }).currencies,
    );
    expect(groups.reduce((all, { payable }) => all + units(payable), 0n)).toBe(
      units(whole?.payable ?? "0.00"),
    );
  }
}

/** The last local hours of a month are the next one's in UTC. */
const before = (month: string) => new Date(Date.parse(`${month}-01`) - 1).toISOString().slice(0, 7);

async function checkReport(
  store: SqliteStore,
  evses: readonly EvseId[],
  cdrs: readonly Cdr[],
  stays: readonly Stay[],
): Promise<string> {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const first = day(Math.min(...stays.map(({ fromMs }) => fromMs)) - 86_400_000);
  const last = day(Math.max(...stays.map(({ toMs }) => toMs)) + 86_400_000);
  const ask = { first, last, by: "day", evses } as const;
  const { report, others } = await reportFromLog(store, ask, ["station", "group"]);
  const expected = payables(cdrs);
  for (const { rows, total } of [report, ...others]) {
    expect(units(total.cost[0]?.amount ?? "")).toBe(expected);
    expect(sum(rows.flatMap(({ cost }) => cost.map(({ amount }) => amount)))).toBe(expected);
    expect(total.sessions).toBe(stays.length);
    expect(total.energy_wh).toBe(stays.reduce((wh, s) => wh + s.deliveredWh, 0));
  }
  return report.total.cost[0]?.amount ?? "";
}

describe.skipIf(!hasRecordings)("a month of recorded stays", () => {
  it.each<RecordedSite>(["jpl", "caltech"])(
    "%s: billed, credited and billed again, it reconciles to the last unit",
    async (site) => {
      const figures = await reconcile(site);
      expect(figures.revised).toBeGreaterThan(figures.stays / 4);
      expect(figures.credited).toBeGreaterThan(figures.stays / 4);
      expect(figures.limited).toBeGreaterThan(0);
      expect(figures.parked).toBeGreaterThan(0);
      if (process.env.DEEP) console.log(site, figures);
    },
  );
});
