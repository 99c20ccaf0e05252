/** The words of each language. */
import type { Language } from "../rules/explain-texts.ts";
import type { Words } from "./words.ts";
import { ENGLISH } from "./words-en.ts";
import { SWEDISH } from "./words-sv.ts";

const WORDS: Record<Language, Words> = { sv: SWEDISH, en: ENGLISH };

export function wordsOf(language: Language): Words {
  return WORDS[language];
}
