/** A failed proof in sentences: what is too much where, who contributes, and what would make it fit. */
import type { Circuit, EvseSpec } from "../../model/circuit.ts";
import { lineName } from "../allocate-tree.ts";
import {
  type Contribution,
  contributions,
  type LineMargin,
  type PowerMargin,
  type UnbalanceMargin,
} from "./fallbacks.ts";
import { powerRemedyOf, type Remedy, remedyOf } from "./remedy.ts";

const SHOWN = 3;

/** `cp-01, cp-02, cp-03 and 4 more` */
export function someOf(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return more <= 0 ? names.join(", ") : `${names.slice(0, SHOWN).join(", ")} and ${more} more`;
}

const amps = (a: number) => `${Math.round(a * 1000) / 1000} A`;

/** `Most: cp-01 36 A (6 EVSEs), cp-02 6 A and 3 more.` */
function most(parts: readonly Contribution[], unit: (amps: number) => string): string {
  const named = parts.map((c) => `${c.station} ${unit(c.amps)}${c.evses > 1 ? ` (${c.evses} EVSEs)` : ""}`);
  return named.length === 0 ? "" : ` Most: ${someOf(named)}.`;
}

function all(parts: readonly Contribution[]): string {
  const count = parts.reduce((n, c) => n + c.evses, 0);
  return count === 1 ? "its EVSE" : `its ${count} EVSEs`;
}

/** `on L2 (L1, too): at fallback_a its 8 EVSEs may draw 36 A, with 5 A of other load 41 A; 32 A is free (...).` */
export function lineExcess(
  circuits: readonly Circuit[],
  evses: readonly EvseSpec[],
  over: readonly LineMargin[],
  free: string,
): string {
  const worst = over.reduce((a, b) => (b.marginA < a.marginA ? b : a));
  const also = over.filter((l) => l !== worst).map((l) => lineName(l.line));
  const parts = contributions(circuits, evses, worst.circuit, worst.line);
  const other =
    worst.otherA > 0
      ? `, with ${amps(worst.otherA)} of other load ${amps(worst.fallbackA + worst.otherA)}`
      : "";
  const where = `on ${lineName(worst.line)}${also.length > 0 ? ` (${also.join(", ")}, too)` : ""}`;
  return (
    `${where}: at fallback_a ${all(parts)} may draw ${amps(worst.fallbackA)}${other}; ${free}.` +
    most(parts, amps)
  );
}

/** The ways out, the one that costs no current first. `reserveA` is added to the limit again. */
export function remedyWords(
  circuits: readonly Circuit[],
  evses: readonly EvseSpec[],
  circuit: string,
  reserveA: number,
): string {
  const remedy = remedyOf(circuits, evses, circuit);
  const raised = remedy.limitA.map((a) => Math.round((a + reserveA) * 1000) / 1000);
  const ways = [
    ...(remedy.turns === null ? [] : [`rewire ${turnWords(remedy)}, which alone is enough`]),
    ...(remedy.fallback === null ? [] : [fallbackWords(remedy.fallback)]),
    `have limit_a [${raised.join(", ")}]`,
  ];
  return sentence(ways);
}

/** As `remedyWords`, for a limit in kW. `voltageV`: line to neutral. */
export function powerRemedyWords(
  circuits: readonly Circuit[],
  evses: readonly EvseSpec[],
  power: PowerMargin,
  voltageV: number,
): string {
  const { fallback, limitW } = powerRemedyOf(circuits, evses, power, voltageV);
  const ways = fallback === null ? [] : [fallbackWords(fallback)];
  return sentence([...ways, `have limit_kw ${limitW / 1000}`]);
}

function sentence(ways: readonly string[]): string {
  const text = ways.join("; or ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function turnWords({ turns }: Remedy): string {
  return (turns ?? []).map((t) => `${t.station} to phase_order ${t.order}`).join(", ");
}

function fallbackWords(groups: NonNullable<Remedy["fallback"]>): string {
  const parts = groups.map(({ fallbackA, stations }) => `${fallbackA} for ${someOf(stations)}`);
  return `set fallback_a: ${parts.join(", ")}, here and in the stations`;
}

const kw = (w: number) => `${Math.round(w) / 1000} kW`;

/** `at fallback_a its 8 EVSEs may draw 33.1 kW, with 5 kW of other load 38.1 kW; 30 kW is the limit.` */
export function powerExcess(
  circuits: readonly Circuit[],
  evses: readonly EvseSpec[],
  { circuit, limitW, fallbackW, otherW }: PowerMargin,
): string {
  const parts = contributions(circuits, evses, circuit, null);
  const sumA = parts.reduce((sum, c) => sum + c.amps, 0);
  const other = otherW > 0 ? `, with ${kw(otherW)} of other load ${kw(fallbackW + otherW)}` : "";
  return (
    `at fallback_a ${all(parts)} may draw ${kw(fallbackW)}${other}; ${kw(limitW)} is the limit.` +
    most(parts, (a) => kw((fallbackW * a) / sumA))
  );
}

export function unbalanceExcess({ limitA, worstA, lines }: UnbalanceMargin): string {
  const [more, less] = lines.map(lineName);
  return `at fallback_a single-phase stations may load ${more} ${amps(worstA)} more than ${less}; ${amps(limitA)} is allowed.`;
}
