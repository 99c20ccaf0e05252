/** What every `LogStore` driver has to keep. `open` opens the same log again and again. */
import { describe, expect, it } from "vitest";
import type { LogStore } from "../../src/log/log-store.ts";
import { fact, sample } from "./sample-events.ts";

export interface Driver {
  name: string;
  /** A fresh log; each call of the returned function opens it again. */
  fresh(): () => Promise<LogStore>;
}

export function conformance(driver: Driver): void {
  describe(`LogStore conformance: ${driver.name}`, () => {
    it("numbers from 1 without holes over facts and samples, in the order of the group", async () => {
      const store = await driver.fresh()();
      const placed = await store.commit({ events: [sample(1), fact("a"), sample(2)] });
      expect(placed.map((p) => p.offset)).toEqual([1, 2, 3]);
      const { events, through } = await store.read(0);
      expect(events.map((e) => [e.offset, e.type])).toEqual([
        [1, "meter.sampled"],
        [2, "log.damaged"],
        [3, "meter.sampled"],
      ]);
      expect(through).toBe(3);
      await store.close();
    });

    it("keeps a fact's key once, across groups and inside one, and answers with its first place", async () => {
      const store = await driver.fresh()();
      await store.commit({ events: [fact("k", "first")] });
      const placed = await store.commit({ events: [fact("k", "again"), fact("n"), fact("n")] });
      expect(placed).toEqual([
        { offset: 1, duplicate: true },
        { offset: 2, duplicate: false },
        { offset: 2, duplicate: true },
      ]);
      expect((await store.factByKey("k"))?.body).toEqual({ detail: "first" });
      await store.close();
    });

    it("reads by type and says how far it looked", async () => {
      const store = await driver.fresh()();
      await store.commit({ events: [sample(1), sample(2), fact("a"), sample(3)] });
      const facts = await store.read(0, { types: ["log.damaged"] });
      expect(facts.events.map((e) => e.offset)).toEqual([3]);
      expect(facts.through).toBe(4);
      const page = await store.read(0, { limit: 2 });
      expect(page.events.map((e) => e.offset)).toEqual([1, 2]);
      expect(page.through).toBe(2);
      expect((await store.read(4)).events).toEqual([]);
      await store.close();
    });

    it("pages through any mix without losing or repeating an event", async () => {
      const store = await driver.fresh()();
      const events = Array.from({ length: 500 }, (_, i) => (i % 7 === 0 ? fact(`f${i}`) : sample(i)));
      await store.commit({ events });
      for (const limit of [1, 3, 64, 499, 500, 1000]) {
        const seen: number[] = [];
        for (let after = 0; ; ) {
          const page = await store.read(after, { limit });
          if (page.events.length === 0) break;
          seen.push(...page.events.map((e) => e.offset));
          after = page.through;
        }
        expect(seen).toEqual(events.map((_, i) => i + 1));
      }
      await store.close();
    });

    it("is there after closing and opening again, cursors and snapshots and attachments too", async () => {
      const open = driver.fresh();
      let store = await open();
      await store.commit({
        events: [fact("sealed")],
        attachments: [{ event: 0, bytes: Buffer.from("bytes") }],
        cursors: new Map([["influx", 7]]),
        snapshots: [{ fold: "f", version: 1, offset: 1, parts: new Map([["p", { n: 1 }]]) }],
      });
      const head = await store.head();
      await store.close();
      store = await open();
      expect(await store.head()).toEqual(head);
      expect(await store.cursor("influx")).toBe(7);
      expect(await store.cursor("nobody")).toBe(0);
      expect(Buffer.from((await store.attachment(1)) ?? []).toString()).toBe("bytes");
      expect(await store.snapshot("f")).toEqual({
        fold: "f",
        version: 1,
        offset: 1,
        parts: new Map([["p", { n: 1 }]]),
      });
      expect((await store.commit({ events: [sample(1)] }))[0]?.offset).toBe(2);
      await store.close();
    });

    it("a cursor never goes back", async () => {
      const store = await driver.fresh()();
      await store.commit({ events: [], cursors: new Map([["c", 9]]) });
      await store.commit({ events: [], cursors: new Map([["c", 4]]) });
      expect(await store.cursor("c")).toBe(9);
      await store.close();
    });

    it("a snapshot replaces changed parts, drops null ones, keeps the others, and a new version starts empty", async () => {
      const store = await driver.fresh()();
      const snap = (version: number, offset: number, parts: [string, unknown][]) =>
        store.commit({ events: [], snapshots: [{ fold: "f", version, offset, parts: new Map(parts) }] });
      await snap(1, 1, [
        ["a", 1],
        ["b", 2],
      ]);
      await snap(1, 2, [
        ["a", null],
        ["c", 3],
      ]);
      expect((await store.snapshot("f"))?.parts).toEqual(
        new Map([
          ["b", 2],
          ["c", 3],
        ]),
      );
      await snap(2, 3, [["z", 9]]);
      expect(await store.snapshot("f")).toEqual({
        fold: "f",
        version: 2,
        offset: 3,
        parts: new Map([["z", 9]]),
      });
      await store.close();
    });

    it("a group that fails leaves nothing behind: numbering and chains go on as before", async () => {
      const store = await driver.fresh()();
      await store.commit({ events: [sample(1)] });
      const before = await store.head();
      const cyclic: Record<string, unknown> = {};
      cyclic.self = cyclic;
      const bad = { ...sample(3), body: cyclic } as never;
      await expect(store.commit({ events: [sample(2), bad] })).rejects.toThrow();
      expect(await store.head()).toEqual(before);
      expect((await store.commit({ events: [sample(2)] }))[0]?.offset).toBe(2);
      await store.close();
    });

    it("prunes samples by prefix, keeps facts and says so in one", async () => {
      const store = await driver.fresh()();
      await store.commit({ events: [sample(1), fact("a"), sample(2), sample(3)] });
      expect(await store.prune(3, 1_790_000_000_000)).toBe(2);
      const { events } = await store.read(0);
      expect(events.map((e) => [e.offset, e.type])).toEqual([
        [2, "log.damaged"],
        [4, "meter.sampled"],
        [5, "samples.pruned"],
      ]);
      expect(events.at(-1)?.body).toMatchObject({ through: 3 });
      await store.close();
    });
  });
}
