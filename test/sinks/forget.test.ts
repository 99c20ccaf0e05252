import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NewEvent } from "../../src/model/event.ts";
import { createForgetSink, type ForgetSink } from "../../src/sinks/forget.ts";
import { fastClock, newFolder, type Outbox, openOutbox, removeFolder, until } from "./outbox.ts";

const DAY_MS = 86_400_000;
let box: Outbox;
let sink: ForgetSink | undefined;
beforeEach(async () => {
  box = await openOutbox(await newFolder());
});
afterEach(async () => {
  await sink?.stop();
  await box.close();
  await removeFolder(box.dir);
});

const marked = (seq: number) => `the sealed bytes of number ${seq}, which are to go`;

/** Seals one and gives it its outcome, `agoDays` before now. */
async function settle(seq: number, type: "summary.acknowledged" | "summary.rejected", agoDays: number) {
  const atMs = Date.now() - agoDays * DAY_MS;
  const name = { epoch: 1, seq, sha256: String(seq).repeat(64).slice(0, 64) };
  const body = { ...name, size: 8, cdr_ids: [], recipients: [], through_offset: 0 };
  const sealed: NewEvent = {
    type: "summary.sealed",
    atMs,
    station: null,
    key: `summary.sealed:1:${seq}`,
    body,
  };
  await box.context.writer.append([sealed], [{ event: 0, bytes: Buffer.from(marked(seq)) }]);
  const base = { atMs, station: null, key: `${type}:1:${seq}` };
  await box.context.writer.append([
    type === "summary.acknowledged"
      ? { ...base, type, body: name }
      : { ...base, type, body: { ...name, reason: "no" } },
  ]);
}

async function kept(): Promise<number[]> {
  const sealed = await box.facts("summary.sealed");
  const bytes = await Promise.all(sealed.map(({ offset }) => box.store.attachment(offset)));
  return sealed.filter((_, i) => bytes[i] !== undefined).map(({ body }) => body.seq);
}

function started(keepDays = 90): void {
  sink = createForgetSink(box.context, { keepDays });
  sink.start();
}

describe("forget", () => {
  test("sealed bytes go so many days after the receipt, with a fact; the hash stays and the log still verifies", async () => {
    await settle(1, "summary.acknowledged", 100);
    await settle(2, "summary.rejected", 95);
    await settle(3, "summary.acknowledged", 91);
    await settle(4, "summary.acknowledged", 89);
    started();
    await until("two are forgotten", async () => (await box.facts("summary.forgotten")).length === 2);
    expect(await kept()).toEqual([2, 4]);
    const [fact] = await box.facts("summary.forgotten");
    const [sealed] = await box.facts("summary.sealed");
    const { epoch, seq, sha256 } = sealed?.body ?? {};
    expect(fact?.body).toEqual({ epoch, seq, sha256, offset: sealed?.offset });
    expect(fact?.key).toBe("summary.forgotten:1:1");
  });

  test("nothing goes before its day, and then it does", async () => {
    await settle(1, "summary.acknowledged", 0);
    const clock = fastClock();
    let laterMs = 0;
    box.context.clock = { ...clock, nowMs: () => clock.nowMs() + laterMs };
    started();
    await sink?.stop();
    expect(await kept()).toEqual([1]);
    laterMs = 91 * DAY_MS;
    started();
    await until("it is forgotten", async () => (await kept()).length === 0);
  });

  test("a restart repeats nothing and misses nothing", async () => {
    await settle(1, "summary.acknowledged", 100);
    started();
    await until("the first", async () => (await kept()).length === 0);
    await sink?.stop();
    await settle(2, "summary.acknowledged", 99);
    started();
    await until("the second", async () => (await kept()).length === 0);
    expect((await box.facts("summary.forgotten")).map(({ body }) => body.seq)).toEqual([1, 2]);
  });

  test("the bytes are overwritten: no page of the file has them", async () => {
    await settle(1, "summary.acknowledged", 100);
    await settle(2, "summary.acknowledged", 1);
    started();
    await until("it is forgotten", async () => (await kept()).length === 1);
    const db = new DatabaseSync(join(box.dir, "log.db"));
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const file = readFileSync(join(box.dir, "log.db"));
    expect([file.includes(marked(1)), file.includes(marked(2))]).toEqual([false, true]);
  });
});
