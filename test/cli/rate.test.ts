import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { rateFiles } from "../../src/cli/rate.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "laddport-rate-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const TARIFF = `{"id": "14", "currency": "EUR", "elements": [
  {"price_components": [{"type": "FLAT", "price": 0.50, "vat": 20.0, "step_size": 1},
                        {"type": "ENERGY", "price": 0.25, "vat": 10.0, "step_size": 1}]}],
  "max_price": {"excl_vat": 5.00, "incl_vat": 5.50}}`;
const SESSION = `{"time_zone": "Europe/Amsterdam", "kind": "normal",
  "start_date_time": "2026-03-02T09:00:00Z", "end_date_time": "2026-03-02T10:00:00Z",
  "charging_periods": [{"start_date_time": "2026-03-02T09:00:00Z",
    "dimensions": [{"type": "ENERGY", "volume": 20.000}, {"type": "TIME", "volume": 1.000}]}]}`;

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

async function run(tariff: string, session: string, json = false) {
  let [stdout, stderr] = ["", ""];
  const options = { tariff: file("tariff.json", tariff), session: file("session.json", session), json };
  const code = await rateFiles(options, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

it("shows every line in columns, the total below, and what to look at twice on stderr", async () => {
  const { code, stdout, stderr } = await run(TARIFF, SESSION);
  const [head, columns, ...rows] = stdout.trimEnd().split("\n");
  expect(code).toBe(0);
  expect(head).toBe("Tariff 14 (OCPI 2.2.1), EUR: 20.000 kWh, 1.0000 h, of these 0.0000 h parked");
  expect(columns).toMatch(/^dimension +element +from +to +measured +billed +price +tax % +net +gross$/);
  expect(rows).toEqual([
    expect.stringMatching(/^FLAT +0\.0 .* 1 +1 +0\.50 +20\.0 +0\.5000 +0\.6000$/),
    expect.stringMatching(/^ENERGY +0\.1 .* 20\.000 kWh +20\.000 kWh +0\.25 +10\.0 +5\.0000 +5\.5000$/),
    expect.stringMatching(/^MAX_PRICE .* -0\.5000 +-0\.6000$/),
    expect.stringMatching(/^total +5\.0000 +5\.5000$/),
  ]);
  expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  expect(stderr).toMatch(/^TAX_UNEXPLAINED: /m);
});

it("says the same as JSON, and nothing else on stdout", async () => {
  const { stdout } = await run(TARIFF, SESSION, true);
  expect(Object.keys(JSON.parse(stdout))).toEqual([
    "currency",
    "total_excl_tax",
    "total_incl_tax",
    "total_energy",
    "total_time",
    "total_parking_time",
    "by_dimension",
    "lines",
    "warnings",
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ total_excl_tax: "5.0000", total_incl_tax: "5.5000" });
});

it("prints what the linter finds in the tariff", async () => {
  const gap = TARIFF.replace("}]}]", '}], "restrictions": {"end_time": "12:00"}}]');
  expect((await run(gap, SESSION)).stderr).toMatch(
    /tariff\.json: elements leave a gap: ENERGY costs nothing/,
  );
});

it("says which fields of a partner's tariff are not used", async () => {
  const extra = TARIFF.replace('"id": "14"', '"id": "14", "x_area": 3, "energy_mix": null');
  const { stdout } = await run(extra, SESSION, true);
  expect(JSON.parse(stdout)).toMatchObject({
    total_excl_tax: "5.0000",
    warnings: [
      { code: "UNKNOWN_FIELD", detail: "x_area is no field of OCPI: it is not used" },
      { code: "TAX_UNEXPLAINED" },
    ],
  });
  expect((await run(extra, SESSION)).stderr).toMatch(/^UNKNOWN_FIELD: x_area /m);
});

it("numbers are taken as written: 60.0 is whole, 1e400 is named, -0.0 is nothing", async () => {
  const whole = await run(TARIFF.replaceAll('"step_size": 1}', '"step_size": 1.0}'), SESSION, true);
  expect(JSON.parse(whole.stdout)).toMatchObject({ total_excl_tax: "5.0000" });
  expect(String(await run(TARIFF, SESSION.replace("20.000", "1e400")).catch((e) => e))).toMatch(
    /volume is "1e400"/,
  );
  const none = await run(TARIFF, SESSION.replace("20.000", "-0.0"), true);
  expect(JSON.parse(none.stdout)).toMatchObject({ total_energy: "0.000" });
});

it("nothing that a file holds reaches the terminal as a command", async () => {
  const clear = "\u001b[2J";
  const id = await run(TARIFF.replace('"id": "14"', '"id": "\\u001b[2J"'), SESSION).catch((e) => e);
  expect(String(id)).toMatch(/tariff\.json: id is "\\u001b\[2J"\. Write an id of printable characters\.$/);
  expect(String(await run(`${clear}{`, SESSION).catch((e) => e))).not.toContain("\u001b");
  expect(String(await run(TARIFF, SESSION.replace('"normal"', '"\u009b2J"')).catch((e) => e))).not.toContain(
    "\u009b",
  );
});

it("a file without anything, and one nested too deeply, are said to be so", async () => {
  expect(String(await run(" ", SESSION).catch((e) => e))).toMatch(/is not JSON: it is empty\. /);
  const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  expect(String(await run(TARIFF, deep).catch((e) => e))).toMatch(/is nested too deeply\. /);
});

it("names the file, the field, the value seen and the fix", async () => {
  const { message: negative } = await run(TARIFF, SESSION.replace("20.000", "-2.5")).catch((e) => e);
  expect(negative).toMatch(/session\.json: charging_periods\[0\]\.dimensions\[0\]\.volume is "-2\.5"\.$/);
  const wrong = await run(TARIFF.replace("0.25", '"cheap"'), SESSION).catch((e) => e);
  expect(String(wrong)).toMatch(
    /^LP807 .*tariff\.json: elements\[0\]\.price_components\[1\]\.price is "cheap"\. Write a decimal such as 2\.50\.$/,
  );
  expect(String(await run("{", SESSION).catch((e) => e))).toMatch(/^LP807 .*tariff\.json is not JSON: /);
  const io = { stdout: process.stdout, stderr: process.stderr };
  await expect(rateFiles({ tariff: join(dir, "none"), session: join(dir, "none") }, io)).rejects.toThrow(
    /none cannot be read \(ENOENT\)/,
  );
});
