import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CheckOptions, check } from "../../src/cli/check.ts";
import { initDemo } from "../../src/cli/init.ts";

let dir: string;
let config: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "laddport-check-"));
  const depot = { ports: { mqtt: 1883, api: 8080, flows: 1880 }, stations: 30, siteLimitA: 400 };
  config = (await initDemo(dir, depot)).config;
});
afterAll(() => rmSync(dir, { recursive: true }));

async function run(options: Partial<CheckOptions> = {}) {
  let [stdout, stderr] = ["", ""];
  const code = await check(
    { config, env: {}, ...options },
    { stdout: { write: (text) => (stdout += text) }, stderr: { write: (text) => (stderr += text) } },
  );
  return { code, stdout, stderr };
}

it("sums up a good config: circuits with limits and fallbacks, listeners, certificates, disk", async () => {
  const { code, stdout, stderr } = await run();
  expect([code, stderr]).toEqual([0, `${config}: good\n`]);
  expect(stdout).toContain("Site demo: 30 stations with 30 EVSEs, 0 meters");
  expect(stdout).toMatch(/^site +grid +30 +400 +180 +180 +960$/m);
  expect(stdout).toMatch(/^row-02 +hall-1 +10 +315 +60 +60 +320$/m);
  expect(stdout).toMatch(/^mqtt +127\.0\.0\.1:1883$/m);
  expect(stdout).toMatch(/^signer\.cert_file +\d{4}-\d\d-\d\d +36\d\d$/m);
  expect(stdout).toMatch(/Room for \d+ days of samples, \d+ are kept \(retention\.raw_days 14\)/);
});

it("says the same as JSON, with days of autonomy from free space and rows a second", async () => {
  const { stdout } = await run({ json: true });
  const { ok, faults, summary } = JSON.parse(stdout);
  expect([ok, faults]).toEqual([true, []]);
  expect(summary.circuits[0]).toMatchObject({
    id: "site",
    limit_a: [400, 400, 400],
    fallback_a: [180, 180, 180],
  });
  const { free_mb, rows_per_s, autonomy_days } = summary.disk;
  expect(rows_per_s).toBe(3);
  expect(Math.abs(autonomy_days - (free_mb * 1e6 * 0.8) / (3 * 342 * 86_400))).toBeLessThan(2);
});

it("prints every fault with its place and exits 78", async () => {
  const bad = join(dir, "bad.yaml");
  const text = readFileSync(config, "utf8")
    .replace("Europe/Stockholm", "Nowhere")
    .replace("secrets/kek", "secrets/nix");
  writeFileSync(bad, text);
  const { code, stdout, stderr } = await run({ config: bad });
  const line = (needle: string) => text.split("\n").findIndex((l) => l.includes(needle)) + 1;
  expect(code).toBe(78);
  expect(stdout.trimEnd().split("\n")).toEqual([
    `${bad}:${line("Nowhere")}:13 LP101 site.timezone "Nowhere" is not a known time zone. For SE use "Europe/Stockholm".`,
    expect.stringMatching(
      `^${bad}:${line("secrets/nix")}:13 LP301 identity.kek_file "secrets/nix" does not exist`,
    ),
  ]);
  expect(stderr).toBe(`${bad}: 2 faults: the gateway will not start\n`);
  const asJson = JSON.parse((await run({ config: bad, json: true })).stdout);
  expect(asJson.ok).toBe(false);
  expect(asJson.faults.map((f: { code: string }) => f.code)).toEqual(["LP101", "LP301"]);
});

it("warns of a tariff that would give energy away, and starts all the same", async () => {
  const odd = join(dir, "odd.yaml");
  const text = readFileSync(config, "utf8");
  writeFileSync(
    odd,
    text.replace(
      /^( +)- price_components:$/m,
      "$1- restrictions: {start_time: 06:00, end_time: 22:00}\n$1  price_components:",
    ),
  );
  const { code, stdout, stderr } = await run({ config: odd });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /LP109 \(warning\) tariffs\[depot\]\.elements leave a gap: ENERGY costs nothing from 00:00, and more\. End the list/,
  );
  expect(stderr).toMatch(/good, 1 warning/);
});

it("exits 78 for a file that is not there, in both forms", async () => {
  const none = join(dir, "none.yaml");
  expect(await run({ config: none })).toMatchObject({ code: 78, stdout: "" });
  const { code, stdout } = await run({ config: none, json: true });
  expect([code, JSON.parse(stdout).faults[0].code]).toEqual([78, "LP300"]);
});

it("explains every value with its origin", async () => {
  const { stdout } = await run({ explain: true, env: { LADDPORT__STATIONS__CP_007__MAX_A: "16" } });
  expect(stdout).toMatch(/^stations\[cp-007\]\.max_a +16 +LADDPORT__STATIONS__CP_007__MAX_A$/m);
  expect(stdout).toMatch(new RegExp(`^stations\\[cp-008\\]\\.max_a +32 +${config}:\\d+:10$`, "m"));
  expect(stdout).toMatch(/^retention\.raw_days +14 +\S+:\d+:13$/m);
  expect(stdout).toMatch(/^control\.lease_s +60 +default$/m);
});

it("--explain adds the origins and keeps the summary with the days of autonomy", async () => {
  const { stdout } = await run({ explain: true });
  expect(stdout).toMatch(/^key +value +from$/m);
  expect(stdout).toMatch(/^circuit +fed by/m);
  expect(stdout).toMatch(/Room for \d+ days of samples/);
});
