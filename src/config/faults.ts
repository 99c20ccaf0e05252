/** A fault of the config: where, what, the value seen and the fix. All of them are told at once. */
import { distance } from "fastest-levenshtein";
import { ERRORS, type ErrorCode } from "../errors.ts";

export type Path = readonly (string | number | symbol)[];

export interface Place {
  file: string;
  /** From 1. 0 when the value came from the environment. */
  line: number;
  col: number;
  /** The environment variable that set the value. */
  env?: string;
}

export interface Fault {
  code: ErrorCode;
  /** Only errors keep the gateway from starting. */
  severity: "error" | "warning";
  file: string;
  line: number;
  col: number;
  env?: string;
  /** `stations[cp-07].max_a`; empty for the whole file. */
  path: string;
  /** What is wrong, with the value seen. */
  message: string;
  fix: string;
}

const WARNINGS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "LP109",
  "LP117",
  "LP210",
  "LP304",
  // A certificate that runs out must not keep a depot from charging after a power cut.
  "LP320",
  "LP323",
  "LP325",
  "LP329",
  "LP850",
  "LP851",
  "LP852",
]);

/** `raw` lets list items be named by their id. The fix is the catalogue's when none is given. */
export function fault(
  code: ErrorCode,
  place: Place,
  path: Path,
  message: string,
  fix: string = ERRORS[code].action,
  raw?: unknown,
): Fault {
  return {
    code,
    severity: WARNINGS.has(code) ? "warning" : "error",
    ...place,
    path: showPath(path, raw),
    message,
    fix,
  };
}

/** `file:line:col CODE path message fix`, one line. */
export function formatFault(f: Fault): string {
  const where = f.env ?? `${f.file}:${f.line}:${f.col}`;
  const mark = f.severity === "warning" ? "(warning)" : "";
  return [where, f.code, mark, f.path, f.message, f.fix].filter((part) => part !== "").join(" ");
}

export function showPath(path: Path, raw?: unknown): string {
  let shown = "";
  let node: unknown = raw;
  for (const step of path) {
    node =
      typeof node === "object" && node !== null ? (node as Record<PropertyKey, unknown>)[step] : undefined;
    if (typeof step === "number") {
      const id = (node as { id?: unknown } | undefined)?.id;
      shown += `[${typeof id === "string" && id !== "" ? id : step}]`;
    } else {
      shown += shown === "" ? String(step) : `.${String(step)}`;
    }
  }
  return shown;
}

/** The value as seen, short, on one line, and without a password that someone wrote into a URL. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  const masked = text.replace(/(:\/\/)[^/?#"\s]*@/g, "$1***@");
  return masked.length > 60 ? `${masked.slice(0, 57)}...` : masked;
}

/** The closest of `known` to `word`, when close enough to be a slip of the fingers. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < least) [best, least] = [candidate, d];
  }
  return best;
}
