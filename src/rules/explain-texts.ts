/** The languages of a bill. */
import { ENGLISH } from "./explain-en.ts";
import { SWEDISH } from "./explain-sv.ts";
import type { BillTexts } from "./explain-words.ts";

export const LANGUAGES = ["sv", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const TEXTS: Record<Language, BillTexts> = { sv: SWEDISH, en: ENGLISH };

export function billTexts(language: Language): BillTexts {
  return TEXTS[language];
}

/** A decimal of the log, such as `"-2.50"`, as the language writes it. */
export function decimalIn(language: Language, decimal: string): string {
  return decimal.replace("-", "−").replace(".", TEXTS[language].decimalPoint);
}
