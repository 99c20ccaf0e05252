/** Every worked example of OCPI, rated by the engine and by the oracle. */
import { describe, expect, test } from "vitest";
import { Tariff } from "../../../src/model/tariff.ts";
import { type OcpiSession, rateOcpi } from "../../../src/rules/rate/ocpi.ts";
import { rateByTheBook } from "./oracle.ts";
import { exact, text } from "./rational.ts";
import type { Rated, Session, Tariff as Written } from "./shapes.ts";
import { EXAMPLES } from "./spec-examples.ts";

const money = (written: string) => text(exact(written));
const engine = (session: Session, tariff: Written): Rated =>
  rateOcpi(session as OcpiSession, Tariff.parse({ id: "t", ...tariff }));

describe.each([
  ["the engine", engine],
  ["the oracle", rateByTheBook],
])("%s", (_, rate) => {
  test.each(EXAMPLES)("$source: $name", ({ tariff, session, expected }) => {
    const rated = rate(session, tariff);
    expect([rated.total_excl_tax, rated.total_incl_tax].map(money)).toEqual([
      money(expected.total_excl),
      money(expected.total_incl),
    ]);
    for (const [type, billed] of Object.entries(expected.billed ?? {}))
      expect(money(rated.by_dimension[type as keyof typeof rated.by_dimension].billed), type).toBe(
        money(billed),
      );
  });
});
