/** The languages of a report: those of a bill. */
import type { Language } from "./explain-texts.ts";
import { ENGLISH } from "./report-en.ts";
import { SWEDISH } from "./report-sv.ts";
import type { ReportWords } from "./report-words.ts";

const WORDS: Record<Language, ReportWords> = { sv: SWEDISH, en: ENGLISH };

export function reportWords(language: Language): ReportWords {
  return WORDS[language];
}
