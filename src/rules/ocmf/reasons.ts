/** Why signed values may not be billed. */

export interface Reason {
  /** What cannot be billed because of it; a note hinders nothing. */
  concerns: "both" | "energy" | "time" | "note";
  text: string;
}

/** Each text once, in the order found. */
export class Reasons {
  readonly #found = new Map<string, Reason>();

  add(concerns: Reason["concerns"], text: string): void {
    if (!this.#found.has(text)) this.#found.set(text, { concerns, text });
  }

  /** Whether nothing speaks against billing it. */
  allow(what: "energy" | "time"): boolean {
    return !this.list.some(({ concerns }) => concerns === "both" || concerns === what);
  }

  get list(): Reason[] {
    return [...this.#found.values()];
  }
}
