/** Whether circuits that `grid` names are there, and whether each input says all that its order needs. Reads raw data. */
import { didYouMean, type Path } from "./faults.ts";
import type { Findings, Sections } from "./findings.ts";
import { valueAt } from "./issues.ts";

export function checkGrid(raw: unknown, ids: Sections["ids"], findings: Findings): void {
  checkCircuit(raw, ["grid", "dimming", "circuit"], ids.circuits, findings);
  const inputs = valueAt(raw, ["grid", "inputs"]);
  if (!Array.isArray(inputs)) return;
  const seen = new Set<string>();
  for (const [index, item] of inputs.entries()) {
    const path: Path = ["grid", "inputs", index];
    checkCircuit(raw, [...path, "circuit"], ids.circuits, findings);
    const [input, kind, kw] = ["input", "kind", "kw"].map((key) => valueAt(item, [key]));
    if (kind === "cap" && kw === undefined)
      findings.add("LP108", path, "has kind cap, and kw is missing.", "Add kw: what the circuit may draw.");
    if (kw !== undefined && (kind === "dimming" || kind === "stop"))
      findings.add(
        "LP108",
        [...path, "kw"],
        `belongs to kind cap, and this is ${kind}.`,
        kind === "dimming" ? "Leave it out, or set grid.dimming.kw." : "Leave it out.",
      );
    if (typeof input !== "string") continue;
    if (seen.has(input)) findings.add("LP110", [...path, "input"], `"${input}" orders something already.`);
    seen.add(input);
  }
}

function checkCircuit(raw: unknown, path: Path, known: readonly string[], findings: Findings): void {
  const name = valueAt(raw, path);
  if (typeof name !== "string" || known.includes(name)) return;
  const near = didYouMean(name, known);
  const fix = near === undefined ? `There are: ${known.slice(0, 8).join(", ")}.` : `Did you mean ${near}?`;
  findings.add("LP202", path, `"${name}" is not a circuit.`, fix);
}
