import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { cdrVerify } from "../../src/cli/cdr-verify.ts";
import type { Cdr } from "../../src/model/cdr.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { scratchDir } from "../log/sample-events.ts";
import { DEPOT, DepotLog } from "../rules/depot-events.ts";
import { growingLog } from "../web/folded-log.ts";
import { after, captured, credited, frozen, writtenLog } from "./depot-log.ts";

function edit(data: string, sql: string): void {
  const db = new DatabaseSync(join(data, "log.db"));
  expect(db.prepare(sql).run().changes).toBeGreaterThan(0);
  db.close();
}

/** Alters the CDR of one session as it is written. */
const altered =
  (change: (cdr: Cdr) => object, session = "s3-3") =>
  (made: NewEvent[]): NewEvent[] =>
    made.map((event) =>
      event.type === "cdr.issued" && event.body.session_id === session
        ? ({ ...event, body: change(structuredClone(event.body)) } as NewEvent)
        : event,
    );

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
    expect(text).toContain(`  SHA-256 ${json[0].sha256}\n`);
    expect(text).toContain("from samples: agrees (11 readings from 10000 to 13000 Wh)");
    expect(json).toMatchObject([
      { id: "cdr-s3-3", outcome: "same", differences: [], faults: [], from: { type: "session.ended" } },
    ]);
  });

  it("finds all samples of a session although facts of earlier ones stand behind them", async () => {
    // Twenty visits and the session lie in the log before any fold gets to them: their facts follow, with earlier times.
    const log = DepotLog.started(frozen);
    for (let i = 0; i < 20; i++)
      log
        .start({ at: i * 60, ref: `v${i}`, evse: 2, wh: i * 100 })
        .stop({ at: i * 60 + 30, ref: `v${i}`, evse: 2, wh: i * 100 + 50 });
    log
      .start({ at: 7200, wh: 10_000, state: "charging", serial: "M-7" })
      .samples({ from: 7260, to: 7740, every: 60, wh: 10_300, stepWh: 300, ref: "t1" })
      .stop({ at: 7800, wh: 13_000, reason: "local" })
      .status("available", { at: 7800 });
    const data = scratchDir();
    const { store, append } = await growingLog(data, DEPOT);
    await append(log.events as NewEvent[]);
    await store.close();
    const { exit, json } = await verified(data, { all: true });
    expect([exit, json.at(-1)]).toMatchObject([0, { summary: { same: 21, different: 0, other_rules: 0 } }]);
    expect(json.at(-2).samples).toMatchObject({ result: "agrees", readings: 11 });
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
    const good = await writtenLog(undefined, (made) => after(made, credited));
    const { exit, text } = await verified(good.data, { id: "cdr-s3-3-C" });
    expect(exit).toBe(0);
    expect(text).toMatch(/^cdr-s3-3-C: same\n {2}compared: \d+ fields with cdr-s3-3 negated/);
    const bad = await writtenLog(undefined, (made) =>
      after(made, credited).map((event) =>
        event.type === "cdr.issued" && event.body.credit
          ? { ...event, body: { ...event.body, payable: { ...event.body.payable, amount: "-1.00" } } }
          : event,
      ),
    );
    const wrong = await verified(bad.data, { id: "cdr-s3-3-C" });
    expect(wrong.exit).toBe(1);
    expect(wrong.text).toContain('payable.amount: stored "-1.00", computed "-9.38"');
  });

  it("a bill after a correction follows from the revised record, the first one from the first", async () => {
    const { data } = await writtenLog(undefined, (made) =>
      after(made, (record) => ({
        type: "session.revised",
        body: {
          session_id: record.session_id,
          revision: 2,
          what: "late_stop",
          detail: "a stop came late",
          previous: record,
          record: {
            ...record,
            energy_wh: 3500,
            segments: record.segments.map((s) => ({ ...s, to_wh: 13_500 })),
          },
          was_billed: true,
          bill_revision: 1,
        },
      })),
    );
    const { exit, json } = await verified(data, { all: true, samples: false });
    expect(exit).toBe(0);
    expect(json.slice(0, -1).map(({ id, from }) => [id, from?.type])).toEqual(
      expect.arrayContaining([
        ["cdr-s3-3", "session.ended"],
        ["cdr-s3-3-C", undefined],
        ["cdr-s3-3-2", "session.revised"],
      ]),
    );
  });

  it("a bill of a released session follows from the release", async () => {
    const held = (made: NewEvent[]) =>
      made
        .filter(({ key }) => key !== "cdr.issued:s3-3")
        .map((event) =>
          event.type === "session.ended" && event.body.session_id === "s3-3"
            ? { ...event, body: { ...event.body, held: [{ code: "NO_REGISTER" as const, detail: "none" }] } }
            : event,
        );
    const { data } = await writtenLog(undefined, (made) =>
      after(held(made), (record) => ({
        type: "hold.released",
        body: { session_id: record.session_id, revision: 2, by: "anna", reason: "read", record, since_ms: 0 },
      })),
    );
    const { exit, json } = await verified(data);
    expect(exit).toBe(0);
    expect(json).toMatchObject([{ outcome: "same", from: { type: "hold.released" } }]);
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
    expect(json.at(-1)).toEqual({
      summary: { same: 1, different: 1, other_rules: 0, expired: 0 },
      log: { facts: 10, damage: [] },
    });
  });

  it("--all misses a bill that was taken out of the log, although what is left is the same", async () => {
    const { data } = await writtenLog();
    edit(data, "DELETE FROM fact WHERE key = 'cdr.issued:s3-3:1' OR key LIKE 'cdr%s3-3%'");
    const { exit, text, json } = await verified(data, { all: true });
    expect(exit).toBe(1);
    expect(text).toMatch(/^log, fact \d+: link broken: a row was changed, added or removed$/m);
    expect(text).toMatch(
      /the log was ALTERED: .*\n1 CDRs: 1 same, 0 different, 0 rated under other rules\n$/,
    );
    expect(json.at(-1)).toMatchObject({ summary: { same: 1 }, log: { damage: [{ chain: "fact" }] } });
  });

  it("--all tells where a bill lost its body, when retention did not take it", async () => {
    const { data } = await writtenLog();
    edit(data, "UPDATE fact SET body = NULL WHERE type = 'cdr.issued'");
    const { exit, text } = await verified(data, { all: true });
    expect(exit).toBe(1);
    expect(text).toMatch(/^log, fact \d+: body is gone, and no fact says that it expired$/m);
    expect(text).toContain("the log was ALTERED");
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
