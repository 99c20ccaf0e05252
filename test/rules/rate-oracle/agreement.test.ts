/** The rating engine against the oracle: two programs written from the same text, apart from each other. */
import { test } from "vitest";
import { Tariff } from "../../../src/model/tariff.ts";
import { type OcpiSession, rateOcpi } from "../../../src/rules/rate/ocpi.ts";
import { compare } from "./compare.ts";

const RUNS = process.env.DEEP === "1" ? 100_000 : 500;

test(`engine and oracle agree on ${RUNS} tariffs and sessions`, { timeout: 600_000 }, () => {
  compare((session, tariff) => rateOcpi(session as OcpiSession, Tariff.parse({ id: "t", ...tariff })), RUNS);
});
