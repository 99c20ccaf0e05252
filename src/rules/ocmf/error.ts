/** What is wrong with a signed record or a key, and where. */

const LONGEST = 60;
const SEEN = "; seen: ";

/** Names the field, such as `RD[1].RV`, and shows the value seen (cut to 60 characters). */
export class OcmfError extends Error {
  readonly field: string;

  constructor(field: string, what: string, seen?: unknown) {
    super(seen === undefined ? `${field} ${what}` : `${field} ${what}${SEEN}${shown(seen)}`);
    this.name = "OcmfError";
    this.field = field;
  }
}

/** A text without the value seen, which may be the identification of whoever charged. */
export function withoutSeen(text: string): string {
  const at = text.indexOf(SEEN);
  return at < 0 ? text : text.slice(0, at);
}

function shown(seen: unknown): string {
  const text = JSON.stringify(seen) ?? String(seen);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
