/** Whether meters, register maps and inputs fit together. Reads raw data: a fault elsewhere hides none of these. */
import { pointsOf, type Quantity, RegisterMap } from "../model/register-map.ts";
import { mapNamed, REGISTER_MAPS } from "../stations/meters/maps/index.ts";
import { didYouMean, type Path } from "./faults.ts";
import type { Findings } from "./findings.ts";
import { valueAt } from "./issues.ts";

export function checkMetering(raw: unknown, findings: Findings): void {
  const own = ownMaps(raw, findings);
  const known = [...REGISTER_MAPS.map(({ id }) => id), ...own.ids];
  const roles = new Map<unknown, unknown>();
  for (const { path, item } of itemsOf(raw, ["meters"])) {
    const [id, role, auth, modbus] = ["id", "role", "auth", "modbus"].map((key) => valueAt(item, [key]));
    roles.set(id, role);
    if (modbus === undefined) continue;
    if (auth !== undefined)
      findings.add(
        "LP843",
        [...path, "auth"],
        `is ${String(auth)}, and the meter is polled over Modbus TCP: nobody may publish in its name.`,
        "Leave auth out.",
      );
    const name = valueAt(modbus, ["map"]);
    if (typeof name !== "string") continue;
    const at = [...path, "modbus", "map"];
    if (!known.includes(name))
      findings.add("LP840", at, `"${name}" is not a register map.`, mapFix(name, known));
    const map = mapNamed(name, own.maps);
    if (map && (role ?? "circuit") === "circuit")
      checkCurrents(map, valueAt(modbus, ["phases"]), at, findings);
  }
  for (const { path, item } of itemsOf(raw, ["circuits"])) {
    const meter = valueAt(item, ["meter"]);
    const role = roles.get(meter);
    if (role === "pv" || role === "battery" || role === "building")
      findings.add("LP842", [...path, "meter"], `"${String(meter)}" has role ${role}.`);
  }
  checkInputs(raw, findings);
}

function itemsOf(raw: unknown, path: Path): { path: Path; item: unknown }[] {
  const items = valueAt(raw, path);
  return Array.isArray(items) ? items.map((item, index) => ({ path: [...path, index], item })) : [];
}

function ownMaps(raw: unknown, findings: Findings): { ids: string[]; maps: RegisterMap[] } {
  const ids: string[] = [];
  const maps: RegisterMap[] = [];
  for (const { path, item } of itemsOf(raw, ["register_maps"])) {
    const id = valueAt(item, ["id"]);
    if (typeof id !== "string") continue;
    const ours = REGISTER_MAPS.some((map) => map.id === id);
    if (ours) findings.add("LP110", [...path, "id"], `"${id}" is the id of a map that comes with Laddport.`);
    else if (ids.includes(id)) findings.add("LP110", [...path, "id"], `"${id}" is the id of another map.`);
    ids.push(id);
    const parsed = RegisterMap.safeParse(item);
    if (parsed.success) maps.push(parsed.data);
  }
  return { ids, maps };
}

function mapFix(name: string, known: readonly string[]): string {
  const near = didYouMean(name, known);
  return near ? `Did you mean ${near}?` : `Name one of: ${known.join(", ")}.`;
}

/** Without the current of each line no circuit can be kept safe. */
function checkCurrents(map: RegisterMap, phases: unknown, path: Path, findings: Findings): void {
  const wanted: Quantity[] = phases === 1 ? ["current_l1"] : ["current_l1", "current_l2", "current_l3"];
  const layouts = map.points ? [map.points] : (map.sunspec ?? []).map(({ points }) => points);
  const missing = wanted.filter((quantity) =>
    layouts.some((points) => !points.some((p) => p.quantity === quantity && !p.optional)),
  );
  if (missing.length > 0 && pointsOf(map).length > 0)
    findings.add(
      "LP841",
      path,
      `"${map.id}" has no ${missing.join(", ")}, and the meter is one of a circuit.`,
    );
}

function checkInputs(raw: unknown, findings: Findings): void {
  const ids: string[] = [];
  for (const { path, item } of itemsOf(raw, ["inputs"])) {
    const id = valueAt(item, ["id"]);
    if (typeof id !== "string") continue;
    if (ids.includes(id)) findings.add("LP110", [...path, "id"], `"${id}" is the id of another input.`);
    ids.push(id);
  }
  for (const { path, item } of itemsOf(raw, ["grid", "inputs"])) {
    const name = valueAt(item, ["input"]);
    if (typeof name !== "string" || ids.includes(name)) continue;
    const near = didYouMean(name, ids);
    findings.add(
      "LP844",
      [...path, "input"],
      `"${name}" is not an input.`,
      near ? `Did you mean ${near}?` : ids.length > 0 ? `Name one of: ${ids.join(", ")}.` : undefined,
    );
  }
}
