/** Vehicles and classes in the config and in `vehicles_file`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { init } from "../src/cli/init.ts";
import { checkConfig, fleet } from "../src/config.ts";

let dir: string;
let good: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "laddport-fleet-"));
  const silent = { write: () => true };
  await init({ dir }, { stdout: silent, stderr: silent });
  good = readFileSync(join(dir, "laddport.yaml"), "utf8");
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const check = (more: string, file?: string) => {
  if (file !== undefined) writeFileSync(join(dir, "vehicles.csv"), file);
  return checkConfig(`${good}\n${more}`, join(dir, "laddport.yaml"), {});
};
/** Without what a fresh config warns of. */
const faultsOf = (more: string, file?: string) =>
  check(more, file)
    .faults.filter(({ severity }) => severity === "error")
    .map(({ code, path, message, fix }) => `${code} ${path} ${message} ${fix}`);

describe("the fleet", () => {
  it("is what the config and the file beside it say, each vehicle with its class", () => {
    const { config } = check(
      `classes: [{id: line, weight: 10}, {id: guest, weight: 0.5}]
vehicles: [{id: bus-7, class: line, battery_kwh: 300.5, dc_max_kw: 150}, {id: "14"}]
vehicles_file: vehicles.csv
`,
      "\uFEFFid;class;battery_kwh;ac_phases;ac_max_a\nvan-2;guest;60,5;1;32\n\nvan-3;;;;\n",
    );
    if (!config) throw new Error("refused");
    const { vehicles, classes } = fleet(config);
    const unknown = { class: null, batteryKwh: null, acPhases: null, acMaxA: null, dcMaxKw: null };
    expect([...vehicles.values()]).toEqual([
      { ...unknown, id: "bus-7", class: "line", batteryKwh: 300.5, dcMaxKw: 150 },
      { ...unknown, id: "14" },
      { ...unknown, id: "van-2", class: "guest", batteryKwh: 60.5, acPhases: 1, acMaxA: 32 },
      { ...unknown, id: "van-3" },
    ]);
    expect(classes.get("guest")).toEqual({ id: "guest", weight: 0.5 });
  });

  it("is empty when nothing is said", () => {
    const { config } = check("");
    expect(config && [...fleet(config).vehicles.keys()]).toEqual([]);
  });

  it.each([
    ["vehicles: [{id: a}, {id: a}]", 'LP110 vehicles[a].id "a" is also the id of vehicles item 1.'],
    ["classes: [{id: c, weight: 1}, {id: c, weight: 2}]", "LP110 classes[c].id"],
    [
      "classes: [{id: line, weight: 1}]\nvehicles: [{id: a, class: lines}]",
      'LP820 vehicles[a].class "lines" is not a class. Did you mean line?',
    ],
    ["vehicles: [{id: a, class: x}]", "Add it to classes; there are none yet."],
    ["classes: [{id: c, weight: 0}]", "LP106 classes[c].weight"],
    ["vehicles: [{id: a, ac_phases: 4}]", "Write 1, 2 or 3."],
    ["vehicles: [{id: Anna Ek}]", "LP105 vehicles[Anna Ek].id"],
    ["vehicles: [{id: a, batery_kwh: 4}]", "Did you mean battery_kwh?"],
    ["vehicles_file: nowhere.csv", "LP301 vehicles_file"],
  ])("refuses %s", (more, fault) => {
    expect(faultsOf(more).join("\n")).toContain(fault);
  });

  it("refuses lines of the file by their number, with the value seen and the fix", () => {
    const faults = faultsOf(
      "classes: [{id: line, weight: 1}]\nvehicles: [{id: bus-1}]\nvehicles_file: vehicles.csv\n",
      "id,class,battery_kwh,note\nbus-1,line,300,\nbus-2,lime,300,\nbus-3,,much,\nbus-4,,,old\nbus-3,,,\n",
    );
    expect(faults).toEqual([
      'LP821 vehicles_file vehicles.csv:2 "bus-1" is also the id of vehicles item 1. Keep one of the two.',
      'LP821 vehicles_file vehicles.csv:3 "lime" is not a class. Did you mean line?',
      expect.stringContaining('vehicles.csv:4 column battery_kwh is "much".'),
      expect.stringMatching(/vehicles.csv:5 column note is "old". Write the columns id,class,battery_kwh/),
      'LP821 vehicles_file vehicles.csv:6 "bus-3" is also the id of line 4. Keep one of the two.',
    ]);
    expect(faultsOf("vehicles_file: vehicles.csv\n", "name,kwh\nbus,1\n").join()).toContain(
      "vehicles.csv:1 has the columns name, kwh. Write the columns id,class",
    );
    expect(faultsOf("vehicles_file: vehicles.csv\n", 'id\n"bus\n').join()).toContain("LP821");
  });
});
