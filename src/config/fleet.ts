/** Vehicles and priority classes: whether they name each other rightly, and the lines of `vehicles_file`. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "csv-parse/sync";
import type { Fleet, Vehicle } from "../model/vehicle.ts";
import { didYouMean, showValue } from "./faults.ts";
import type { Findings } from "./findings.ts";
import { VehicleItem } from "./fleet-schema.ts";
import { valueAt } from "./issues.ts";
import { type Camel, toCode } from "./paths.ts";

type Item = Camel<VehicleItem>;

export function checkFleet(raw: unknown, folder: string, findings: Findings): void {
  const classes = itemsOf(raw, "classes").map((item) => valueAt(item, ["id"]));
  const known = classes.filter((id) => typeof id === "string");
  const places = new Map<string, string>();
  for (const [index, item] of itemsOf(raw, "vehicles").entries()) {
    const [id, kind] = [valueAt(item, ["id"]), valueAt(item, ["class"])];
    if (typeof id === "string") places.set(id, `vehicles item ${index + 1}`);
    if (typeof kind === "string" && !known.includes(kind))
      findings.add(
        "LP820",
        ["vehicles", index, "class"],
        `"${kind}" is not a class.`,
        correction(kind, known),
      );
  }
  const name = valueAt(raw, ["vehicles_file"]);
  if (typeof name !== "string") return;
  for (const { line, message, fix } of faultsOfFile(resolve(folder, name), known, places))
    findings.add("LP821", ["vehicles_file"], `${name}:${line} ${message}`, fix);
}

/** Of an accepted config. */
export function fleetOf(config: {
  classes: { id: string; weight: number }[];
  vehicles: Item[];
  vehiclesFile?: string | undefined;
}): Fleet {
  const listed = config.vehiclesFile === undefined ? [] : rowsOf(readFileSync(config.vehiclesFile, "utf8"));
  const items = [
    ...config.vehicles,
    ...listed.flatMap(({ parsed }) => (parsed.success ? [toCode(parsed.data, "")] : [])),
  ];
  return {
    vehicles: new Map(items.map((item) => [item.id, vehicleOf(item)])),
    classes: new Map(config.classes.map((one) => [one.id, one])),
  };
}

function vehicleOf({ id, class: kind, batteryKwh, acPhases, acMaxA, dcMaxKw }: Item): Vehicle {
  return {
    id,
    class: kind ?? null,
    batteryKwh: batteryKwh ?? null,
    acPhases: acPhases ?? null,
    acMaxA: acMaxA ?? null,
    dcMaxKw: dcMaxKw ?? null,
  };
}

function itemsOf(raw: unknown, list: string): unknown[] {
  const items = valueAt(raw, [list]);
  return Array.isArray(items) ? items : [];
}

interface FileFault {
  line: number;
  message: string;
  fix: string;
}

/** A file that cannot be read says so elsewhere. */
function faultsOfFile(file: string, classes: readonly string[], places: Map<string, string>): FileFault[] {
  let rows: ReturnType<typeof rowsOf>;
  try {
    rows = rowsOf(readFileSync(file, "utf8"));
  } catch (error) {
    const { code, lines, message } = error as NodeJS.ErrnoException & { lines?: number };
    if (code?.startsWith("CSV_")) return [{ line: lines ?? 1, message: `${message}.`, fix: COLUMNS }];
    return error instanceof NoColumns ? [{ line: 1, message, fix: COLUMNS }] : [];
  }
  return rows.flatMap(({ line, record, parsed }) => {
    const faults: FileFault[] = [];
    for (const issue of parsed.error?.issues ?? []) {
      const column =
        issue.code === "unrecognized_keys" ? issue.keys.join(", ") : String(issue.path[0] ?? "id");
      const seen = record[column];
      const fix = issue.code === "unrecognized_keys" ? COLUMNS : `${issue.message}.`;
      faults.push({ line, message: `column ${column} is ${showValue(seen)}.`, fix });
    }
    const { id = "", class: kind } = record;
    const other = places.get(id);
    if (id !== "" && other !== undefined)
      faults.push({ line, message: `"${id}" is also the id of ${other}.`, fix: "Keep one of the two." });
    places.set(id, `line ${line}`);
    if (kind !== undefined && !classes.includes(kind))
      faults.push({ line, message: `"${kind}" is not a class.`, fix: correction(kind, classes) });
    return faults;
  });
}

const COLUMNS = "Write the columns id,class,battery_kwh,ac_phases,ac_max_a,dc_max_kw.";

class NoColumns extends Error {}

function rowsOf(text: string) {
  const [head = ""] = text.split(/\r?\n/, 1);
  const delimiter = head.includes(";") ? ";" : ",";
  const rows = parse(text, {
    columns: (names: string[]) => {
      if (names.includes("id")) return names;
      throw new NoColumns(`has the columns ${names.join(", ") || "(none)"}.`);
    },
    delimiter,
    trim: true,
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count_less: true,
  }) as unknown as { record: Record<string, string>; info: { lines: number } }[];
  return rows.map(({ record, info }) => {
    const filled = Object.fromEntries(Object.entries(record).filter(([, cell]) => cell !== ""));
    const decimal = delimiter === ";" ? /^\d+(?:[.,]\d+)?$/ : /^\d+(?:\.\d+)?$/;
    const typed = Object.entries(filled).map(([name, cell]) =>
      name !== "id" && name !== "class" && decimal.test(cell)
        ? [name, Number(cell.replace(",", "."))]
        : [name, cell],
    );
    return {
      line: info.lines,
      record: filled,
      parsed: VehicleItem.safeParse(Object.fromEntries(typed)),
    };
  });
}

function correction(word: string, known: readonly string[]): string {
  const close = didYouMean(word, known);
  if (close !== undefined) return `Did you mean ${close}?`;
  return known.length > 0 ? `There are: ${known.join(", ")}.` : "Add it to classes; there are none yet.";
}
