/**
 * Proves a CDR: rates its session again and compares every field, and checks what a bill promises by itself. It judges
 * and never rewrites: where the rules differ from those the CDR names, it says what that changes.
 */
import type { Cdr, Price } from "../model/cdr.ts";
import { exact, fixed } from "../model/money.ts";
import type { SessionRecord } from "../model/session.ts";
import { cdrOf } from "./cdr.ts";
import { creditOf } from "./credit.ts";
import { type Difference, differencesOf } from "./differences.ts";
import { sumOf } from "./explain.ts";
import { completeCdr, completeSession } from "./older-cdr.ts";
import { judge, RATING } from "./rate.ts";

/** What a CDR is proven with. */
export interface Proof {
  /** The records it may come from, the likeliest first; none for a credit. */
  records: readonly SessionRecord[];
  /** What a credit takes back. */
  original?: Cdr;
  /** SHA-256, hex, of the canonical JSON of the CDR's tariff. */
  tariffHash: string;
  /** Version of the time zone data here (`process.versions.tz`). */
  tzdata: string;
}

/** A name of the CDR's `rules` whose value is another here. */
export interface RulesDifference {
  what: "rules" | "rounding" | "tzdata";
  stored: string;
  here: string;
}

export interface Verdict {
  /** `other_rules`: nothing is wrong, but it was not rated under the rules that are here. */
  outcome: "same" | "different" | "other_rules";
  /** What was compared, in words. */
  compared: string[];
  /** Fields that rating again gives another value. */
  differences: Difference[];
  /** What does not hold by the CDR itself, in words. */
  faults: string[];
  rules: RulesDifference[];
  /** Which of `Proof.records` it was compared with; null when with none. */
  record: number | null;
  /** Why rating here gives no bill at all; null when it gives one. */
  unrated: string | null;
  /** What rating here would add to the totals and to what is asked for; null when it gave no bill. */
  money: (Price & { payable: string }) | null;
}

export function verifyCdr(cdr: Cdr, proof: Proof): Verdict {
  const rules = rulesDifferences(cdr, proof.tzdata);
  const faults = ownFaults(cdr, proof.tariffHash);
  const again = cdr.credit ? negatedAgain(cdr, proof.original) : ratedAgain(cdr, proof);
  const { differences } = again;
  // A credit is the negated original, under whichever rules that was rated.
  const excused = rules.length > 0 && !cdr.credit;
  if (again.fault !== undefined) faults.push(again.fault);
  if (again.unrated !== undefined && !excused) faults.push(again.unrated);
  const different = faults.length > 0 || (differences.length > 0 && !excused);
  return {
    outcome: different ? "different" : excused ? "other_rules" : "same",
    compared: [...again.compared, "hash of the tariff", `sum of ${cdr.lines.length} lines`],
    differences,
    faults,
    rules: cdr.credit ? [] : rules,
    record: again.record ?? null,
    unrated: again.unrated ?? null,
    money: again.computed ? moneyBetween(completeCdr(cdr), again.computed) : null,
  };
}

interface Again {
  computed?: Cdr;
  record?: number;
  differences: Difference[];
  compared: string[];
  /** What no other rules could excuse. */
  fault?: string;
  unrated?: string;
}

function ratedAgain(cdr: Cdr, { records, tzdata }: Proof): Again {
  const tries = records.map((record, i) => ({ ...rateRecord(cdr, record, tzdata), record: i }));
  const found = tries.find(({ unrated, differences }) => unrated === undefined && differences.length === 0);
  return (
    found ??
    tries[0] ?? { differences: [], compared: [], fault: `the log has no session ${cdr.session_id} to rate` }
  );
}

function rateRecord(cdr: Cdr, record: SessionRecord, tzdata: string): Again {
  const context = { site: cdr.cdr_location.id, tzdata };
  let rated: Cdr | undefined;
  try {
    const whole = completeSession(record, cdr.time_zone ?? "UTC");
    const { rated: possible, holds } = judge(whole);
    if (!possible)
      return {
        differences: [],
        compared: [],
        unrated: `the session cannot be rated again: ${holds[0]?.detail}`,
      };
    // A release sets aside what rating found, too; what the record itself is held for, it has not.
    rated = whole.held.length > 0 ? undefined : cdrOf(whole, context, true);
  } catch (error) {
    const unrated = `the session cannot be rated again: ${(error as Error).message}`;
    return { differences: [], compared: [], unrated };
  }
  if (!rated)
    return {
      differences: [],
      compared: [],
      unrated: "the session gives no bill here: it waits for a person, or nothing in it is billable",
    };
  // A bill after a correction has a name of its own and says what it corrects: that is not of the rating.
  const { id, remark } = cdr;
  const computed = { ...rated, id, ...(remark === undefined ? {} : { remark }) };
  return {
    computed,
    differences: differencesOf(cdr, computed),
    compared: [`${Object.keys(cdr).length} fields with the session rated again`],
  };
}

/** A credit is its original with every amount negated. */
function negatedAgain(cdr: Cdr, original: Cdr | undefined): Again {
  if (!original) {
    const fault = `the log has no CDR ${cdr.credit_reference_id ?? "(unnamed)"}, which this credits`;
    return { differences: [], compared: [], fault };
  }
  const differences = differencesOf(cdr, creditOf(original, cdr.remark ?? ""));
  const compared = [`${Object.keys(cdr).length} fields with ${original.id} negated`];
  const wrong = differences.length > 0;
  return { differences, compared, ...(wrong ? { fault: `it is not ${original.id} negated` } : {}) };
}

function ownFaults(stored: Cdr, tariffHash: string): string[] {
  const cdr = completeCdr(stored);
  const faults: string[] = [];
  if (cdr.tariff.hash !== tariffHash)
    faults.push(`tariff.hash is ${cdr.tariff.hash}, the tariff in the CDR hashes to ${tariffHash}`);
  const sum = sumOf(cdr.lines);
  for (const side of ["excl_vat", "incl_vat"] as const)
    if (!exact(sum[side]).equals(exact(cdr.total_cost[side])))
      faults.push(`total_cost.${side} is ${cdr.total_cost[side]}, its lines sum to ${sum[side]}`);
  const { amount, rounding } = cdr.payable;
  if (!exact(amount).sub(exact(rounding)).equals(exact(cdr.total_cost.incl_vat)))
    faults.push(
      `payable is ${amount} with rounding ${rounding}, total_cost.incl_vat ${cdr.total_cost.incl_vat}`,
    );
  return faults;
}

function rulesDifferences({ rules }: Cdr, tzdata: string): RulesDifference[] {
  const pairs = [
    { what: "rules", stored: rules.version, here: RATING.version },
    { what: "rounding", stored: rules.rounding, here: RATING.rounding },
    { what: "tzdata", stored: rules.tzdata, here: tzdata },
  ] as const;
  return pairs.filter(({ stored, here }) => stored !== here);
}

function moneyBetween(stored: Cdr, computed: Cdr): Price & { payable: string } {
  const between = (from: string, to: string) => fixed(exact(to).sub(exact(from)), 4);
  const [before, after] = [stored.total_cost, computed.total_cost];
  return {
    excl_vat: between(before.excl_vat, after.excl_vat),
    incl_vat: between(before.incl_vat, after.incl_vat),
    payable: between(stored.payable.amount, computed.payable.amount),
  };
}
