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

it("prints what is left on every line without the gateway, the tightest marked, in colour on a terminal only", async () => {
  const { stdout } = await run();
  expect(stdout).toMatch(/^circuit +line +limit A +reserve A +other load A +fallbacks A +margin A$/m);
  expect(stdout).toMatch(/^site +L1-L3 +400 +0 +0 +180 +220$/m);
  expect(stdout).toMatch(/^row-01 +L1-L3 +315 +0 +0 +120 +195 +< tightest$/m);
  expect(stdout).not.toContain("\u001b");
  let shown = "";
  const terminal = { isTTY: true, write: (text: string) => (shown += text) };
  await check({ config, env: {} }, { stdout: terminal, stderr: { write: () => "" } });
  const painted = shown.split("\n").filter((line) => line.includes("\u001b"));
  expect(painted).toEqual([expect.stringContaining("row-01")]);
  expect(painted[0]?.startsWith("\u001b[33m") && painted[0].endsWith("\u001b[0m")).toBe(true);
});

it("tells lines apart that differ, limits in kW and unbalance, and how other load is known", async () => {
  const skewed = join(dir, "skewed.yaml");
  const text = readFileSync(config, "utf8")
    .replace(
      "{id: site, limit_a: 400, worst_other_a: 0}",
      "{id: site, limit_a: [400, 390, 400], reserve_a: 5, worst_other_a: [0, 0, 40], limit_kw: 150, unbalance_a: 20}",
    )
    .replace("{id: cp-001, circuit: row-01}", "{id: cp-001, circuit: row-01, phases: 1, fallback_a: 21}");
  writeFileSync(skewed, text);
  const { stdout, code } = await run({ config: skewed });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^site +L1 +400 +5 +0 +195 +200$/m);
  expect(stdout).toMatch(/^site +L3 +400 +5 +40 +174 +181$/m);
  expect(stdout).toMatch(/^row-01 +L1 +315 +0 +unknown +135 +180 +< tightest$/m);
  expect(stdout).toMatch(/^row-02 +L1-L3 +315 +0 +unknown +60 +255$/m);
  expect(stdout).toMatch(/^site +150 +9\.2 +124\.89 +15\.91$/m);
  expect(stdout).toMatch(/^site +20 +21 +L1 over L2$/m);
  expect(stdout).toMatch(
    /LP852 \(warning\) circuits\[site\] at fallback_a single-phase stations may load L1 21 A more/,
  );
  const { summary } = JSON.parse((await run({ config: skewed, json: true })).stdout);
  expect(summary.margins.lines[2]).toEqual({
    circuit: "site",
    line: "L3",
    limit_a: 400,
    reserve_a: 5,
    other_load_a: 40,
    other_load: "stated",
    fallback_a: 174,
    margin_a: 181,
    tightest: false,
  });
});

it("refuses fallbacks that exceed a limit in kW", async () => {
  const low = join(dir, "low.yaml");
  writeFileSync(
    low,
    readFileSync(config, "utf8").replace(
      "limit_a: 400, worst_other_a: 0}",
      "limit_a: 400, worst_other_a: 0, limit_kw: 100}",
    ),
  );
  const { stdout, code } = await run({ config: low });
  expect(code).toBe(78);
  expect(stdout).toMatch(
    /LP853 circuits\[site\]\.limit_kw at fallback_a its 30 EVSEs may draw 124\.2 kW; 100 kW is the limit\. Most: cp-001 4\.14 kW, cp-002 4\.14 kW, cp-003 4\.14 kW and 27 more\. Set fallback_a: .*, here and in the stations; or have limit_kw 124\.2\./,
  );
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
