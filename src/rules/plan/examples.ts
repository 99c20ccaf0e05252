/** Examples that something is learnt from: the most alike of the narrowest circle that has enough of them. */
import type { DepartureSource } from "../../model/departure.ts";

/** Whom an example tells of, from narrow to wide: the vehicle, its group, all of the same source. */
export interface Circles {
  vehicle: string | null;
  group: string | null;
  source: DepartureSource | null;
}

/** Where an example stands: its traits, scaled so that a distance of 1 is alike, and what it has in common or not. */
export interface Traits {
  near: readonly number[];
  /** A driver is known by the odd numbers it says again and again. Null: nothing was said. */
  same: number | null;
}

export interface Weighted {
  value: number;
  weight: number;
}

interface Example {
  /** Null: assumed before there was any. */
  traits: Traits | null;
  value: number;
}

/** So many are remembered of the widest circle and of each narrower one; so many of the most alike tell of a new one. */
const MEMORY = 600;
const NARROW_MEMORY = 60;
const ALIKE = 80;
/** Weight falls with the square of the distance, and no faster than that of an example this near. */
const NEAR = 0.3;
/** A vehicle or a group with so many examples speaks for itself. */
const ENOUGH = 10;
/** Examples that came before any are this far from everything. */
const FAR = 4;

/** `first` are values assumed before there are examples of a source. */
export function remembered(first: (source: DepartureSource | null) => readonly number[]) {
  const kept = new Map<string, Example[]>();
  const widest = ({ source }: Circles): Example[] => {
    const key = `source ${source}`;
    let list = kept.get(key);
    if (list === undefined) {
      list = first(source).map((value) => ({ traits: null, value }));
      kept.set(key, list);
    }
    return list;
  };
  const narrow = ({ vehicle, group, source }: Circles): string[] => [
    ...(vehicle === null ? [] : [`vehicle ${vehicle} ${source}`]),
    ...(group === null ? [] : [`group ${group} ${source}`]),
  ];
  const push = (list: Example[], example: Example, most: number): void => {
    list.push(example);
    if (list.length > most) list.shift();
  };
  return {
    add(whose: Circles, traits: Traits, value: number): void {
      const example = { traits, value };
      push(widest(whose), example, MEMORY);
      for (const key of narrow(whose)) {
        const list = kept.get(key) ?? [];
        kept.set(key, list);
        push(list, example, NARROW_MEMORY);
      }
    },
    /** Values of the examples most like `of`, sorted, the more alike the more weight; `real` of them were seen. */
    like(whose: Circles, of: Traits): { values: Weighted[]; real: number } {
      const own = narrow(whose).map((key) => kept.get(key) ?? []);
      const list = own.find(({ length }) => length >= ENOUGH) ?? widest(whose);
      const alike = list
        .map(({ traits, value }) => ({
          value,
          real: traits !== null,
          distance: traits === null ? FAR : apart(traits, of),
        }))
        .sort((x, y) => x.distance - y.distance)
        .slice(0, ALIKE);
      return {
        values: alike
          .map(({ value, distance }) => ({ value, weight: 1 / (NEAR + distance) ** 2 }))
          .sort((x, y) => x.value - y.value),
        real: alike.filter(({ real }) => real).length,
      };
    },
  };
}

/** What is not the same is as far apart as what differs by one of a trait. */
function apart(a: Traits, b: Traits): number {
  return a.near.reduce((sum, x, k) => sum + Math.abs(x - (b.near[k] ?? 0)), a.same === b.same ? 0 : 1);
}

/** The value below which a part, 0 to 1, of the weight of sorted examples lies. */
export function at(sorted: readonly Weighted[], part: number): number {
  let left = part * sorted.reduce((sum, { weight }) => sum + weight, 0);
  for (const { value, weight } of sorted) {
    left -= weight;
    if (left < 0) return value;
  }
  return sorted.at(-1)?.value ?? 0;
}
