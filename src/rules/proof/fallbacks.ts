/**
 * Whether a depot is safe whoever loses the gateway, and when.
 *
 * Theorem. Let every circuit c and line p satisfy
 *
 *     sum of fallbackA of the EVSEs below c wired to p  +  worst other load on (c, p)  <=  limitA(c, p)      (1)
 *
 * where the reserve is off `limitA` already. Then at every instant, whichever stations are out of reach, whenever each
 * of them was cut off, and whether or not the gateway lives, charging and other load stay within every limit.
 *
 * Assumed:
 * - A station obeys its lease from receipt until `valid_for_s` later, and then, as after a restart, is at `fallbackA` or
 *   less: its default profile is provisioned to it. A car follows a cut within the time that envelopes give it. Stations
 *   are wired as the config says. Currents are at nominal voltage.
 * - Leases and envelopes are those of `control/envelopes.ts`: one above the fallback ends at the latest
 *   T = lease + delivery + reaction after it was sent, one below it lasts 3 T, and its fallback counts in the envelope
 *   from T before its end. Raises go only where all envelopes and other load fit.
 * - Other load stays within what is stated as its worst, or what the meter's room leaves it where nothing is stated:
 *   `limitA` less the fallbacks. A jump of it is answered within the reaction time while the gateway lives. From the
 *   moment the gateway dies until T later it must not grow, because nobody is there to answer.
 *
 * Proof. Envelopes bound what may be drawn. Raises keep their sum within the room, so the sum can pass it only by what
 * grows of itself: a lease below the fallback that nears its end. At that moment, T before the end, its fallback is set
 * aside and all others get what is left, never less than 0. Whoever hears it is lower within the reaction time; whoever
 * does not holds a lease from before, which ends within T: at its own fallback. So when the fallback really rises, the
 * stations out of reach (a set S) are at their fallbacks or lower, and the others share
 * `limitA - other - sum over S of fallbackA`. That is not negative, by (1), for every S, because each further station
 * adds a fallback of 0 or more: the worst subset is all of them, the worst moment T after the last lease above its
 * fallback was sent. With the gateway dead S is all stations, and (1) is what then holds for ever.
 *
 * The condition is necessary, too. Where (1) fails all stations below c may lose the gateway; once their leases have
 * ended they draw their fallbacks, other load may be at its worst, and the limit is exceeded.
 *
 * Limits in W obey the same with sums over the lines times the voltage. Unbalance is not monotone: its worst subset is
 * those on one line without the other.
 */
import { type Circuit, type EvseSpec, linesOf } from "../../model/circuit.ts";
import { buildTree, type CircuitTree, fallbackSums } from "../allocate-tree.ts";

/**
 * What is known of other load: `stated` in the config, `none` because a circuit above states 0, `metered` while its
 * meter speaks, `unknown` not at all.
 */
export type OtherKnowledge = "stated" | "none" | "metered" | "unknown";

/** A circuit's line with all stations at their fallbacks and other load at its worst. Amperes. */
export interface LineMargin {
  circuit: string;
  /** 0, 1, 2 for L1, L2, L3. */
  line: number;
  /** Reserve taken off. */
  limitA: number;
  fallbackA: number;
  /** As stated, else what is stated below; 0 when nothing is. */
  otherA: number;
  /** Below 0 where the proof fails. */
  marginA: number;
}

/** A circuit with a limit in W. */
export interface PowerMargin {
  circuit: string;
  limitW: number;
  fallbackW: number;
  otherW: number;
  marginW: number;
}

/** A circuit with a limit of unbalance: by how much one line may be loaded more than another, at the worst. */
export interface UnbalanceMargin {
  circuit: string;
  limitA: number;
  worstA: number;
  /** The line loaded more, and the other. */
  lines: [number, number];
}

export interface FallbackProof {
  /** Three a circuit, in the order of the circuits. */
  lines: LineMargin[];
  powers: PowerMargin[];
  unbalances: UnbalanceMargin[];
  /** Whether (1) holds for every line and every limit in W. */
  holds: boolean;
}

/** In whole milliamperes, so that ten times 6.1 A is 61 A. */
const milli = (a: number) => Math.round(a * 1000) / 1000;

/**
 * `voltageV`: line to neutral. Circuits must be a tree.
 * @throws TreeError
 */
export function proveFallbacks(
  circuits: readonly Circuit[],
  evses: readonly EvseSpec[],
  voltageV: number,
): FallbackProof {
  const tree = buildTree(circuits);
  const sums = fallbackSums(tree, evses);
  const other = worstOthers(tree);
  const lines: LineMargin[] = [];
  const powers: PowerMargin[] = [];
  const unbalances: UnbalanceMargin[] = [];
  for (const { id, limitA, limitW, unbalanceA } of circuits) {
    const c = tree.indexOf.get(id) ?? -1;
    const three = (of: Float64Array) => [of[c * 3] ?? 0, of[c * 3 + 1] ?? 0, of[c * 3 + 2] ?? 0];
    const [fallbacks, others] = [three(sums), three(other)];
    for (const line of [0, 1, 2] as const) {
      const [fallbackA = 0, otherA = 0] = [fallbacks[line], others[line]];
      const marginA = milli(limitA[line] - fallbackA - otherA);
      lines.push({ circuit: id, line, limitA: limitA[line], fallbackA, otherA, marginA });
    }
    if (limitW !== undefined) {
      const watts = (of: number[]) => Math.round(of.reduce((sum, a) => sum + a, 0) * voltageV);
      const [fallbackW, otherW] = [watts(fallbacks), watts(others)];
      powers.push({ circuit: id, limitW, fallbackW, otherW, marginW: limitW - fallbackW - otherW });
    }
    if (unbalanceA !== undefined) unbalances.push(worstUnbalance(tree, evses, c, unbalanceA));
  }
  const holds = lines.every((l) => l.marginA >= 0) && powers.every((p) => p.marginW >= 0);
  return { lines, powers, unbalances, holds };
}

/** A of other load to count on, three a circuit: as stated, else the sum of what is stated below. */
function worstOthers(tree: CircuitTree): Float64Array {
  const other = new Float64Array(tree.parent.length * 3);
  for (let c = tree.parent.length - 1; c >= 0; c--)
    for (let p = 0; p < 3; p++) {
      const k = c * 3 + p;
      other[k] = tree.circuits[c]?.worstOtherA?.[p] ?? (other[k] as number);
      const up = (tree.parent[c] as number) * 3 + p;
      if (up >= 0) other[up] = milli((other[up] as number) + (other[k] as number));
    }
  return other;
}

/** In the order of the circuits, which must be a tree. */
export function otherKnowledge(circuits: readonly Circuit[]): OtherKnowledge[] {
  const byId = new Map(circuits.map((c) => [c.id, c]));
  const none = (c: Circuit | undefined): boolean =>
    c !== undefined && (c.worstOtherA ? c.worstOtherA.every((a) => a === 0) : none(byId.get(c.parent ?? "")));
  return circuits.map((c) => {
    if (c.worstOtherA) return "stated";
    if (none(byId.get(c.parent ?? ""))) return "none";
    return c.meter === null ? "unknown" : "metered";
  });
}

function worstUnbalance(
  tree: CircuitTree,
  evses: readonly EvseSpec[],
  circuit: number,
  limitA: number,
): UnbalanceMargin {
  const end = tree.end[circuit] as number;
  const below = evses.filter((e) => {
    const c = tree.indexOf.get(e.circuit) ?? -1;
    return c >= circuit && c < end;
  });
  const worst: UnbalanceMargin = {
    circuit: tree.circuits[circuit]?.id ?? "",
    limitA,
    worstA: 0,
    lines: [0, 1],
  };
  for (const more of [0, 1, 2])
    for (const less of [0, 1, 2]) {
      const alone = below.filter((e) => {
        const lines = linesOf(e.phaseOrder, e.phases);
        return lines.includes(more) && !lines.includes(less);
      });
      const a = milli(alone.reduce((sum, e) => sum + e.fallbackA, 0));
      if (a > worst.worstA) Object.assign(worst, { worstA: a, lines: [more, less] });
    }
  return worst;
}

/** What a station's EVSEs draw together on one line at their fallbacks. */
export interface Contribution {
  station: string;
  evses: number;
  /** A of all of them. */
  amps: number;
}

/** The stations at or below a circuit that load a line (any line when null) at their fallbacks, the largest first. */
export function contributions(
  circuits: readonly Circuit[],
  evses: readonly EvseSpec[],
  circuit: string,
  line: number | null,
): Contribution[] {
  const tree = buildTree(circuits);
  const from = tree.indexOf.get(circuit) ?? -1;
  const end = tree.end[from] ?? -1;
  const found = new Map<string, Contribution>();
  for (const e of evses) {
    const c = tree.indexOf.get(e.circuit) ?? -1;
    const lines = linesOf(e.phaseOrder, e.phases);
    if (c < from || c >= end || e.fallbackA === 0 || (line !== null && !lines.includes(line))) continue;
    const so = found.get(e.station) ?? { station: e.station, evses: 0, amps: 0 };
    const amps = milli(so.amps + e.fallbackA * (line === null ? lines.length : 1));
    found.set(e.station, { station: e.station, evses: so.evses + 1, amps });
  }
  return [...found.values()].sort((a, b) => b.amps - a.amps);
}

/** Circuits on which no EVSE at all can charge: its minimum exceeds what a line between it and there leaves. */
export function withoutRoomForOne(circuits: readonly Circuit[], evses: readonly EvseSpec[]): string[] {
  const tree = buildTree(circuits);
  const other = worstOthers(tree);
  const below = new Uint8Array(tree.parent.length);
  const fits = new Uint8Array(tree.parent.length);
  for (const e of evses) {
    let room = true;
    for (let c = tree.indexOf.get(e.circuit) ?? -1; c >= 0; c = tree.parent[c] as number) {
      for (const line of linesOf(e.phaseOrder, e.phases))
        room &&= e.minA <= (tree.limitA[c * 3 + line] as number) - (other[c * 3 + line] as number) + 1e-9;
      below[c] = 1;
      if (room) fits[c] = 1;
    }
  }
  return tree.circuits.flatMap((c, i) => (below[i] && !fits[i] ? [c.id] : []));
}
