/** Why a bill was made anew or taken back, in the reader's language. The CDR has it in English, as its rules wrote it. */
import type { Language } from "./explain-texts.ts";

const SWEDISH: readonly (readonly [RegExp, string])[] = [
  [/^credited by the operator$/, "krediterad av anläggningen"],
  [/^released after hold: (.+)$/, "frigiven efter kontroll: $1"],
  [/^late stop$/, "stationens stoppmeddelande kom i efterhand"],
  [/^late start$/, "stationens startmeddelande kom i efterhand"],
  [/^late samples$/, "avläsningar kom i efterhand"],
];

/** Remarks that rules did not write stay as they are. */
export function remarkIn(language: Language, remark: string): string {
  if (language === "en") return remark;
  const replaced = /^replaces (\S+): (.+)$/s.exec(remark);
  if (replaced) return `ersätter ${replaced[1]}: ${remarkIn(language, replaced[2] ?? "")}`;
  for (const [pattern, words] of SWEDISH) if (pattern.test(remark)) return remark.replace(pattern, words);
  return remark;
}
