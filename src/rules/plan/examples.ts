/** Examples that something is learnt from: the most alike of the narrowest circle that has enough of them. */
import type { DepartureSource } from "../../model/departure.ts";

/** Whom an example tells of, from narrow to wide: the vehicle, its group, all of the same source. */
export interface Circles {
  vehicle: string | null;
  group: string | null;
  source: DepartureSource | null;
}

/** Where an example stands: two of its traits, scaled so that a distance of 1 is alike. */
export type Traits = readonly [number, number];

interface Example {
  /** Null: assumed before there was any. */
  traits: Traits | null;
  value: number;
}

/** So many are remembered of the widest circle and of each narrower one; so many of the most alike tell of a new one. */
const MEMORY = 600;
const NARROW_MEMORY = 60;
const ALIKE = 40;
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
    /** Values of the examples most like `traits`, sorted; `real` of them were seen. */
    like(whose: Circles, [a, b]: Traits): { values: number[]; real: number } {
      const own = narrow(whose).map((key) => kept.get(key) ?? []);
      const list = own.find(({ length }) => length >= ENOUGH) ?? widest(whose);
      const alike = list
        .map(({ traits, value }) => ({
          value,
          real: traits !== null,
          distance: traits === null ? FAR : Math.abs(traits[0] - a) + Math.abs(traits[1] - b),
        }))
        .sort((x, y) => x.distance - y.distance)
        .slice(0, ALIKE);
      return {
        values: alike.map(({ value }) => value).sort((x, y) => x - y),
        real: alike.filter(({ real }) => real).length,
      };
    },
  };
}

/** The value at a part, 0 to 1, of sorted values. */
export function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
