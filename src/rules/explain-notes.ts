/** What a reader of a bill should know beside its amounts, as sentences. */
import type { Cdr, RatingWarning } from "../model/cdr.ts";
import type { Hold, SessionFlag } from "../model/session.ts";
import { billTexts, type Language } from "./explain-texts.ts";

export interface Note {
  kind: "flag" | "warning";
  code: SessionFlag | RatingWarning["code"];
  sentence: string;
  /** What the rating saw, as it wrote it; null for flags. */
  detail: string | null;
}

export function notesOf(cdr: Pick<Cdr, "flags" | "warnings">, language: Language): Note[] {
  const { flags, warnings } = billTexts(language);
  return [
    ...cdr.flags.map((code) => ({
      kind: "flag" as const,
      code,
      sentence: flags[code] ?? code,
      detail: null,
    })),
    ...cdr.warnings.map(({ code, detail }) => ({
      kind: "warning" as const,
      code,
      sentence: warnings[code] ?? code,
      detail,
    })),
  ];
}

/** Why a session waits for a person. */
export function holdSentence(code: Hold["code"], language: Language): string {
  return billTexts(language).holds[code];
}
