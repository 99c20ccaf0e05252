/** Which keys of the config name files: all that are `file` or end in `_file` or `_files`. */
import { resolve } from "node:path";
import type { Path } from "./faults.ts";

const FILE_KEY = /(?:^|_)files?$/;

/** Files that hold secrets or personal data must be closed to others; certificates, revocations and vehicles are public. */
const PUBLIC_KEY = /(?:cert|ca|crl|vehicles)_files?$/;

export interface NamedFile {
  path: Path;
  key: string;
  /** As written. */
  name: string;
  /** Absolute. */
  file: string;
  secret: boolean;
}

export function filesIn(raw: unknown, folder: string): NamedFile[] {
  const found: NamedFile[] = [];
  const visit = (node: unknown, path: (string | number)[], key: string) => {
    if (typeof node === "string" && FILE_KEY.test(key) && node !== "") {
      found.push({ path, key, name: node, file: resolve(folder, node), secret: !PUBLIC_KEY.test(key) });
    } else if (Array.isArray(node)) {
      node.forEach((item, index) => {
        visit(item, [...path, index], key);
      });
    } else if (typeof node === "object" && node !== null) {
      for (const [name, value] of Object.entries(node)) visit(value, [...path, name], name);
    }
  };
  visit(raw, [], "");
  return found;
}

type CamelKey<S> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<CamelKey<B>>}` : S;

/** Keys in camelCase at every depth. */
export type Camel<T> = T extends readonly unknown[]
  ? { [K in keyof T]: Camel<T[K]> }
  : T extends object
    ? { [K in keyof T as CamelKey<K>]: Camel<T[K]> }
    : T;

/** Renames keys to camelCase and makes file names absolute. */
export function toCode<T>(value: T, folder: string, key = ""): Camel<T> {
  if (typeof value === "string" && FILE_KEY.test(key)) return resolve(folder, value) as Camel<T>;
  if (Array.isArray(value)) return value.map((item) => toCode(item, folder, key)) as Camel<T>;
  if (typeof value !== "object" || value === null) return value as Camel<T>;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      toCode(item, folder, name),
    ]),
  ) as Camel<T>;
}
