/** Where two JSON values differ, by path. */

/** JSON text of both sides; null where a side has no such field. */
export interface Difference {
  /** `lines[0].amount.incl_vat`. */
  path: string;
  stored: string | null;
  computed: string | null;
}

/** Compares as JSON would write them: order of fields and absent against `undefined` are no differences. */
export function differencesOf(stored: unknown, computed: unknown, path = ""): Difference[] {
  if (Array.isArray(stored) && Array.isArray(computed)) {
    const most = Math.max(stored.length, computed.length);
    return Array.from({ length: most }, (_, i) => i).flatMap((i) =>
      differencesOf(stored[i], computed[i], `${path}[${i}]`),
    );
  }
  if (isObject(stored) && isObject(computed)) {
    const names = new Set([...Object.keys(stored), ...Object.keys(computed)]);
    return [...names].flatMap((name) =>
      differencesOf(stored[name], computed[name], path === "" ? name : `${path}.${name}`),
    );
  }
  const [a, b] = [textOf(stored), textOf(computed)];
  return a === b ? [] : [{ path, stored: a, computed: b }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | null {
  return JSON.stringify(value) ?? null;
}
