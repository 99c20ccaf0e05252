import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Ledger } from "../../src/workers/ledger.ts";
import { scratchDir } from "../log/sample-events.ts";
import { accepted, ledgerOptions, logged, message, meter } from "./ledger-case.ts";

async function started(over: Parameters<typeof ledgerOptions>[1] = {}) {
  const dir = scratchDir();
  const options = ledgerOptions(dir, over);
  const ledger = new Ledger(options);
  await ledger.start();
  onTestFinished(() => ledger.stop());
  return { dir, options, ledger };
}

const sampled = async (options: Parameters<typeof logged>[0]) =>
  (await logged(options)).filter((e) => e.type === "meter.sampled");

describe("ledger", () => {
  it("acknowledges in order, after the event is in the log", async () => {
    const { options, ledger } = await started();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 2000 }, (_, seq) =>
        accepted(ledger, meter("cp-001", seq)).then(() => order.push(seq)),
      ),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const events = await sampled(options);
    expect(events.map((e) => (e.body as { seq: number }).seq)).toEqual(order);
    expect(events[0]).toMatchObject({
      station: "cp-001",
      body: { evse: 1, boot: "b1", energy_import_wh: 18_000_000 },
    });
  });

  it("drops a repeated message only when key and content are the same", async () => {
    const { options, ledger } = await started();
    const rejected: unknown[] = [];
    ledger.on("rejected", (r) => rejected.push(r));
    await accepted(ledger, meter("cp-001", 1));
    await Promise.all([
      accepted(ledger, meter("cp-001", 1)),
      accepted(ledger, meter("cp-001", 2)),
      accepted(ledger, meter("cp-001", 2)),
    ]);
    expect(await sampled(options)).toHaveLength(2);
    expect(rejected).toEqual([]);
    await accepted(ledger, meter("cp-001", 1, "b1", { power_w: 3 }));
    await accepted(
      ledger,
      message("cp-001", "status", {
        ts: "2026-11-22T17:00:10Z",
        boot: "b1",
        seq: 2,
        connector_state: "occupied",
      }),
    );
    expect(rejected).toMatchObject([
      { code: "KEY_CONFLICT", ref: { boot: "b1", seq: 1, topic: "laddport/v1/demo/in/cp-001/1/meter" } },
      { code: "KEY_CONFLICT", ref: { boot: "b1", seq: 2 } },
    ]);
    const types = (await logged(options)).map((e) => e.type).filter((t) => t !== "clock.ticked");
    expect(types).toEqual([
      "gateway.started",
      "meter.sampled",
      "meter.sampled",
      "message.quarantined",
      "message.quarantined",
    ]);
  });

  it("never drops a message without a number", async () => {
    const { options, ledger } = await started();
    const plain = { ts: "2026-11-22T17:00:10Z", energy_import_wh: 5 };
    await accepted(ledger, message("cp-001", "meter", plain));
    await accepted(ledger, message("cp-001", "meter", plain));
    expect(await sampled(options)).toHaveLength(2);
  });

  it("remembers duplicates over a restart, samples and facts", async () => {
    const { options, ledger } = await started();
    const start = {
      ts: "2026-11-22T17:00:00Z",
      boot: "b1",
      seq: 7,
      event: "started",
      tx_ref: "t1",
      token: { uid: "04A1B2" },
    };
    await accepted(ledger, meter("cp-001", 6));
    await accepted(ledger, message("cp-001", "tx", start));
    await ledger.stop();
    const again = new Ledger(options);
    await again.start();
    await accepted(again, message("cp-001", "tx", start));
    await accepted(again, meter("cp-001", 6));
    await again.stop();
    const events = await logged(options);
    expect(events.filter((e) => e.type === "transaction.started")).toHaveLength(1);
    expect(events.filter((e) => e.type === "meter.sampled")).toHaveLength(1);
  });

  it("keeps what it cannot read in quarantine: sealed, acknowledged and answered", async () => {
    const { options, ledger } = await started();
    const answers: { code: string; message: string }[] = [];
    ledger.on("rejected", (r) => answers.push(r));
    const unreadable: [string, Buffer, string][] = [
      ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "NOT_UTF8"],
      ["not JSON", Buffer.from('{"uid":"04DEADBEEF",'), "NOT_JSON"],
      ["empty", Buffer.from(""), "NOT_JSON"],
      ["an array", Buffer.from("[]"), "SCHEMA"],
      ["a fraction of a Wh", Buffer.from('{"ts":"2026-11-22T17:00:00Z","energy_import_wh":1.5}'), "SCHEMA"],
      ["no time", Buffer.from('{"energy_import_wh":1}'), "SCHEMA"],
      ["a negative register", Buffer.from('{"ts":"2026-11-22T17:00:00Z","energy_import_wh":-1}'), "SCHEMA"],
    ];
    for (const [what, payload, code] of unreadable) {
      answers.length = 0;
      await accepted(ledger, { station: "cp-001", evse: 1, kind: "meter", payload, atMs: Date.now() });
      expect(answers, what).toMatchObject([{ code, station: "cp-001" }]);
      expect(answers[0]?.message.length, what).toBeGreaterThan(10);
    }
    const facts = (await logged(options)).filter((e) => e.type === "message.quarantined");
    expect(facts.map((e) => e.body)).toMatchObject(
      unreadable.map(([, payload, code]) => ({ code, size: payload.length })),
    );
  });

  it.each([
    ["a NaN", '{"ts":"2026-11-22T17:00:10Z","power_w":NaN}', /unexpected character/],
    ["a byte order mark", '\ufeff{"power_w":1}', /unexpected character.*byte order mark/],
    ["an end too early", '{"power_w":1', /(ends too early|position \d+)/],
    ["nothing", "", /ends too early or is empty/],
  ])("says of %s why it is not JSON, without quoting it", async (_, text, why) => {
    const { ledger } = await started();
    const answers: { message: string }[] = [];
    ledger.on("rejected", (r) => answers.push(r));
    await accepted(ledger, {
      station: "cp-001",
      evse: 1,
      kind: "meter",
      payload: Buffer.from(text),
      atMs: Date.now(),
    });
    expect(answers[0]?.message).toMatch(why);
    expect(answers[0]?.message).not.toContain("power_w");
  });

  it("refuses an EVSE that the station does not have, and says which it has", async () => {
    const { ledger } = await started();
    const answers: { message: string }[] = [];
    ledger.on("rejected", (r) => answers.push(r));
    await accepted(ledger, message("cp-001", "meter", { ts: "2026-11-22T17:00:10Z" }, 9));
    expect(answers[0]?.message).toBe("cp-001 has EVSE 0, 1, not 9");
  });

  it("stops keeping a broken station's messages when its quota is full, and goes on answering", async () => {
    const { options, ledger } = await started();
    let answers = 0;
    ledger.on("rejected", () => {
      answers += 1;
    });
    const bad = () => ({
      station: "cp-001",
      evse: 1,
      kind: "meter" as const,
      payload: Buffer.from("x"),
      atMs: Date.now(),
    });
    await Promise.all(Array.from({ length: 300 }, () => accepted(ledger, bad())));
    expect(answers).toBe(300);
    expect((await logged(options)).filter((e) => e.type === "message.quarantined")).toHaveLength(200);
  });

  it("decides who may charge, logs it under a pseudonym, and answers a repetition too", async () => {
    const { options, ledger } = await started();
    const answers: unknown[] = [];
    ledger.on("authorization", (a) => answers.push(a));
    const ask = message("cp-001", "authorize", {
      ts: "2026-11-22T17:00:00Z",
      boot: "b",
      seq: 1,
      ref: "r1",
      token: { uid: "04AABBCC" },
    });
    await accepted(ledger, ask);
    await accepted(ledger, ask);
    const answer = { station: "cp-001", evse: 1, ref: "r1", status: "accepted", reason: "policy_free" };
    expect(answers).toEqual([answer, answer]);
    const facts = (await logged(options)).filter((e) => e.type === "token.decided");
    expect(facts).toHaveLength(1);
    expect(facts[0]?.body).toMatchObject({
      status: "accepted",
      token_ref: expect.stringMatching(/^[\w-]{22}$/),
    });
  });

  it("leaves no raw token in any file but the sealed store, in any spelling", async () => {
    const { options, ledger } = await started();
    const uid = "04C0FFEE1234A5";
    await accepted(
      ledger,
      message("cp-001", "tx", {
        ts: "2026-11-22T17:00:00Z",
        boot: "b",
        seq: 1,
        event: "started",
        tx_ref: "t",
        token: { uid },
        signed: { format: "OCMF", data: `OCMF|{"ID":"${uid}"}|x` },
      }),
    );
    await accepted(
      ledger,
      message("cp-001", "meter", { ts: "2026-11-22T17:00:00Z", boot: "b", seq: 2, token: uid, note: uid }),
    );
    await accepted(ledger, {
      station: "cp-001",
      evse: 1,
      kind: "meter",
      payload: Buffer.from(`{"token":"${uid}`),
      atMs: Date.now(),
    });
    await ledger.stop();
    const hex = Buffer.from(uid, "hex");
    const spellings = [
      uid,
      uid.toLowerCase(),
      Buffer.from(uid).toString("base64"),
      [...uid].reverse().join(""),
    ];
    for (const name of readdirSync(options.dir)) {
      const bytes = readFileSync(join(options.dir, name));
      for (const s of spellings) expect([name, s, bytes.includes(s)]).toEqual([name, s, false]);
      expect([name, bytes.includes(hex)]).toEqual([name, false]);
    }
  });

  it("appends for others with attachments, and moves cursors", async () => {
    const { ledger } = await started();
    const event = { type: "log.damaged" as const, atMs: 1, station: null, key: "k", body: { detail: "x" } };
    const [first] = await ledger.append([event], [{ event: 0, bytes: Buffer.from("der") }]);
    expect(first).toMatchObject({ duplicate: false });
    expect(await ledger.append([event])).toEqual([{ offset: first?.offset, duplicate: true }]);
    await ledger.commitCursor("influx", 3);
  });
});

/** Appears at once and whole: the thread must not read half an order. */
function order(file: string, content: object): void {
  writeFileSync(`${file}.next`, JSON.stringify(content));
  renameSync(`${file}.next`, file);
}

describe("ledger thread dies", () => {
  const ways = ["throw", "exit", "hang", "memory"] as const;
  const places = ["before-commit", "after-commit"] as const;
  it.each(places.flatMap((at) => ways.map((how) => [how, at] as const)))(
    "%s %s: every message once, in order, with batches in flight",
    async (how, at) => {
      const dir = scratchDir();
      const faultFile = join(dir, "fault.json");
      // A short patience only where something hangs: a slow machine must not look like one.
      const patience = how === "hang" ? { hangMs: 2_000 } : {};
      const options = ledgerOptions(dir, { faultFile, maxHeapMb: 96, ...patience });
      const ledger = new Ledger(options);
      await ledger.start();
      onTestFinished(() => ledger.stop());
      let restarts = 0;
      ledger.on("restarted", () => {
        restarts += 1;
      });
      const acks: Promise<void>[] = [];
      for (let seq = 0; seq < 3000; seq += 1) {
        if (seq === 900) order(faultFile, { at, how });
        // Numbered and unnumbered in turn: a committed batch must not be taken twice either way.
        acks.push(
          accepted(
            ledger,
            seq % 2
              ? meter("cp-001", seq)
              : meter("cp-002", seq, undefined, { boot: undefined, seq: undefined }),
          ),
        );
        if (seq % 100 === 0) await new Promise((r) => setTimeout(r, 1));
      }
      await Promise.all(acks);
      expect(restarts).toBeGreaterThan(0);
      if (how !== "hang") expect(restarts).toBe(1);
      const energy = (await sampled(options)).map(
        (e) => (e.body as { energy_import_wh: number }).energy_import_wh - 18_000_000,
      );
      expect(energy).toEqual(Array.from({ length: 3000 }, (_, i) => i));
    },
    60_000,
  );
});
