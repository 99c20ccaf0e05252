/** What checks across sections look at, and where they put what they find. */
import type { ErrorCode } from "../errors.ts";
import type { ConfigDocument } from "./document.ts";
import { type Fault, fault, type Path } from "./faults.ts";
import { CircuitItem, StationItem } from "./installation-schema.ts";
import { valueAt } from "./issues.ts";
import { type Camel, toCode } from "./paths.ts";

export interface Item<T> {
  path: Path;
  value: T;
}

/** The parts of a config that are whole, though others may be faulty, so that one run finds every fault. */
export interface Sections {
  circuits: Item<Camel<CircuitItem>>[];
  stations: Item<Camel<StationItem>>[];
  /** Every id written, also of items that are faulty otherwise. */
  ids: { circuits: string[]; meters: string[]; stations: string[] };
}

export class Findings {
  readonly faults: Fault[] = [];
  readonly #doc: ConfigDocument;

  constructor(doc: ConfigDocument) {
    this.#doc = doc;
  }

  add(code: ErrorCode, path: Path, message: string, fix?: string): void {
    const written = this.#doc.writtenPath(path);
    const found = fault(code, this.#doc.placeOf(path), written, message, fix, this.#doc.raw);
    // A value of station_defaults is checked in every station that takes it, and told once.
    if (!this.faults.some((f) => sameFault(f, found))) this.faults.push(found);
  }
}

const sameFault = (a: Fault, b: Fault) => a.code === b.code && a.path === b.path && a.message === b.message;

export function sectionsOf(raw: unknown): Sections {
  return {
    circuits: wholeItems(raw, "circuits", CircuitItem),
    stations: wholeItems(raw, "stations", StationItem),
    ids: { circuits: idsOf(raw, "circuits"), meters: idsOf(raw, "meters"), stations: idsOf(raw, "stations") },
  };
}

type Schema<T> = { safeParse(value: unknown): { success: true; data: T } | { success: false } };

function wholeItems<T>(raw: unknown, list: string, schema: Schema<T>): Item<Camel<T>>[] {
  const items = valueAt(raw, [list]);
  if (!Array.isArray(items)) return [];
  return items.flatMap((item, index) => {
    const parsed = schema.safeParse(item);
    return parsed.success ? [{ path: [list, index], value: toCode(parsed.data, "") }] : [];
  });
}

function idsOf(raw: unknown, list: string): string[] {
  const items = valueAt(raw, [list]);
  if (!Array.isArray(items)) return [];
  return items.map((item) => valueAt(item, ["id"])).filter((id) => typeof id === "string");
}
