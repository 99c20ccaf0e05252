import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { documents } from "../docs/generate.ts";
import { MESSAGES } from "../docs/generate-topics.ts";
import { init } from "../src/cli/init.ts";
import { checkConfig } from "../src/config.ts";
import { ERRORS } from "../src/errors.ts";
import { issueCertificate } from "../src/identity/certificates.ts";
import { DepartMessage } from "../src/model/departure.ts";
import { GridOrderMessage } from "../src/model/grid-request.ts";
import { Authorization, IN_MESSAGES, Limit, Rejected } from "../src/model/messages.ts";
import { PricesMessage } from "../src/model/prices.ts";
import { Receipt } from "../src/model/summary.ts";
import { parseInTopic } from "../src/model/topics.ts";
import { REJECTIONS } from "../src/stations/rejections.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const docs = (name: string) => readFileSync(join(root, "docs", name), "utf8");

it.each([...documents().keys()])(
  "docs/%s is what the code says (else run: node docs/generate.ts)",
  (name) => {
    expect(docs(name)).toBe(documents().get(name));
  },
);

it("numbers each decision once, in its name as in its heading", () => {
  const names = readdirSync(join(root, "docs/decisions")).sort();
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, i) => i + 1));
  for (const [i, name] of names.entries())
    expect(docs(`decisions/${name}`).split("\n")[0], name).toMatch(new RegExp(`^# ${i + 1}\\. `));
});

it("has no schema that the code no longer writes", () => {
  const written = [...documents().keys()].filter((name) => name.startsWith("schemas/")).sort();
  expect(
    readdirSync(join(root, "docs/schemas"))
      .map((name) => `schemas/${name}`)
      .sort(),
  ).toEqual(written);
});

it("documents every message that the code has", () => {
  expect(new Set(MESSAGES.map((m) => m.schema))).toEqual(
    new Set([
      ...Object.values(IN_MESSAGES),
      Limit,
      Authorization,
      Rejected,
      Receipt,
      PricesMessage,
      GridOrderMessage,
      DepartMessage,
    ]),
  );
});

it("validates every JSON example of docs/topics.md against the schema of its topic", () => {
  const byTopic = new Map(MESSAGES.map((m) => [m.topic, m]));
  let examples = 0;
  for (const section of docs("topics.md").split(/^## /m).slice(1)) {
    const topic = section.slice(0, section.indexOf("\n"));
    const message = byTopic.get(topic);
    for (const [, json = ""] of section.matchAll(/```json\n(.*?)\n```/gs)) {
      examples += 1;
      expect(message?.schema.safeParse(JSON.parse(json)).error, `${topic} ${json}`).toBeUndefined();
    }
    if (!topic.startsWith("in/")) continue;
    const real = `laddport/v1/ringon/${topic}`.replace("{station}", "cp-07").replace("{evse}", "1");
    expect(parseInTopic("ringon", real), topic).toBeDefined();
  }
  expect(examples).toBeGreaterThanOrEqual(MESSAGES.length);
});

it("validates the example of docs/config.md, every optional part switched on", async () => {
  const dir = await mkdtemp(join(tmpdir(), "laddport-docs-"));
  try {
    const silent = { write: () => true };
    await init({ dir }, { stdout: silent, stderr: silent });
    writeFileSync(join(dir, "cloud.pem"), issueCertificate({ name: "cloud", purpose: "recipient" }).certPem);
    const receipts = issueCertificate({ name: "cloud receipts", purpose: "signer" });
    writeFileSync(join(dir, "cloud-receipts.pem"), receipts.certPem);
    // As init says.
    await rm(join(dir, "escrow.key"));
    const yaml = /```yaml\n(.*?)```/s.exec(docs("config.md"))?.[1] ?? "";
    expect(yaml).toContain("\nupstream:");
    expect(checkConfig(yaml, join(dir, "laddport.yaml"), {}).faults).toEqual([]);
  } finally {
    await rm(dir, { recursive: true });
  }
});

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|js)$/.test(name) && name !== "errors.ts")
  .map((name) => readFileSync(join(root, "src", name), "utf8"))
  .join("\n");

it("explains every code that the sources name", () => {
  const named = new Set([...sources.matchAll(/\bLP\d{3}\b/g)].map(([code]) => code));
  const unknown = [...named].filter((code) => !(code in ERRORS));
  expect(unknown).toEqual([]);
  expect(named.size).toBeGreaterThan(20);
});

it("has no code that nothing raises", () => {
  // Lower layers do not know the catalogue: they raise by name, and alerts by name in lower case.
  const raised = ([code, { name }]: [string, { name: string }]) =>
    sources.includes(code) || [name, name.toLowerCase()].some((word) => sources.includes(`"${word}"`));
  const unused = Object.entries(ERRORS).filter((entry) => !raised(entry));
  expect(unused.map(([code, { name }]) => `${code} ${name}`)).toEqual([]);
});

it("explains every reason to refuse a message or a connection, and every fault of InfluxDB", () => {
  const names = new Set<string>(Object.values(ERRORS).map((e) => e.name));
  const refusals = [...sources.matchAll(/new Refusal\(\s*"([A-Z_0-9]+)"/g)].map(([, name]) => name);
  const influx = [...sources.matchAll(/"(INFLUX_[A-Z_]+)"/g)].map(([, name]) => name);
  const rejections = REJECTIONS.map((kind) => kind.toUpperCase());
  expect(refusals.length).toBeGreaterThan(3);
  expect([...refusals, ...influx, ...rejections].filter((name) => !names.has(String(name)))).toEqual([]);
});

it("gives every code one name, a meaning and an action", () => {
  const entries = Object.values(ERRORS);
  expect(new Set(entries.map((e) => e.name)).size).toBe(entries.length);
  for (const { name, meaning, action } of entries) {
    expect(name).toMatch(/^[A-Z][A-Z0-9_]+$/);
    expect(meaning).toMatch(/\.$/);
    expect(action.length).toBeGreaterThan(5);
  }
});

it("publishes schemas of receipts that the ones that are sent follow", () => {
  const [receipt, signed] = ["receipt", "signed-receipt"].map((name) =>
    JSON.parse(docs(`schemas/${name}.json`)),
  );
  expect(receipt.required).toEqual(["sha256", "status"]);
  expect(signed.required).toEqual(["payload", "protected", "signature"]);
  const page = docs("receiving.md");
  for (const [, file = ""] of page.matchAll(/\]\(([\w./-]+?)(?:#[\w-]+)?\)/g))
    expect(docs(file), file).not.toBe("");
});
