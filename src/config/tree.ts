/** Whether names lead somewhere and the circuits are one tree. Reads raw data: a fault elsewhere hides none of these. */
import { didYouMean, type Path } from "./faults.ts";
import type { Findings, Sections } from "./findings.ts";
import { valueAt } from "./issues.ts";

interface Branch {
  path: Path;
  id: string;
  parent: string | null;
}

/** True when every circuit leads to the one root, so that sums along the tree mean something. */
export function checkTree(raw: unknown, ids: Sections["ids"], findings: Findings): boolean {
  const parents = checkReferences(raw, "circuits", "parent", "circuit", ids.circuits, findings);
  const meters = checkReferences(raw, "circuits", "meter", "meter", ids.meters, findings);
  const places = checkReferences(raw, "stations", "circuit", "circuit", ids.circuits, findings);
  const branches = branchesOf(raw);
  const oneRoot = checkRoots(branches, findings);
  const noRing = checkRings(branches, findings);
  return parents && meters && places && oneRoot && noRing;
}

function branchesOf(raw: unknown): Branch[] {
  const items = valueAt(raw, ["circuits"]);
  if (!Array.isArray(items)) return [];
  return items.flatMap((item, index) => {
    const id = valueAt(item, ["id"]);
    const parent = valueAt(item, ["parent"]);
    return typeof id === "string"
      ? [{ path: ["circuits", index], id, parent: typeof parent === "string" ? parent : null }]
      : [];
  });
}

function checkReferences(
  raw: unknown,
  list: string,
  key: string,
  what: "circuit" | "meter",
  known: readonly string[],
  findings: Findings,
): boolean {
  const items = valueAt(raw, [list]);
  if (!Array.isArray(items)) return false;
  let sound = true;
  for (const [index, item] of items.entries()) {
    const name = valueAt(item, [key]);
    if (typeof name !== "string" || known.includes(name)) continue;
    sound = false;
    const code = what === "circuit" ? "LP202" : "LP209";
    findings.add(
      code,
      [list, index, key],
      `"${name}" is not a ${what}.`,
      correction(name, known, `${what}s`),
    );
  }
  return sound;
}

function correction(word: string, known: readonly string[], list: string): string {
  const close = didYouMean(word, known);
  if (close !== undefined) return `Did you mean ${close}?`;
  const shown = known.slice(0, 8).join(", ");
  if (known.length === 0) return `Add it to ${list}; there are none yet.`;
  return `There are: ${shown}${known.length > 8 ? ", ..." : ""}.`;
}

function checkRoots(branches: readonly Branch[], findings: Findings): boolean {
  const roots = branches.filter((b) => b.parent === null);
  const [first, second] = roots;
  if (!first || !second) return first !== undefined;
  const names = roots.map((b) => b.id).join(", ");
  findings.add("LP204", second.path, `has no parent, nor has ${first.id}: ${names} are all roots.`);
  return false;
}

function checkRings(branches: readonly Branch[], findings: Findings): boolean {
  const parents = new Map(branches.map((b) => [b.id, b.parent]));
  const told = new Set<string>();
  for (const { path, id } of branches) {
    const way = [id];
    let at = parents.get(id);
    while (typeof at === "string" && !way.includes(at)) {
      way.push(at);
      at = parents.get(at);
    }
    if (typeof at !== "string") continue;
    const ring = way.slice(way.indexOf(at));
    if (!ring.some((name) => told.has(name))) {
      findings.add("LP203", [...path, "parent"], `leads into a ring: ${[...ring, at].join(" > ")}.`);
    }
    for (const name of ring) told.add(name);
  }
  return told.size === 0;
}
