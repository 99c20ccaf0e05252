/** Turns what the schema refuses into faults: code, value seen, fix. */
import type { z } from "zod";
import type { ConfigDocument } from "./document.ts";
import { didYouMean, type Fault, fault, type Path, showValue } from "./faults.ts";
import { ConfigFile } from "./schema.ts";
import type { RefusalParams } from "./values.ts";

type Issue = z.core.$ZodIssue;

export function faultsOfIssues(issues: readonly Issue[], doc: ConfigDocument): Fault[] {
  const faults = issues.flatMap((issue) => faultsOf(issue, doc));
  // One fault in station_defaults shows up in every station that takes it.
  return [...new Map(faults.map((f) => [JSON.stringify(f), f])).values()];
}

function faultsOf(issue: Issue, doc: ConfigDocument): Fault[] {
  const seen = valueAt(doc.raw, issue.path);
  const at = (code: RefusalParams["code"], message: string, fix?: string) =>
    fault(code, doc.placeOf(issue.path), doc.writtenPath(issue.path), message, fix, doc.raw);

  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(doc, issue.path, key));
  }
  if (seen === undefined && issue.path.length > 0) {
    return [at("LP103", "is missing.", missingFix(issue.path))];
  }
  if (seen === null) return [at("LP104", "is empty.", "Write a value, or remove the key.")];
  switch (issue.code) {
    case "invalid_type":
      return [at("LP104", `is ${described(seen)}.`, typeFix(issue.expected, seen))];
    case "too_small":
    case "too_big":
      return [at("LP106", `is ${described(seen)}.`, rangeFix(issue))];
    case "invalid_value":
      if (issue.path.length === 1 && issue.path[0] === "version")
        return [at("LP115", `is ${described(seen)}.`)];
      return [at("LP105", `is ${described(seen)}.`, choiceFix(seen, issue.values.map(String)))];
    case "custom": {
      const params = issue.params as RefusalParams | undefined;
      const code = params?.code ?? "LP105";
      const fix = code === "LP101" ? timeZoneFix(doc.raw, params?.fix) : params?.fix;
      return [at(code, `${showValue(seen)} ${issue.message}`, fix)];
    }
    case "invalid_union":
      if (isNumeric(seen)) return [at("LP104", `is ${described(seen)}.`, "Remove the quotes.")];
      return [at("LP105", ...unionWords(seen, issue.message))];
    default:
      return [at("LP105", `is ${described(seen)}.`, `${capital(issue.message)}.`)];
  }
}

function unknownKey(doc: ConfigDocument, path: Path, key: string): Fault {
  const full = [...path, key];
  const known = keysAt(path);
  const close = didYouMean(key, known);
  const fix = close
    ? `Did you mean ${close}?`
    : known.length > 0
      ? `Known here: ${known.join(", ")}.`
      : undefined;
  return fault("LP102", doc.placeOf(full, "key"), doc.writtenPath(full), "is not a known key.", fix, doc.raw);
}

interface Def {
  type: string;
  shape?: Record<string, z.core.$ZodType>;
  element?: z.core.$ZodType;
  innerType?: z.core.$ZodType;
  in?: z.core.$ZodType;
}

/** The keys that the schema knows at `path`. */
function keysAt(path: Path): string[] {
  let schema: z.core.$ZodType | undefined = ConfigFile;
  for (const step of path) {
    const def: Def | undefined = schema && bare(schema);
    schema = def?.shape?.[String(step)] ?? (typeof step === "number" ? def?.element : undefined);
  }
  return Object.keys((schema && bare(schema).shape) ?? {});
}

/** The definition under optional, default and pipe wrappings. */
function bare(schema: z.core.$ZodType): Def {
  let def = schema._zod.def as Def;
  for (let inner = def.innerType ?? def.in; inner; inner = def.innerType ?? def.in)
    def = inner._zod.def as Def;
  return def;
}

export function valueAt(raw: unknown, path: Path): unknown {
  let node = raw;
  for (const step of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, step)) return undefined;
    node = (node as Record<PropertyKey, unknown>)[step];
  }
  return node;
}

function described(value: unknown): string {
  if (typeof value === "string") return `the text ${showValue(value)}`;
  if (typeof value === "number") return `the number ${value}`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `the list ${showValue(value)}`;
  if (typeof value === "object")
    return `a group of keys (${Object.keys(value ?? {})
      .slice(0, 4)
      .join(", ")})`;
  return showValue(value);
}

const isNumeric = (seen: unknown) => typeof seen === "string" && /^-?\d+(\.\d+)?$/.test(seen);

function typeFix(expected: string, seen: unknown): string {
  const numeric = expected === "number" || expected === "int";
  if (numeric && isNumeric(seen)) return "Remove the quotes.";
  if (numeric) return expected === "int" ? "Write a whole number." : "Write a number, without its unit.";
  if (expected === "string" && typeof seen !== "object") return "Put it in quotes.";
  if (expected === "boolean") return "Write true or false.";
  if (expected === "array") return "Write a list: lines below it that begin with '- ', or [a, b].";
  if (expected === "object") return "Write keys and values, indented below it.";
  return `Write a ${expected}.`;
}

function rangeFix(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const low = issue.code === "too_small";
  const bound = low ? issue.minimum : issue.maximum;
  if (issue.origin === "array") return `Write ${low ? "at least" : "at most"} ${bound} of them.`;
  if (issue.origin === "string") return `Write ${low ? "at least" : "at most"} ${bound} characters.`;
  return `Write ${low ? "at least" : "at most"} ${bound}.`;
}

function choiceFix(seen: unknown, values: readonly string[]): string {
  const close = didYouMean(String(seen), values);
  const list = values.join(", ");
  return close ? `Did you mean ${close}? Possible: ${list}.` : `Write one of: ${list}.`;
}

function unionWords(seen: unknown, message: string): [string, string] {
  const [what = message, ...fix] = message.split(/(?<=\.) /);
  if (what === "Invalid input") return [`is ${described(seen)}.`, "Write a decimal such as 2.50."];
  return [`${showValue(seen)} ${what}`, fix.join(" ")];
}

function missingFix(path: Path): string | undefined {
  const key = path.at(-1);
  return typeof key === "string" ? `Add ${key}. docs/config.md says what it means.` : undefined;
}

function timeZoneFix(raw: unknown, otherwise: string | undefined): string | undefined {
  const country = valueAt(raw, ["site", "country"]);
  if (typeof country !== "string" || !/^[A-Z]{2}$/.test(country)) return otherwise;
  const locale = new Intl.Locale(`und-${country}`) as Intl.Locale & {
    getTimeZones?: () => string[] | undefined;
  };
  const zones = locale.getTimeZones?.()?.slice(0, 3);
  return zones?.length ? `For ${country} use ${zones.map((z) => `"${z}"`).join(" or ")}.` : otherwise;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
