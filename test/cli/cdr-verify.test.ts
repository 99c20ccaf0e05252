import { describe, expect, it } from "vitest";
import { cdrVerify } from "../../src/cli/cdr-verify.ts";
import type { Cdr, Price } from "../../src/model/cdr.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { exact, fixed } from "../../src/model/money.ts";
import { DepotLog } from "../rules/depot-events.ts";
import { captured, frozen, writtenLog } from "./depot-log.ts";

/** Alters the CDR of one session as it is written. */
const altered =
  (change: (cdr: Cdr) => object, session = "s3-3") =>
  (made: NewEvent[]): NewEvent[] =>
    made.map((event) =>
      event.type === "cdr.issued" && event.body.session_id === session
        ? ({ ...event, body: change(structuredClone(event.body)) } as NewEvent)
        : event,
    );

/** Takes a bill back: every amount negated. */
function creditOf(cdr: Cdr): Cdr {
  const minus = (amount: string, digits = 4) => fixed(exact(amount).neg(), digits);
  const price = ({ excl_vat, incl_vat }: Price): Price => ({
    excl_vat: minus(excl_vat),
    incl_vat: minus(incl_vat),
  });
  return {
    ...cdr,
    id: `${cdr.id}-C`,
    credit: true,
    credit_reference_id: cdr.id,
    remark: "wrong tariff",
    lines: cdr.lines.map((line) => ({ ...line, amount: price(line.amount) })),
    total_cost: price(cdr.total_cost),
    total_fixed_cost: price(cdr.total_fixed_cost),
    total_energy_cost: price(cdr.total_energy_cost),
    total_time_cost: price(cdr.total_time_cost),
    total_parking_cost: price(cdr.total_parking_cost),
    total_reservation_cost: price(cdr.total_reservation_cost),
    payable: { amount: minus(cdr.payable.amount, 2), rounding: minus(cdr.payable.rounding) },
  };
}

async function verified(data: string, options: { id?: string; all?: boolean; samples?: boolean } = {}) {
  const [text, json] = [captured(), captured()];
  const asked = {
    data,
    samples: true,
    progress: false,
    ...(options.all ? {} : { id: "cdr-s3-3" }),
    ...options,
  };
  const exit = await cdrVerify(asked, text.io);
  expect(await cdrVerify({ ...asked, json: true }, json.io)).toBe(exit);
  const lines = json.out.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  return { exit, text: text.out.stdout, stderr: text.out.stderr, json: lines };
}

describe("cdr verify", () => {
  it("a bill that follows from its session is the same, and its samples agree", async () => {
    const { data } = await writtenLog();
    const { exit, text, json } = await verified(data);
    expect(exit).toBe(0);
    expect(text).toMatch(/^cdr-s3-3: same\n/);
    expect(text).toContain("from samples: agrees (11 readings from 10000 to 13000 Wh)");
    expect(json).toMatchObject([
      { id: "cdr-s3-3", outcome: "same", differences: [], faults: [], from: { type: "session.ended" } },
    ]);
  });

  it("names each field in which one digit was changed", async () => {
    const { data } = await writtenLog(
      undefined,
      altered((cdr) => {
        const [line] = cdr.lines;
        if (line) line.amount.incl_vat = line.amount.incl_vat.replace("9.3750", "9.3760");
        return cdr;
      }),
    );
    const { exit, text, json } = await verified(data);
    expect(exit).toBe(1);
    expect(text).toContain('lines[0].amount.incl_vat: stored "9.3760", computed "9.3750"');
    expect(json[0].faults).toEqual([expect.stringContaining("total_cost.incl_vat")]);
  });

  it.each<[string, (cdr: Cdr) => object]>([
    ["energy_wh", (cdr) => ({ ...cdr, energy_wh: cdr.energy_wh + 1 })],
    ["meter_id", (cdr) => ({ ...cdr, meter_id: null })],
    ["registers[0].to_wh", (cdr) => ({ ...cdr, registers: cdr.registers.map((r) => ({ ...r, to_wh: 1 })) })],
    ["extra", (cdr) => ({ ...cdr, extra: 1 })],
  ])("finds a changed %s", async (path, change) => {
    const { data } = await writtenLog(undefined, altered(change));
    const { exit, json } = await verified(data);
    expect(exit).toBe(1);
    expect(json[0].differences.map((d: { path: string }) => d.path)).toEqual([path]);
  });

  it("a tariff that is not the one its hash names", async () => {
    const { data } = await writtenLog(
      undefined,
      altered((cdr) => ({ ...cdr, tariff: { ...cdr.tariff, body: { ...cdr.tariff.body, id: "other" } } })),
    );
    const { exit, text } = await verified(data);
    expect(exit).toBe(1);
    expect(text).toContain(`tariff.hash is ${frozen.hash}`);
  });

  it("other rules are exit 3 with what they change in money, and nothing is rewritten", async () => {
    const { data } = await writtenLog(
      undefined,
      altered((cdr) => {
        const total_cost = { ...cdr.total_cost, incl_vat: cdr.total_cost.incl_vat };
        return { ...cdr, total_cost, rules: { ...cdr.rules, version: "rate-0" } };
      }),
    );
    const { exit, text } = await verified(data);
    expect(exit).toBe(3);
    expect(text).toMatch(/differs: rules rate-0 -> rate-\d/);
    expect(text).toContain("in money: no difference");
    expect((await verified(data)).text).toBe(text);
  });

  it("pruned samples are told, and the bill is proven without them", async () => {
    const { data, prune } = await writtenLog();
    await prune();
    const { exit, text } = await verified(data);
    expect(exit).toBe(0);
    expect(text).toMatch(/from samples: pruned \(through offset \d+\)/);
  });

  it("samples that rise by something else make it different", async () => {
    const log = DepotLog.started(frozen)
      .start({ at: 0, wh: 10_000, state: "charging" })
      .samples({ from: 60, to: 540, every: 60, wh: 10_300, stepWh: 300, ref: "t1" })
      .stop({ at: 600, wh: 13_000 });
    const { data } = await writtenLog(log, (made) =>
      made.map((event) =>
        event.type === "session.ended"
          ? {
              ...event,
              body: { ...event.body, segments: event.body.segments.map((s) => ({ ...s, to_wh: 13_500 })) },
            }
          : event,
      ),
    );
    const { exit, text } = await verified(data);
    expect(exit).toBe(1);
    expect(text).toContain("differs: the readings rise by 3000 Wh, the bill's registers by 3500 Wh");
  });

  it("a credit is its original negated, or says where not", async () => {
    const withCredit = (change: (credit: Cdr) => Cdr) => (made: NewEvent[]) => {
      const bill = made.find(({ key }) => key === "cdr.issued:s3-3") as Extract<
        NewEvent,
        { type: "cdr.issued" }
      >;
      const body = change(creditOf(bill.body));
      return [...made, { ...bill, key: "cdr.issued:s3-3:2:credit", body }];
    };
    const good = await writtenLog(
      undefined,
      withCredit((credit) => credit),
    );
    expect((await verified(good.data, { id: "cdr-s3-3-C" })).text).toMatch(/^cdr-s3-3-C: same\n/);
    const bad = await writtenLog(
      undefined,
      withCredit((credit) => ({ ...credit, payable: { ...credit.payable, amount: "-1.00" } })),
    );
    const { exit, text } = await verified(bad.data, { id: "cdr-s3-3-C" });
    expect(exit).toBe(1);
    expect(text).toContain("payable.amount");
  });

  it("a bill of a session that the log has lost cannot be proven", async () => {
    const { data } = await writtenLog(undefined, (made) => made.filter(({ type }) => type === "cdr.issued"));
    const { exit, text } = await verified(data);
    expect(exit).toBe(1);
    expect(text).toContain("the log has no session s3-3 to rate");
  });

  it("an older record without the newer fields is rated with what it has", async () => {
    const { data } = await writtenLog(undefined, (made) =>
      made.map((event) => {
        if (event.type !== "session.ended") return event;
        const { time_zone: _, readings: __, flags: ___, ...body } = event.body;
        return { ...event, body } as unknown as NewEvent;
      }),
    );
    const { exit, json } = await verified(data);
    expect(exit).toBe(0);
    expect(json[0].faults).toEqual([]);
  });

  it("--all counts, and shows only what is not the same", async () => {
    const { data } = await writtenLog(
      undefined,
      altered((cdr) => ({ ...cdr, meter_id: "M-8" })),
    );
    const { exit, text, json } = await verified(data, { all: true });
    expect(exit).toBe(1);
    expect(text).toContain("2 CDRs: 1 same, 1 different, 0 rated under other rules\n");
    expect(text.match(/^cdr-/gm)).toHaveLength(1);
    expect(json.at(-1)).toEqual({ summary: { same: 1, different: 1, other_rules: 0 } });
  });

  it("an unknown id, and neither id nor --all", async () => {
    const { data } = await writtenLog();
    const { io, out } = captured();
    expect(await cdrVerify({ data, id: "nope", samples: true, progress: false }, io)).toBe(1);
    expect(out.stderr).toContain("laddport cdr list");
    const neither = cdrVerify({ data, samples: true, progress: false }, io);
    await expect(neither).rejects.toMatchObject({ code: "LP803" });
  });
});
