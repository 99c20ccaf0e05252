import { expect, it } from "vitest";
import { remarkIn } from "../../src/rules/explain-remark.ts";

it.each([
  ["credited by the operator", "krediterad av anläggningen"],
  ["released after hold: NO_REGISTER, CLOCK_SKEW", "frigiven efter kontroll: NO_REGISTER, CLOCK_SKEW"],
  ["replaces cdr-s1-7: late stop", "ersätter cdr-s1-7: stationens stoppmeddelande kom i efterhand"],
  ["late samples", "avläsningar kom i efterhand"],
  ["late start", "stationens startmeddelande kom i efterhand"],
  ["what nobody foresaw", "what nobody foresaw"],
])("%s", (english, swedish) => {
  expect(remarkIn("sv", english)).toBe(swedish);
  expect(remarkIn("en", english)).toBe(english);
});
