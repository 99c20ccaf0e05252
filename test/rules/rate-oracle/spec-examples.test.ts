import { expect, test } from "vitest";
import { rateByTheBook } from "./oracle.ts";
import { exact, text } from "./rational.ts";
import { EXAMPLES } from "./spec-examples.ts";

const money = (written: string) => text(exact(written));

test.each(EXAMPLES)("$source: $name", ({ tariff, session, expected }) => {
  const rated = rateByTheBook(session, tariff);
  expect([rated.total_excl_tax, rated.total_incl_tax]).toEqual([
    money(expected.total_excl),
    money(expected.total_incl),
  ]);
  for (const [type, billed] of Object.entries(expected.billed ?? {}))
    expect(rated.by_dimension[type as keyof typeof rated.by_dimension].billed, type).toBe(money(billed));
});
