const CONTROL = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A tariff or session that cannot be rated: which field, what it holds and what to write. */
export class RatingInputError extends RangeError {
  readonly path: string;
  /** What is wrong, with the value seen: `is "abc"`. */
  readonly problem: string;
  /** What to write. */
  readonly fix: string;

  /** `problem` says what is wrong when the value alone does not. */
  constructor(path: readonly PropertyKey[], seen: unknown, problem: string | undefined, advice: string) {
    const where = pointer(path);
    const what = problem ?? (seen === undefined ? "is missing" : `is ${shown(seen)}`);
    const fix = advice.replace(/\.$/, "");
    super(`${where} ${what}; ${fix}`);
    this.name = "RatingInputError";
    this.path = where;
    this.problem = what;
    this.fix = fix;
  }
}

/** `elements[0].price_components[1].price`; the whole of it is `(document)`. */
function pointer(path: readonly PropertyKey[]): string {
  const text = path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${keyText(String(step))}`))
    .join("")
    .replace(/^\./, "");
  return text || "(document)";
}

/** A plain name as it is, any other quoted. */
function keyText(key: string): string {
  return /^[\w-]{1,60}$/.test(key) ? key : shown(key);
}

/** As JSON, shortened, without characters that a terminal would obey. */
export function shown(seen: unknown): string {
  const text = (JSON.stringify(seen) ?? String(seen)).replace(CONTROL, "\u{fffd}");
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
