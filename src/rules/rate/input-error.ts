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
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("")
    .replace(/^\./, "");
  return text || "(document)";
}

function shown(seen: unknown): string {
  const text = JSON.stringify(seen) ?? String(seen);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
