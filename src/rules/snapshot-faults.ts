/** What in a snapshot does not fit together, each with its path, the value seen and the fix. */
import type { AllocationSnapshot } from "../model/allocation-snapshot.ts";
import { treeFaults } from "./allocate-tree.ts";
import { outletOf } from "./snapshot-outlet.ts";

export interface SnapshotFault {
  /** `connectors[2].circuit`. */
  path: string;
  /** With the value seen. */
  problem: string;
  fix: string;
}

export function snapshotFaults({ circuits, connectors, voltage_v }: AllocationSnapshot): SnapshotFault[] {
  const faults: SnapshotFault[] = [];
  const add = (path: string, problem: string, fix: string) => faults.push({ path, problem, fix });
  const known = circuits.map((c) => c.id).join(", ");
  const tree = treeFaults(
    circuits.map((c) => ({ id: c.id, parent: c.parent, limitA: c.limit_a, meter: null })),
    [],
  );
  for (const { path, message } of tree)
    add(
      path,
      message.replace(/;.*/, ""),
      path.endsWith(".id") ? "Rename one." : `Name one of ${known} or null, without a circle.`,
    );
  circuits.forEach((c, i) => {
    if (c.other_load_a !== undefined && c.meter_a !== undefined)
      add(
        `circuits[${i}].meter_a`,
        `${c.meter_a.join(", ")} A beside other_load_a`,
        "Remove one of the two.",
      );
  });

  const seen = new Set<string>();
  connectors.forEach((c, i) => {
    const path = `connectors[${i}]`;
    if (seen.has(c.id)) add(`${path}.id`, `"${c.id}" is used twice`, "Rename one.");
    seen.add(c.id);
    if (!circuits.some(({ id }) => id === c.circuit))
      add(`${path}.circuit`, `"${c.circuit}" is no circuit`, `Name one of ${known}.`);
    for (const [kw, amps] of [
      ["min_kw", "min_a"],
      ["max_kw", "max_a"],
    ] as const) {
      if (c[kw] === undefined) continue;
      if (c.kind === "ac") add(`${path}.${kw}`, `${c[kw]} kW for AC`, `Write ${amps}.`);
      else if (c[amps] !== undefined)
        add(`${path}.${kw}`, `${c[kw]} kW beside ${amps} ${c[amps]}`, "Remove one of the two.");
    }
    if (c.kind === "dc") {
      if (c.phases !== undefined && c.phases !== 3)
        add(`${path}.phases`, `${c.phases} for DC`, "Write 3, or leave it out.");
      if (c.max_a === undefined && c.max_kw === undefined)
        add(`${path}.max_kw`, "is missing for DC", "Add max_kw or max_a.");
    }
    const { minA, maxA } = outletOf(c, { indexOf: new Map() }, voltage_v);
    if (minA > maxA)
      add(
        `${path}.${c.min_kw === undefined ? "min_a" : "min_kw"}`,
        `${c.min_kw ?? minA} is above the maximum of ${c.max_kw ?? maxA}`,
        "Write a minimum up to the maximum.",
      );
  });
  return faults;
}
