/** Whether the rules of `tariff_choice` name tariffs, stations and EVSEs that exist, and can match at all. */
import { didYouMean, type Path } from "./faults.ts";
import type { Findings } from "./findings.ts";
import { valueAt } from "./issues.ts";

export function checkTariffChoice(raw: unknown, findings: Findings): void {
  const rules = listAt(raw, ["tariff_choice"]);
  const tariffs = listAt(raw, ["tariffs"])
    .map((tariff) => valueAt(tariff, ["id"]))
    .filter(isText);
  const evses = evsesOf(raw);
  const stations = [...evses.keys()];
  for (const [index, rule] of rules.entries()) {
    const path = ["tariff_choice", index];
    checkName([...path, "tariff"], valueAt(rule, ["tariff"]), "tariff", tariffs, findings);
    for (const [i, name] of listAt(rule, ["stations"]).entries())
      checkName([...path, "stations", i], name, "station", stations, findings);
    for (const [i, name] of listAt(rule, ["evses"]).entries())
      checkEvse([...path, "evses", i], name, evses, findings);
    checkOrder(path, rule, ["from", "until"], findings);
  }
  for (const [index, tariff] of listAt(raw, ["tariffs"]).entries())
    checkOrder(["tariffs", index], tariff, ["start_date_time", "end_date_time"], findings);
}

const isText = (value: unknown): value is string => typeof value === "string";

function listAt(raw: unknown, path: Path): unknown[] {
  const list = valueAt(raw, path);
  return Array.isArray(list) ? list : [];
}

/** How many EVSEs each station has. */
function evsesOf(raw: unknown): Map<string, number> {
  return new Map(
    listAt(raw, ["stations"]).flatMap((station): [string, number][] => {
      const id = valueAt(station, ["id"]);
      const evses = valueAt(station, ["evses"]) ?? 1;
      return isText(id) ? [[id, typeof evses === "number" ? evses : 99]] : [];
    }),
  );
}

function checkName(
  path: Path,
  name: unknown,
  what: "tariff" | "station",
  known: readonly string[],
  findings: Findings,
): void {
  if (!isText(name) || known.includes(name)) return;
  findings.add("LP116", path, `"${name}" is not a ${what}.`, correction(name, known));
}

/** The form is the schema's matter. */
function checkEvse(path: Path, name: unknown, evses: ReadonlyMap<string, number>, findings: Findings): void {
  const [, station, evse] = isText(name) ? (/^([^/]+)\/(\d+)$/.exec(name) ?? []) : [];
  if (station === undefined) return;
  const count = evses.get(station);
  if (count === undefined) {
    findings.add("LP116", path, `"${station}" is not a station.`, correction(station, [...evses.keys()]));
  } else if (Number(evse) > count) {
    findings.add(
      "LP116",
      path,
      `"${name}" is not an EVSE.`,
      `${station} has EVSE 1${count > 1 ? ` to ${count}` : ""}.`,
    );
  }
}

function correction(word: string, known: readonly string[]): string {
  const close = didYouMean(word, known);
  if (close !== undefined) return `Did you mean ${close}?`;
  return `There are: ${known.slice(0, 8).join(", ")}${known.length > 8 ? ", ..." : ""}.`;
}

function checkOrder(path: Path, item: unknown, [start, end]: [string, string], findings: Findings): void {
  const [from, until] = [valueAt(item, [start]), valueAt(item, [end])];
  if (!isText(from) || !isText(until) || !(utcMs(from) >= utcMs(until))) return;
  findings.add("LP105", [...path, end], `"${until}" is not after ${start}.`, `Write a time after ${from}.`);
}

/** OCPI writes UTC without saying so. */
const utcMs = (text: string) => Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
