import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { MESSAGES } from "../../docs/generate-topics.ts";
import { retentionClocks } from "../../src/config.ts";
import { privacyRows } from "../../src/gateway/privacy-map.ts";
import { SubjectStore } from "../../src/identity/subject-store.ts";
import { KEY_BYTES, Vault } from "../../src/identity/vault.ts";
import { openSqliteStoreNow } from "../../src/log/sqlite-store.ts";
import { EVENTS } from "../../src/model/data-map.ts";
import { LOG_TABLES, MEASUREMENTS, SUBJECT_TABLES, TOPICS } from "../../src/model/data-map-stores.ts";
import type { EventType } from "../../src/model/event.ts";
import { CLOCK_OF } from "../../src/model/retention.ts";
import { siteTopics } from "../../src/model/topics.ts";
import { DEFAULT_FIGURES } from "../../src/rules/data-kept.ts";
import { scratchDir } from "../log/sample-events.ts";

function tablesIn(file: string): string[] {
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
  db.close();
  return rows.map(({ name }) => name).filter((name) => !name.startsWith("sqlite_"));
}

it("names every table of the log and of the subject store", async () => {
  const dir = scratchDir();
  await openSqliteStoreNow(join(dir, "log.db")).close();
  new SubjectStore(join(dir, "subjects.db"), new Vault(Buffer.alloc(KEY_BYTES, 1))).close();
  expect(tablesIn(join(dir, "log.db")).sort()).toEqual(Object.keys(LOG_TABLES).sort());
  expect(Object.keys(SUBJECT_TABLES)).toEqual(expect.arrayContaining(tablesIn(join(dir, "subjects.db"))));
});

it("names every measurement that goes to InfluxDB, and no other", () => {
  const folder = fileURLToPath(new URL("../../src/sinks", import.meta.url));
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  const named = sources.flatMap((text) => [
    ...[...text.matchAll(/seriesOf\(\s*"(\w+)"/g)].map(([, name]) => name),
    ...[...text.matchAll(/evseSeries\(\s*"(\w+)"/g)].map(([, name]) => name),
  ]);
  expect([...new Set(named)].sort()).toEqual(Object.keys(MEASUREMENTS).sort());
});

it("names every topic of the contract", () => {
  const { root, ...topics } = siteTopics("s");
  const built = Object.values(topics).map((topic) => {
    if (typeof topic === "string") return [topic.slice(root.length + 1)];
    const spelt = topic as (...parts: string[]) => string;
    if (topic === topics.in)
      return ["meter", "status", "tx", "authorize", "limit"].map((kind) => `in/{station}/{evse}/${kind}`);
    const [, direction = ""] = spelt("a", "b").slice(root.length).split("/");
    const names =
      direction === "req"
        ? ["{client}", "{verb}"]
        : direction === "res"
          ? ["{client}", "{id}"]
          : ["{station}", "{evse}"];
    return [spelt(...(direction === "event" ? ["{what}"] : names)).slice(root.length + 1)];
  });
  expect(built.flat().sort()).toEqual(Object.keys(TOPICS).sort());
  for (const { topic } of MESSAGES.filter(({ topic: of }) => /^(in|out)\//.test(of)))
    expect(Object.keys(TOPICS)).toContain(topic);
});

it("says of each event what retention does with it", () => {
  for (const type of Object.keys(EVENTS) as EventType[])
    expect([type, EVENTS[type].kept]).toEqual([type, CLOCK_OF[type] ?? "log"]);
});

it("no measurement is personal, nor any topic but those that end at the door", () => {
  expect(Object.values(MEASUREMENTS).filter(({ personal }) => personal !== "none")).toEqual([]);
  const personal = Object.entries(TOPICS).filter(([, { personal: of }]) => of !== "none");
  expect(personal.map(([name]) => name)).toEqual([
    "in/{station}/{evse}/tx",
    "in/{station}/{evse}/authorize",
    "summary",
  ]);
});

it("tells every row in both languages with the clocks of the site", () => {
  const config = {
    site: { country: "DE", timezone: "Europe/Berlin" },
    retention: { eventDays: 60, seriesMonths: 13, auditMonths: 36, fiscalYearEnd: "12-31" },
  };
  const figures = { ...DEFAULT_FIGURES, ...retentionClocks(config as never) };
  const [en, sv] = [privacyRows(figures, "en"), privacyRows(figures, "sv")];
  expect(sv.map(({ name }) => name)).toEqual(en.map(({ name }) => name));
  expect(en.find(({ name }) => name === "cdr.issued")?.kept).toContain("year 8 after");
  expect(sv.find(({ name }) => name === "transaction.ended")?.kept).toBe("60 dagar");
  expect(en.filter(({ what, why, kept, readers }) => !(what && why && kept && readers.length > 0))).toEqual(
    [],
  );
});
