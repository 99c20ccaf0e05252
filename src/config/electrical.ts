/** Whether the currents of stations and circuits are possible, and are safe whichever stations lose the gateway. */
import { type Circuit, type EvseSpec, linesOf } from "../model/circuit.ts";
import {
  type FallbackProof,
  otherKnowledge,
  proveFallbacks,
  withoutRoomForOne,
} from "../rules/proof/fallbacks.ts";
import {
  lineExcess,
  powerExcess,
  powerRemedyWords,
  remedyWords,
  someOf,
  unbalanceExcess,
} from "../rules/proof/words.ts";
import { circuitOf, evseSpecsOf } from "./depot.ts";
import type { Path } from "./faults.ts";
import type { Findings, Sections } from "./findings.ts";
import type { CircuitItem, StationItem } from "./installation-schema.ts";
import { valueAt } from "./issues.ts";
import type { Camel } from "./paths.ts";

/** `tree`: the circuits are one tree, so sums along it mean something. */
export function checkElectrical(raw: unknown, sections: Sections, tree: boolean, findings: Findings): void {
  for (const { path, value } of sections.circuits) checkRoom(path, value, findings);
  for (const { path, value } of sections.stations) checkCurrents(path, value, findings);
  const whole =
    sections.circuits.length === sections.ids.circuits.length &&
    sections.stations.length === sections.ids.stations.length;
  if (tree && whole) checkSums(raw, sections, findings);
}

function checkRoom(path: Path, { reserveA, limitA }: Camel<CircuitItem>, findings: Findings): void {
  const leastA = Math.min(...limitA);
  if (leastA > reserveA) return;
  if (reserveA > 0)
    findings.add("LP205", [...path, "reserve_a"], `is ${reserveA} A of a limit of ${leastA} A.`);
  else findings.add("LP205", [...path, "limit_a"], "is 0 A.", "Write the fuse's rating.");
}

function checkCurrents(path: Path, station: Camel<StationItem>, findings: Findings): void {
  const { kind, minA, maxA, fallbackA, phases } = station;
  if (minA > maxA) {
    findings.add("LP206", [...path, "min_a"], `${minA} is above max_a ${maxA}.`, "Write min_a <= max_a.");
  } else if (kind === "ac" && minA < 6) {
    findings.add("LP206", [...path, "min_a"], `${minA} is below 6 A.`, "Write at least 6 (IEC 61851-1).");
  } else if (fallbackA > maxA || (fallbackA > 0 && fallbackA < minA)) {
    findings.add("LP207", [...path, "fallback_a"], `${fallbackA} is not 0, nor from ${minA} to ${maxA}.`);
  }
  if (station.phaseSwitching && (kind === "dc" || phases !== 3))
    findings.add("LP212", [...path, "phase_switching"], `is true on ${kind}, phases: ${phases}.`);
  if (kind === "dc" && phases !== 3) findings.add("LP208", [...path, "phases"], `is ${phases}.`);
}

/** What EVSEs may draw on each line of a circuit together, in A. */
export interface CircuitSums {
  circuit: Circuit;
  evses: number;
  minA: [number, number, number];
  maxA: [number, number, number];
  fallbackA: [number, number, number];
}

/** Sums over every EVSE at or below each circuit. Circuits must be a tree. */
export function circuitSums(circuits: readonly Circuit[], evses: readonly EvseSpec[]): CircuitSums[] {
  const sums = new Map<string, CircuitSums>(
    circuits.map((circuit) => [
      circuit.id,
      { circuit, evses: 0, minA: [0, 0, 0], maxA: [0, 0, 0], fallbackA: [0, 0, 0] },
    ]),
  );
  for (const evse of evses) {
    const lines = linesOf(evse.phaseOrder, evse.phases) as (0 | 1 | 2)[];
    for (let at = sums.get(evse.circuit); at; at = sums.get(at.circuit.parent ?? "")) {
      at.evses += 1;
      for (const line of lines) {
        at.minA[line] = plus(at.minA[line], evse.minA);
        at.maxA[line] = plus(at.maxA[line], evse.maxA);
        at.fallbackA[line] = plus(at.fallbackA[line], evse.fallbackA);
      }
    }
  }
  return [...sums.values()];
}

/** In whole milliamperes, so that ten times 6.1 A is 61 A. */
const plus = (a: number, b: number) => Math.round((a + b) * 1000) / 1000;

/** Line to neutral, as written; the usual one where that is no number. */
function voltageOf(raw: unknown): number {
  const written = valueAt(raw, ["grid", "voltage_v"]);
  return typeof written === "number" ? written : 230;
}

function checkSums(raw: unknown, { circuits, stations }: Sections, findings: Findings): void {
  const known = circuits.map((c) => circuitOf(c.value));
  const evses = stations.flatMap((s) => evseSpecsOf(s.value));
  if (known.some((c) => Math.min(...c.limitA) <= 0)) return;
  const sums = circuitSums(known, evses);
  const voltageV = voltageOf(raw);
  const proof = proveFallbacks(known, evses, voltageV);
  const noneFits = new Set(withoutRoomForOne(known, evses));
  for (const { path, value } of circuits) {
    const sum = sums.find((s) => s.circuit.id === value.id);
    if (!sum) continue;
    const lines = proof.lines.filter((l) => l.circuit === value.id);
    const free = (line: number) => {
      const other = lines[line]?.otherA ?? 0;
      const less = other > 0 ? ` - ${other} other load` : "";
      const rest = Math.round(((sum.circuit.limitA[line] ?? 0) - other) * 1000) / 1000;
      return `${rest} A is free (${value.limitA[line]} limit - ${value.reserveA} reserve${less})`;
    };
    const over = lines.filter((l) => l.marginA < 0);
    const worst = over.reduce((a, b) => (b.marginA < (a?.marginA ?? 0) ? b : a), over[0]);
    if (worst)
      findings.add(
        "LP211",
        [...path, "limit_a"],
        lineExcess(known, evses, over, free(worst.line)),
        remedyWords(known, evses, value.id, value.reserveA),
      );
    const narrow = [0, 1, 2].find((line) => (sum.minA[line] ?? 0) > (sum.circuit.limitA[line] ?? 0));
    const all = sum.evses === 1 ? "its EVSE" : `its ${sum.evses} EVSEs`;
    if (noneFits.has(value.id)) {
      const least = Math.min(
        ...[0, 1, 2].map((line) => (sum.circuit.limitA[line] ?? 0) - (lines[line]?.otherA ?? 0)),
      );
      findings.add("LP851", [...path, "limit_a"], `leaves ${least} A, less than any min_a of ${all}.`);
    } else if (narrow !== undefined) {
      const seen = `on L${narrow + 1}: at min_a ${all} need ${sum.minA[narrow]} A; ${sum.circuit.limitA[narrow]} A is free (${value.limitA[narrow]} limit - ${value.reserveA} reserve).`;
      findings.add("LP210", [...path, "limit_a"], seen);
    }
  }
  checkBeyondLines(proof, known, evses, voltageV, circuits, findings);
}

function checkBeyondLines(
  proof: FallbackProof,
  known: readonly Circuit[],
  evses: readonly EvseSpec[],
  voltageV: number,
  circuits: Sections["circuits"],
  findings: Findings,
): void {
  const pathOf = (id: string) => circuits.find((c) => c.value.id === id)?.path ?? [];
  for (const power of proof.powers)
    if (power.marginW < 0)
      findings.add(
        "LP853",
        [...pathOf(power.circuit), "limit_kw"],
        powerExcess(known, evses, power),
        powerRemedyWords(known, evses, power, voltageV),
      );
  for (const skew of proof.unbalances)
    if (skew.worstA > skew.limitA) findings.add("LP852", pathOf(skew.circuit), unbalanceExcess(skew));
  const knowledge = otherKnowledge(known);
  const unseen = circuits.filter((c, i) => knowledge[i] === "unknown" && c.value.reserveA === 0);
  if (unseen.length > 0)
    findings.add(
      "LP850",
      unseen[0]?.path ?? ["circuits"],
      `nothing tells what else draws on ${someOf(unseen.map((c) => c.value.id))}: no meter, no worst_other_a, no reserve_a.`,
    );
}
