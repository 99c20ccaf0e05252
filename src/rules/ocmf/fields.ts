/** Typed looks into the JSON of a signed record. Numbers arrive as the text they were written with. */
import { OcmfError } from "./error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * JSON in which every number stays the text that was signed: `2935.60` does not become 2935.6 (OCMF 1.4.1, table 7,
 * RV). Throws `OcmfError` naming `where`.
 */
export function losslessObject(text: string, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text, (_key, found: unknown, context?: { source?: string }) =>
      typeof found === "number" ? (context?.source ?? String(found)) : found,
    );
  } catch (error) {
    // The engine's own message quotes the text around the fault, and with it perhaps the user's identification.
    const at = /position \d+/.exec((error as Error).message)?.[0] ?? "its end";
    throw new OcmfError(where, `is not JSON (fault at ${at})`);
  }
  if (!isObject(value)) throw new OcmfError(where, "must be a JSON object", value);
  return value;
}

/** Text, a number's digits, or null when the field is absent. */
export function textField(from: JsonObject, key: string, where = ""): string | null {
  const value = from[key];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw new OcmfError(`${where}${key}`, "must be text", value);
  return value;
}

/** A list of texts; a single text counts as a list of one. */
export function textsField(from: JsonObject, key: string): readonly string[] {
  const value = from[key];
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  for (const item of list)
    if (typeof item !== "string") throw new OcmfError(key, "must be a list of texts", value);
  return list as string[];
}
