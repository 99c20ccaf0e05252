/**
 * Conductors whose currents add at angles (delta wiring, the primaries of a delta-wye transformer, the neutral): the
 * disc |I| <= limit is replaced by a polygon inside it, so that no plan exceeds the limit. The polygon only needs
 * sides towards which the vehicles' currents can point, and two neighbouring sides meet on the circle.
 */
import type { Phasor, PhasorTerm } from "./problem.ts";

/** Angle between neighbouring sides, at most: what is given away is 1 - cos(half of it), 0.05 %. */
const MOST_BETWEEN = Math.PI / 48;

const FULL = 2 * Math.PI;
const turned = (a: number) => ((a % FULL) + FULL) % FULL;

/** The complex factor of a term: what one ampere of the vehicle adds. */
export function factorOf({ coefficient, angleDeg }: PhasorTerm): { re: number; im: number } {
  const a = (angleDeg * Math.PI) / 180;
  return { re: coefficient * Math.cos(a), im: coefficient * Math.sin(a) };
}

export interface Side {
  cos: number;
  sin: number;
  /** A: the sum's component towards this side may reach. */
  limitA: number;
}

/** Sides of the polygon: every sum of non-negative currents that keeps to all of them keeps to the disc. */
export function sidesOf(phasor: Phasor): Side[] {
  const angles = new Set<number>();
  for (const term of phasor.terms) {
    if (term.coefficient === 0) continue;
    const { re, im } = factorOf(term);
    angles.add(Math.round(turned(Math.atan2(im, re)) * 1e9) / 1e9);
  }
  const sorted = [...angles].sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  const { from, span } = smallestArc(sorted);
  const arcs = Math.ceil(span / MOST_BETWEEN - 1e-9);
  if (arcs === 0) return [side(from, phasor.limitA)];
  const between = span / arcs;
  const limitA = phasor.limitA * Math.cos(between / 2);
  return Array.from({ length: arcs + (span >= FULL - 1e-9 ? 0 : 1) }, (_, i) =>
    side(from + i * between, limitA),
  );
}

function side(angle: number, limitA: number): Side {
  return { cos: Math.cos(angle), sin: Math.sin(angle), limitA };
}

/**
 * The smallest arc with every direction in it. A sum of vectors inside an arc of less than half a circle stays inside;
 * with a wider one it can point anywhere.
 */
function smallestArc(sorted: readonly number[]): { from: number; span: number } {
  let best = { from: 0, span: FULL };
  sorted.forEach((from, i) => {
    const before = sorted[(i + sorted.length - 1) % sorted.length] as number;
    const span = sorted.length === 1 ? 0 : turned(before - from);
    if (span < best.span) best = { from, span };
  });
  return best.span < Math.PI - 1e-6 ? best : { from: 0, span: FULL };
}
