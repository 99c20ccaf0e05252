import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allocateSnapshot } from "../../src/cli/allocate.ts";
import type { SnapshotAnswer } from "../../src/model/allocation-snapshot.ts";

const EXAMPLE = fileURLToPath(new URL("../../docs/examples/allocation-snapshot.json", import.meta.url));

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "laddport-allocate-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function run(file: string, json: boolean, isTTY?: boolean) {
  let stdout = "";
  const code = await allocateSnapshot(
    { snapshot: file, json },
    {
      stdout: { write: (text: string) => (stdout += text), isTTY } as never,
      stderr: { write: () => undefined },
    },
  );
  return { code, stdout };
}

function file(content: unknown): string {
  const path = join(dir, "snapshot.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const site = (of: object = {}) => ({ id: "site", limit_a: 1000, ...of });
async function answerTo(
  circuits: object[],
  connectors: object[],
  more: object = {},
): Promise<SnapshotAnswer> {
  const snapshot = { format: "laddport-snapshot/1", circuits, connectors, ...more };
  return JSON.parse((await run(file(snapshot), true)).stdout);
}
const car = (id: string, of: object = {}) => ({ id, circuit: "site", state: "charging", ...of });

describe("the example", () => {
  it("is answered in aligned columns, without colour where nobody sees it", async () => {
    const { code, stdout } = await run(EXAMPLE, false);
    expect(code).toBe(0);
    expect(stdout).not.toContain("\u001b");
    const [head = "", ...rows] = stdout.split("\n\n")[0]?.split("\n") ?? [];
    for (const row of rows) {
      expect(row.slice(head.indexOf("reason") - 2, head.indexOf("reason"))).toBe("  ");
      expect(row[head.indexOf("reason")]).not.toBe(" ");
    }
    expect(rows.map((row) => row.split(/ {2,}/)[0])).toContain("bus-14");
  });

  it("marks who gets nothing in colour on a terminal", async () => {
    const { stdout } = await run(EXAMPLE, false, true);
    const coloured = stdout.split("\n").filter((line) => line.includes("\u001b"));
    expect(coloured).toHaveLength(process.env.NO_COLOR ? 0 : 1);
  });

  it("names for each connector its limit, its reason and what bound it, and keeps every limit", async () => {
    const answer: SnapshotAnswer = JSON.parse((await run(EXAMPLE, true)).stdout);
    const of = Object.fromEntries(answer.setpoints.map((s) => [s.connector, s]));
    expect(of["bus-14"]).toMatchObject({ reason: "grid_order", bound_by: "site power", lines: [1, 2, 3] });
    expect(of["bus-14"]?.limit_a).toBeGreaterThanOrEqual(36);
    expect(of["van-2"]).toMatchObject({ reason: "higher_class", bound_by: "site power" });
    expect(of["van-3"]).toMatchObject({ limit_a: 6, reason: "not_charging", bound_by: null });
    expect(of["van-4"]).toMatchObject({ limit_a: 8, reason: "station_offline" });
    expect(of["guest-1"]).toMatchObject({ limit_a: 14, reason: "unbalance", bound_by: "guests L1" });
    expect(of["guest-2"]).toMatchObject({ limit_a: 6, reason: "demand_met" });
    for (const c of answer.circuits) {
      for (const p of [0, 1, 2] as const)
        expect(c.other_load_a[p] + c.allocated_a[p]).toBeLessThanOrEqual(c.limit_a[p]);
      if (c.limit_w !== null) expect(c.other_load_w + c.allocated_w).toBeLessThanOrEqual(c.limit_w);
    }
    expect(answer.circuits[0]?.other_load_a).toEqual([0, 21.2, 5]);
  });
});

describe("states", () => {
  it("own production counts only where export is room: Section 14a leaves 40.1 kW from the grid", async () => {
    const cars = Array.from({ length: 20 }, (_, i) => car(`k${i}`));
    const sun = [site({ limit_kw: 40.1, limit_kw_reason: "grid_order", other_load_a: -28.98 })];
    const running = (a: SnapshotAnswer) => a.setpoints.filter((s) => s.limit_a > 0).length;
    expect(running(await answerTo(sun, cars))).toBe(9);
    const export_ = await answerTo(sun, cars, { export_is_room: true });
    expect(running(export_)).toBe(14);
    const [c] = export_.circuits;
    expect((c?.other_load_w ?? 0) + (c?.allocated_w ?? 0)).toBeLessThanOrEqual(40_100);
    expect(c?.allocated_w).toBeLessThanOrEqual(60_100);
    expect(new Set(export_.setpoints.map((s) => s.reason))).toEqual(new Set(["grid_order"]));
  });

  it("a car that draws half of what it is offered lends the rest; one that has just begun does not yet", async () => {
    const half = { measured_a: 8, limit_a: 20 };
    const settled = await answerTo([site({ limit_a: 40 })], [car("a", half), car("b")]);
    expect(settled.setpoints.map((s) => [s.limit_a, s.reason])).toEqual([
      [9, "demand_met"],
      [31, "fair_share"],
    ]);
    const fresh = await answerTo([site({ limit_a: 40 })], [car("a", { ...half, for_s: 5 }), car("b")]);
    expect(fresh.setpoints.map((s) => s.limit_a)).toEqual([20, 20]);
  });

  it("free, faulted and paused connectors get nothing, and say why", async () => {
    const { setpoints } = await answerTo(
      [site()],
      [
        car("free", { state: "available" }),
        car("broken", { state: "faulted" }),
        car("paused", { state: "suspended_evse", limit_a: 0, paused_s: 60 }),
        car("ready", { state: "suspended_evse", limit_a: 0, paused_s: 600 }),
        car("asked", { intent_a: 10 }),
        car("later", { cap_a: 0 }),
        car("asleep", { state: "suspended_ev", limit_a: 6, measured_a: 0, for_s: 900 }),
      ],
    );
    expect(setpoints.map((s) => [s.limit_a, s.reason])).toEqual([
      [0, "not_charging"],
      [0, "faulted"],
      [0, "min_off_time"],
      [6, "not_charging"],
      [10, "intent"],
      [0, "plan"],
      [6, "not_charging"],
    ]);
  });

  it("whoever has held a minimum for more than half an hour gives way to one that waits", async () => {
    const held = { measured_a: 6, limit_a: 6 };
    const waits = car("b", { state: "suspended_evse", limit_a: 0, paused_s: 900 });
    const of = async (for_s: number) =>
      (await answerTo([site({ limit_a: 10 })], [car("a", { ...held, for_s }), waits])).setpoints.map((s) => [
        s.limit_a,
        s.reason,
      ]);
    expect(await of(1700)).toEqual([
      [10, "circuit_limit"],
      [0, "rotation"],
    ]);
    expect(await of(1900)).toEqual([
      [0, "rotation"],
      [6, "not_charging"],
    ]);
  });

  it("50 kW DC is worth 72.4 A of 230 V on each line; kW to the car are rounded down", async () => {
    const dc = car("dc", { kind: "dc", max_kw: 50 });
    const { setpoints } = await answerTo([site()], [dc, car("eff", { ...dc, id: "eff", efficiency: 0.92 })]);
    expect(setpoints.map((s) => [s.limit_a, s.limit_w])).toEqual([
      [72.4, 49_956],
      [78.7, 49_958],
    ]);
  });

  it("a station that takes only W gets amperes times its lines times the voltage, rounded down", async () => {
    const one = car("one", { phases: 1, intent_a: 13.3 });
    const two = car("two", { phases: 2, phase_order: "L2L3L1", intent_a: 13.3 });
    const { setpoints } = await answerTo([site()], [one, two], { voltage_v: 229.7 });
    expect(setpoints.map((s) => [s.limit_w, s.lines])).toEqual([
      [3_055, [1]],
      [6_110, [2, 3]],
    ]);
  });

  it("a row's other load counts at the site that has no meter, and a station out of reach keeps what it may draw", async () => {
    const row = { id: "row", parent: "site", limit_a: 32, other_load_a: 4 };
    const { setpoints, circuits } = await answerTo(
      [site({ limit_a: 30 }), row],
      [car("gone", { circuit: "row", state: "offline", limit_a: 10 }), car("here", { circuit: "row" })],
    );
    expect(setpoints.map((s) => s.limit_a)).toEqual([10, 16]);
    expect(circuits[0]?.other_load_a).toEqual([4, 4, 4]);
  });
});

describe("a snapshot that is refused", () => {
  const refused = (content: unknown) => run(file(content), true).then(undefined, (error) => String(error));
  const format = "laddport-snapshot/1";

  it("names the file, every path with the value seen, and the fix", async () => {
    const text = await refused({
      format,
      circuits: [{ id: "a", limit_a: "x", limitA: 3 }],
      connectors: [{ id: "c", circuit: "a", state: "charged", min_a: -1 }],
    });
    expect(text).toMatch(/^LP860 .*snapshot\.json has 4 faults:\n/);
    expect(text).toContain('circuits[0].limit_a: is "x". Write one number or [L1, L2, L3].');
    expect(text).toContain("circuits[0].limitA: is not a known key. Did you mean limit_a?");
    expect(text).toContain("connectors[0].min_a: is -1. Write at least 0.");
    expect(text).toContain('connectors[0].state: is "charged". Write one of "available", ');
    expect(await refused({ format: "laddport-snapshot/2", circuits: [site()], connectors: [] })).toMatch(
      /^LP860 .*snapshot\.json: format: is "laddport-snapshot\/2"\. Write "laddport-snapshot\/1"\.$/,
    );
  });

  it("says where circuits and connectors do not fit together", async () => {
    const text = await refused({
      format,
      circuits: [
        { id: "a", limit_a: 3, parent: "b" },
        { id: "b", limit_a: 3, parent: "a", other_load_a: 1, meter_a: 1 },
      ],
      connectors: [
        { id: "c", circuit: "q", state: "charging", kind: "dc", phases: 1 },
        { id: "c", circuit: "a", state: "charging", min_a: 40 },
        { id: "d", circuit: "a", state: "charging", max_kw: 11 },
      ],
    });
    expect(text).toMatch(/^LP861 .*snapshot\.json has 9 faults:\n/);
    for (const line of [
      'circuits[0].parent: "a" is its own ancestor: a -> b -> a. Name one of a, b or null, without a circle.',
      "circuits[1].meter_a: 1, 1, 1 A beside other_load_a. Remove one of the two.",
      'connectors[0].circuit: "q" is no circuit. Name one of a, b.',
      "connectors[0].phases: 1 for DC. Write 3, or leave it out.",
      "connectors[0].max_kw: is missing for DC. Add max_kw or max_a.",
      'connectors[1].id: "c" is used twice. Rename one.',
      "connectors[1].min_a: 40 is above the maximum of 32. Write a minimum up to the maximum.",
      "connectors[2].max_kw: 11 kW for AC. Write max_a.",
    ])
      expect(text).toContain(line);
  });

  it("that is no JSON, empty or not there is said to be so", async () => {
    expect(await refused("[")).toMatch(/^LP860 .*snapshot\.json is not JSON: .* Write one JSON object\.$/);
    expect(await refused("")).toContain("it is empty");
    expect(await refused("3")).toContain("the file: is 3. Write an object.");
    const missing = await run(join(dir, "nowhere.json"), true).catch(String);
    expect(missing).toMatch(/^LP805 .*nowhere\.json cannot be read \(ENOENT\)/);
  });
});

it("the example says what its schema knows, and the schema is the one in docs", () => {
  const schema = JSON.parse(
    readFileSync(new URL("../../docs/schemas/allocation-snapshot.json", import.meta.url), "utf8"),
  );
  const example = JSON.parse(readFileSync(EXAMPLE, "utf8"));
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(example)));
  const known = Object.keys(schema.properties.connectors.items.properties);
  for (const connector of example.connectors)
    expect(known).toEqual(expect.arrayContaining(Object.keys(connector)));
});
