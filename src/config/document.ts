/**
 * The YAML text with its positions, environment overrides and `station_defaults` merged in: what the schema checks,
 * and where each value of it came from.
 */
import { type Document, isAlias, isMap, isSeq, LineCounter, type Node, parse, parseDocument } from "yaml";
import { type Fault, fault, type Path, type Place, showValue } from "./faults.ts";

/** Where a value came from: a place in the file, an environment variable, or the schema's default. */
export type Origin = { from: "file" | "env"; place: Place } | { from: "default" };

export interface ConfigDocument {
  /** The merged data, undefined when the text is not YAML. */
  raw: unknown;
  faults: Fault[];
  /** The place of the value at `path`, or of the closest thing above it that exists. `key` asks for the key's. */
  placeOf(path: Path, which?: "value" | "key"): Place;
  originOf(path: Path): Origin;
  /** The path as the operator wrote it: a value that came from `station_defaults` is named there. */
  writtenPath(path: Path): Path;
  /** The environment variable that set `path`. */
  overrideName(path: Path): string | undefined;
}

const PREFIX = "LADDPORT__";

/** Keys that would hold a secret. None is in the schema, where secrets are in files; said before a value is looked at. */
const SECRET_NAME = /(?:^|_)(?:token|password|passphrase|secret|key|kek|hash|credentials?)$/;

type Data = Record<string, unknown>;

const isData = (value: unknown): value is Data =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `textual` names the variables whose value is text, whatever YAML would make of it. */
export function readDocument(
  text: string,
  file: string,
  env: Readonly<Data>,
  textual: ReadonlySet<string> = new Set(),
): ConfigDocument {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), col: Math.max(col, 1) };
  };
  // One slip can upset every line after it.
  const faults = [...doc.errors, ...doc.warnings]
    .slice(0, 10)
    .map((e) => fault("LP100", at(e.pos[0]), [], `${sentence(e.message)}`));
  let raw: unknown;
  if (faults.length === 0) {
    try {
      // A copy without shared parts: an override must not reach through a YAML alias into its twin.
      raw = copy(doc.toJS({ maxAliasCount: 100 }));
    } catch (error) {
      faults.push(
        fault("LP100", at(0), [], sentence(error instanceof Error ? error.message : String(error))),
      );
    }
  }
  if (faults.length === 0 && !isData(raw)) {
    const seen =
      raw === null ? "The file is empty." : `The file holds ${showValue(raw)}, not keys and values.`;
    faults.push(fault("LP100", at(0), [], seen, "Write a first one with: laddport init --dir DIR"));
    raw = undefined;
  }
  const overrides = new Map<string, string>();
  if (isData(raw)) applyOverrides(raw, env, textual, overrides, faults);
  const defaulted = isData(raw) ? mergeStationDefaults(raw) : () => false;

  function writtenPath(path: Path): Path {
    const [list, index, key, ...rest] = path;
    return list === "stations" && key !== undefined && defaulted(Number(index), String(key))
      ? ["station_defaults", key, ...rest]
      : path;
  }

  function overrideAt(path: Path) {
    for (let length = path.length; length > 0; length -= 1) {
      const found = overrides.get(pathKey(path.slice(0, length)));
      if (found) return found;
    }
    return undefined;
  }

  function placeOf(path: Path, which: "value" | "key" = "value"): Place {
    const written = writtenPath(path);
    const override = overrideAt(written);
    if (override) return { file, line: 0, col: 0, env: override };
    return at(offsetOf(doc, written, which) ?? 0);
  }

  return {
    raw,
    faults,
    placeOf,
    writtenPath,
    overrideName: (path) => overrideAt(writtenPath(path)),
    originOf(path) {
      const written = writtenPath(path);
      if (overrideAt(written)) return { from: "env", place: placeOf(path) };
      return exists(doc, written) ? { from: "file", place: placeOf(path) } : { from: "default" };
    },
  };
}

const pathKey = (path: Path) => path.map(String).join("\u0000");

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isData(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copy(v)]));
}

/**
 * `LADDPORT__GRID__VOLTAGE_V=231`: keys joined by two underscores; list items by id with `_` for `-`
 * (`LADDPORT__STATIONS__CP_07__MAX_A=16`). The value is read as YAML.
 */
function applyOverrides(
  raw: Data,
  env: Readonly<Data>,
  textual: ReadonlySet<string>,
  overrides: Map<string, string>,
  faults: Fault[],
): void {
  for (const name of Object.keys(env)
    .filter((n) => n.startsWith(PREFIX))
    .sort()) {
    const text = String(env[name] ?? "");
    const place: Place = { file: "", line: 0, col: 0, env: name };
    const segments = name.slice(PREFIX.length).toLowerCase().split("__");
    const path: (string | number)[] = [];
    if (SECRET_NAME.test(segments.at(-1) ?? "")) {
      faults.push(fault("LP120", place, path, "is a secret in the environment."));
      continue;
    }
    let target: unknown = raw;
    for (const [i, segment] of segments.entries()) {
      const last = i === segments.length - 1;
      if (Array.isArray(target)) {
        const index = target.findIndex((item) => isData(item) && idSegment(item.id) === segment);
        if (index < 0 || last) {
          const what = last ? "names a whole item, not one of its keys." : `has no item "${segment}".`;
          faults.push(fault("LP107", place, path, what));
          break;
        }
        path.push(index);
        target = target[index];
      } else if (isData(target) && segment !== "") {
        path.push(segment);
        if (last) {
          target[segment] = textual.has(name) ? text : readScalar(text);
          overrides.set(pathKey(path), name);
        } else {
          if (!Object.hasOwn(target, segment)) target[segment] = {};
          target = target[segment];
        }
      } else {
        const seen = segment === "" ? "has an empty key in its name." : `has no key "${segment}" below it.`;
        faults.push(fault("LP107", place, path, seen));
        break;
      }
    }
  }
}

const idSegment = (id: unknown) => String(id).replaceAll("-", "_").toLowerCase();

function readScalar(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** Fills stations from `station_defaults`; the answer tells which keys of which station came from there. */
function mergeStationDefaults(raw: Data): (station: number, key: string) => boolean {
  const { station_defaults: defaults, stations } = raw;
  if (!isData(defaults) || !Array.isArray(stations)) return () => false;
  const own = stations.map((station) => new Set(isData(station) ? Object.keys(station) : []));
  raw.stations = stations.map((station) => (isData(station) ? { ...defaults, ...station } : station));
  return (station, key) => own[station]?.has(key) === false && Object.hasOwn(defaults, key);
}

function child(doc: Document, node: unknown, step: string | number | symbol) {
  const container = isAlias(node) ? node.resolve(doc) : node;
  if (isMap(container)) {
    const pair = container.items.find((p) => String((p.key as { value?: unknown }).value) === String(step));
    return pair && { key: pair.key as Node, value: (pair.value ?? pair.key) as Node };
  }
  if (isSeq(container) && typeof step === "number") {
    const value = container.items[step] as Node | undefined;
    return value && { key: value, value };
  }
  return undefined;
}

function exists(doc: Document, path: Path): boolean {
  let node: unknown = doc.contents;
  for (const step of path) {
    const next = child(doc, node, step);
    if (!next) return false;
    node = next.value;
  }
  return true;
}

function offsetOf(doc: Document, path: Path, which: "value" | "key"): number | undefined {
  let node: unknown = doc.contents;
  let offset = doc.contents?.range?.[0];
  for (const [i, step] of path.entries()) {
    const next = child(doc, node, step);
    if (!next) break;
    node = next.value;
    const wanted = which === "key" && i === path.length - 1 ? next.key : next.value;
    offset = wanted.range?.[0] ?? offset;
  }
  return offset;
}
