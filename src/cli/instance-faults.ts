/** What the schema refuses of a JSON file, in plain words: where, the value seen, and what belongs there. */
import { z } from "zod";

type Issue = z.core.$ZodIssue;

/** Lines of a refusal; further faults are counted. */
const SHOWN = 10;
const MOST_TEXT = 60;

/** One fault a line: `sessions[3].arrive is "noon": write a whole number`. */
export function instanceFaults(issues: readonly Issue[], file: unknown): string {
  const lines = issues.map((issue) => faultOf(issue, file));
  const more = lines.length - SHOWN;
  return [...lines.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

function faultOf(issue: Issue, file: unknown): string {
  const path = z.core.toDotPath(issue.path) || "the file";
  const seen = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    file,
  );
  return `${path} ${seen === undefined ? "is missing" : `is ${shown(seen)}`}: write ${expected(issue)}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value);
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text in quotes",
  number: "a number",
  int: "a whole number",
  array: "a list",
  tuple: "a list",
  object: "an object",
  boolean: "true or false",
};

function expected(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return KINDS[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value)).join(" or ");
    case "too_small":
      return bound(issue.origin, issue.minimum, issue.inclusive === false ? "more than" : "at least");
    case "too_big":
      return bound(issue.origin, issue.maximum, issue.inclusive === false ? "less than" : "at most");
    case "invalid_union":
      return issue.discriminator === "kind" ? '"ac" or "dc"' : "another value";
    default:
      return issue.message;
  }
}

function bound(origin: string, limit: number | bigint, word: string): string {
  return origin === "array" ? `a list of ${word} ${limit}` : `${word} ${limit}`;
}
