import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type SimulateOptions, simulate } from "../../src/cli/simulate.ts";
import type { DepotTrace } from "../../src/model/depot-instance.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "laddport-simulate-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Six hours: a van for two of them, a car for all, a DC truck, on 20 A per line and 12 kW. */
const INSTANCE = {
  format: "depot-instance/1",
  name: "yard",
  slotSeconds: 300,
  slots: 72,
  phaseVoltage: 230,
  circuits: [
    {
      id: "site",
      parent: null,
      limitA: [20, 20, 20],
      limitKw: 12,
      steps: [{ from: 36, limitA: [16, 20, 20] }],
      loadA: [0, 1, 2].map(() => Array.from({ length: 72 }, (_, t) => t % 4)),
    },
  ],
  connectors: [
    { id: "k1", circuit: "site", kind: "ac", lines: [0, 1, 2], minA: 6, maxA: 32, stepA: 1 },
    { id: "k2", circuit: "site", kind: "ac", lines: [1, 2, 0], minA: 6, maxA: 32 },
    { id: "k3", circuit: "site", kind: "dc", minKw: 3, maxKw: 50 },
  ],
  sessions: [
    {
      id: "van",
      connector: "k1",
      arrive: 2,
      depart: 26,
      energyKwh: 8,
      carPhases: 3,
      estDepart: 30,
      estKwh: 12,
    },
    { id: "car", connector: "k2", arrive: 0, depart: 72, energyKwh: 9, carPhases: 1 },
    { id: "truck", connector: "k3", arrive: 20, depart: 70, energyKwh: 14, estDepart: 60, estKwh: 14 },
  ],
};

async function run(instance: unknown, options: Partial<SimulateOptions> = {}) {
  const file = join(dir, "instance.json");
  const trace = join(dir, "trace.json");
  writeFileSync(file, JSON.stringify(instance));
  let stdout = "";
  const code = await simulate(
    { instance: file, trace, ...options },
    { stdout: { write: (text) => (stdout += text) }, stderr: { write: () => undefined } },
  );
  return { code, stdout, trace: JSON.parse(readFileSync(trace, "utf8")) as DepotTrace };
}

/** A on each line, and kW, that a trace draws in slot `t`. */
function drawn(trace: DepotTrace, t: number) {
  const amps = [0, 0, 0];
  let kw = 0;
  for (const s of INSTANCE.sessions) {
    const rate = trace.rates[s.id]?.[t - s.arrive] ?? 0;
    const lines = s.id === "car" ? [1] : [0, 1, 2];
    for (const line of lines) amps[line] = (amps[line] ?? 0) + (s.id === "truck" ? rate / 0.69 : rate);
    kw += s.id === "truck" ? rate : rate * 0.23 * lines.length;
  }
  return { amps, kw };
}

for (const options of [{}, { minCurrent: true }, { estimates: true }, { policy: "fair" as const }])
  it(`keeps every limit in every slot with ${JSON.stringify(options)}`, async () => {
    const { code, trace } = await run(INSTANCE, options);
    expect(code).toBe(0);
    for (let t = 0; t < INSTANCE.slots; t++) {
      const { amps, kw } = drawn(trace, t);
      const limitA = [t >= 36 ? 16 : 20, 20, 20];
      amps.forEach((a, line) => {
        expect(a, `slot ${t} L${line + 1}`).toBeLessThanOrEqual((limitA[line] ?? 0) - (t % 4) + 1e-6);
      });
      expect(kw, `slot ${t}`).toBeLessThanOrEqual(12 + 1e-6);
    }
    for (const s of INSTANCE.sessions) {
      const rates = trace.rates[s.id] ?? [];
      expect(rates).toHaveLength(s.depart - s.arrive);
      const perUnit = s.id === "truck" ? 1 : s.id === "van" ? 0.69 : 0.23;
      expect(rates.reduce((a, b) => a + b, 0) * perUnit * (1 / 12)).toBeLessThanOrEqual(s.energyKwh + 1e-6);
    }
    for (const rate of trace.rates.van ?? []) expect(rate).toBe(Math.round(rate));
  });

it("the plan fills the van that leaves first, and says so in figures", async () => {
  const { stdout, trace } = await run(INSTANCE, { json: true });
  const figures = JSON.parse(stdout);
  expect(trace).toMatchObject({ format: "depot-trace/1", instance: "yard" });
  expect(figures).toMatchObject({ sessions: 3, filled: 3, plansMissed: 0, cost: null });
  expect(figures.plans).toBeGreaterThan(0);
});

it("closes with a table", async () => {
  const { stdout } = await run(INSTANCE, { policy: "fair" });
  expect(stdout).toMatch(/^yard\nenergy +\d+\.\d +kWh\n/);
  expect(stdout).toMatch(/sessions filled +\d +of 3/);
});

it("with a price waits for the cheap hours", async () => {
  const tariff = { energyPerKwh: Array.from({ length: 72 }, (_, t) => (t < 36 ? 0.4 : 0.1)), demandPerKw: 0 };
  const { trace } = await run({ ...INSTANCE, sessions: [INSTANCE.sessions[1]], tariff });
  const early = trace.rates.car?.slice(0, 36).reduce((a, b) => a + b, 0);
  expect(early).toBeCloseTo(0, 6);
});

it("refuses a connector that does not exist by its place", async () => {
  const sessions = [{ ...INSTANCE.sessions[0], connector: "k9" }];
  await expect(run({ ...INSTANCE, sessions })).rejects.toThrow(
    /sessions\[0\]\.connector: there is no connector "k9"/,
  );
});

it("refuses a value of the wrong kind by its place", async () => {
  await expect(run({ ...INSTANCE, slots: "many" })).rejects.toThrow('slots is "many": write a number');
});

it("names every fault of the file in plain words, and counts those beyond ten", async () => {
  const [van, ...others] = INSTANCE.sessions;
  const { name: _, ...unnamed } = INSTANCE;
  const bad = {
    ...unnamed,
    phaseVoltage: 0,
    connectors: [
      { ...INSTANCE.connectors[0], lines: [], kind: "ac" },
      { id: "k4", kind: "hydrogen" },
    ],
    sessions: [{ ...van, arrive: 1.5, energyKwh: -1, carPhases: 4, connector: 7 }, ...others],
  };
  const refusal = await run(bad).catch((error: Error) => error.message);
  expect(String(refusal).split("\n").slice(1)).toEqual([
    "name is missing: write a text in quotes",
    "phaseVoltage is 0: write more than 0",
    "connectors[0].lines is a list of 0: write a list of at least 1",
    'connectors[1].kind is "hydrogen": write "ac" or "dc"',
    "sessions[0].connector is 7: write a text in quotes",
    "sessions[0].arrive is 1.5: write a whole number",
    "sessions[0].energyKwh is -1: write at least 0",
    "sessions[0].carPhases is 4: write at most 3.",
  ]);
  const many = await run({ ...INSTANCE, sessions: Array(12).fill({ ...van, arrive: null }) }).catch(
    (error: Error) => error.message,
  );
  expect(String(many).split("\n").slice(10)).toEqual([
    "sessions[9].arrive is null: write a number",
    "and 2 more.",
  ]);
});

it("refuses a circuit that is its own ancestor", async () => {
  const circuits = [
    { id: "a", parent: "b", limitA: [1, 1, 1] },
    { id: "b", parent: "a", limitA: [1, 1, 1] },
  ];
  await expect(run({ ...INSTANCE, circuits })).rejects.toThrow(/circuit/);
});

it("compares what if with as it is: a larger fuse serves more of more vehicles", async () => {
  const { stdout, trace } = await run(INSTANCE, { limit: ["site=40"], more: ["2:k2"], json: true });
  const figures = JSON.parse(stdout);
  expect(figures.as_it_is.sessions).toBe(3);
  expect(figures.what_if.sessions).toBe(5);
  expect(figures.what_if.deliveredKwh).toBeGreaterThan(figures.as_it_is.deliveredKwh);
  expect(Object.keys(trace.rates)).toContain("car+2");
});

it("writes a page with a plot of each circuit's load, in Swedish when asked", async () => {
  const html = join(dir, "page.html");
  const instance = { ...INSTANCE, name: "<yard>", start: "2026-03-28T22:00:00+01:00" };
  await run(instance, { limit: ["site=8"], html, lang: "sv" });
  const page = readFileSync(html, "utf8");
  expect(page).toContain('<html lang="sv">');
  expect(page).toContain("Tänk om: &lt;yard&gt;");
  expect(page).toContain("Från 2026-03-28 22:00 till 2026-03-29 04:00, i steg om 5 minuter");
  expect(page).toMatch(/<h3>site (?:L[123]|kW) /);
  expect(page.match(/<svg /g)).toHaveLength(3);
  expect(page).not.toMatch(/NaN|Infinity|undefined|<yard>/);
  expect(page).toContain("Vilka som lämnade med mindre");
});

it.each([
  [{ limit: ["site"] }, /^LP803 --limit "site" is not understood\. Write CIRCUIT=400/],
  [{ more: ["some"] }, /^LP803 --more "some" is not understood\. Write 12 or 12:CONNECTOR/],
  [{ limit: ["sit=40"] }, /^LP803 --limit: there is no circuit "sit"; there are: site\./],
  [{ more: ["2:k9"] }, /^LP803 --more: there is no connector "k9"; there are: k1, k2, k3\./],
])("refuses %j with the form that it knows, and does not blame the file", async (options, message) => {
  expect(String(await run(INSTANCE, options).catch((error: Error) => error))).toMatch(message);
});
