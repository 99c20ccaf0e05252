import fc from "fast-check";
import { type Case, cases } from "./arbitraries.ts";
import { rateByTheBook } from "./oracle.ts";
import { exact, text } from "./rational.ts";
import type { Rated, Session, Tariff } from "./shapes.ts";

/** A way to rate a session; it throws on input that is in error. */
export type Candidate = (session: Session, tariff: Tariff) => Rated;

export interface Options {
  /** Replays a run: both are in the message of a difference. */
  seed?: number;
  path?: string;
  /** Also cases the standard leaves open (see `cases`). */
  moot?: boolean;
}

type Outcome = { rated: Rated } | { refused: unknown };

function outcomeOf(candidate: Candidate, { session, tariff }: Case): Outcome {
  try {
    return { rated: candidate(structuredClone(session), structuredClone(tariff)) };
  } catch (refused) {
    return { refused };
  }
}

const sides = ["excl_tax", "incl_tax"] as const;

/** Where two results differ: money exactly, billed quantities to 4 decimals. */
export function differences(ours: Rated, theirs: Rated): string[] {
  const found: string[] = [];
  const check = (place: string, our: string, their: string | undefined, isSame: boolean) => {
    if (!isSame) found.push(`${place}: oracle ${our}, candidate ${their}`);
  };
  const money = (place: string, our: string, their: string | undefined) =>
    check(place, our, their, their !== undefined && isEqual(our, their));
  check("currency", ours.currency, theirs.currency, ours.currency === theirs.currency);
  money("total_excl_tax", ours.total_excl_tax, theirs.total_excl_tax);
  money("total_incl_tax", ours.total_incl_tax, theirs.total_incl_tax);
  for (const type of ["FLAT", "ENERGY", "TIME", "PARKING_TIME"] as const) {
    const our = ours.by_dimension[type];
    const their = theirs.by_dimension[type];
    for (const side of sides) money(`by_dimension.${type}.${side}`, our[side], their?.[side]);
    const billed = their === undefined ? undefined : text(exact(their.billed));
    check(`by_dimension.${type}.billed`, our.billed, billed, our.billed === billed);
  }
  return found;
}

function isEqual(ours: string, theirs: string): boolean {
  const [a, b] = [exact(ours), exact(theirs)];
  return a.over === b.over && a.under === b.under;
}

function differencesOf(ours: Outcome, theirs: Outcome): string[] {
  if ("refused" in ours) return "refused" in theirs ? [] : [`only the oracle refuses: ${ours.refused}`];
  if ("refused" in theirs) return [`only the candidate refuses: ${theirs.refused}`];
  return differences(ours.rated, theirs.rated);
}

const written = (outcome: Outcome) =>
  "refused" in outcome ? `refused: ${outcome.refused}` : JSON.stringify(outcome.rated, null, 1);

/**
 * Rates `runs` random cases both ways and throws on the first difference, shrunk to a small one, with the case
 * and both results.
 */
export function compare(candidate: Candidate, runs: number, options: Options = {}): void {
  const { moot = false, ...replay } = options;
  const details = fc.check(
    fc.property(cases(moot), (given) => {
      const found = differencesOf(outcomeOf(rateByTheBook, given), outcomeOf(candidate, given));
      if (found.length > 0) throw new Error(found.join("\n"));
    }),
    { numRuns: runs, ...replay },
  );
  if (!details.failed) return;
  const given = details.counterexample?.[0] as Case;
  const [ours, theirs] = [outcomeOf(rateByTheBook, given), outcomeOf(candidate, given)];
  throw new Error(
    [
      `the candidate differs after ${details.numRuns} runs (seed ${details.seed}, path "${details.counterexamplePath}"):`,
      ...differencesOf(ours, theirs),
      `session: ${JSON.stringify(given.session, null, 1)}`,
      `tariff: ${JSON.stringify(given.tariff, null, 1)}`,
      `oracle: ${written(ours)}`,
      `candidate: ${written(theirs)}`,
    ].join("\n"),
  );
}
