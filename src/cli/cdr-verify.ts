/** `laddport cdr verify`: rates bills again from the log and says where they differ. It never writes. */
import { cdrHash } from "../documents/cdr-hash.ts";
import { LaddportError } from "../errors.ts";
import type { SqliteReader } from "../log/sqlite-reader.ts";
import { completeSession } from "../rules/older-cdr.ts";
import { type Verdict, verifyCdr } from "../rules/verify-cdr.ts";
import { tariffVersion } from "../workers/folds.ts";
import {
  cdrsOf,
  creditedBy,
  EXPIRED,
  findCdr,
  type Issued,
  isExpired,
  noCdr,
  type RecordSeen,
  recordsBehind,
} from "./cdr-log.ts";
import { proveFromSamples, type SampleProof } from "./cdr-samples.ts";
import { openLog, proveFacts } from "./log.ts";
import { type CommandIo, EXIT } from "./output.ts";

export interface VerifyOptions {
  data: string;
  id?: string;
  all?: boolean;
  /** Whether to read the samples again. */
  samples: boolean;
  /** Whether to tell how far `--all` is. */
  progress: boolean;
  json?: boolean;
}

/** `expired`: retention has emptied what the bill came from. */
type Outcome = Verdict["outcome"] | "expired";

interface Verified {
  id: string;
  /** Of the CDR as it is stored; receipts and statements name the same. */
  sha256: string;
  outcome: Outcome;
  verdict: Verdict;
  from: Pick<RecordSeen, "type" | "offset"> | null;
  samples: SampleProof | null;
}

export async function cdrVerify(options: VerifyOptions, io: CommandIo): Promise<number> {
  if ((options.id === undefined) === (options.all !== true))
    throw new LaddportError("LP803", "name one CDR, or ask for --all", {
      fix: "Write laddport cdr verify ID, or laddport cdr verify --all.",
    });
  const reader = openLog(options.data);
  const say = (verified: Verified) =>
    io.stdout.write(options.json ? `${JSON.stringify(jsonOf(verified))}\n` : verifiedText(verified));
  try {
    if (options.id !== undefined) {
      const issued = await findCdr(reader, options.id);
      if (!issued) {
        if (await isExpired(reader, options.id)) sayExpired(options, options.id, io);
        else io.stderr.write(await noCdr(options.data, options.id));
        return EXIT.failed;
      }
      const verified = await verify(reader, issued, options.samples);
      say(verified);
      return EXITS[verified.outcome];
    }
    return await verifyEach(reader, options, io, say);
  } finally {
    await reader.close();
  }
}

function sayExpired({ json }: VerifyOptions, id: string, io: CommandIo): void {
  io.stdout.write(json ? `${JSON.stringify({ id, outcome: "expired" })}\n` : `${id}: expired, ${EXPIRED}\n`);
}

const EXITS: Record<Outcome, number> = {
  expired: EXIT.failed,
  same: EXIT.ok,
  different: EXIT.failed,
  other_rules: EXIT.otherRules,
};

async function verifyEach(
  reader: SqliteReader,
  options: VerifyOptions,
  io: CommandIo,
  say: (verified: Verified) => void,
): Promise<number> {
  const counts = { same: 0, different: 0, other_rules: 0, expired: 0 };
  let done = 0;
  for await (const issued of cdrsOf(reader)) {
    done += 1;
    const verified = await verify(reader, issued, options.samples);
    counts[verified.outcome] += 1;
    if (options.json || worthTelling(verified)) say(verified);
    if (options.progress && done % 20 === 0) io.stderr.write(`\r${done} CDRs verified`);
  }
  if (options.progress) io.stderr.write("\r\x1b[K");
  // A bill that was taken out of the log can only be missed in its chain.
  const { facts, damage } = proveFacts(options.data);
  if (options.json) io.stdout.write(`${JSON.stringify({ summary: counts, log: { facts, damage } })}\n`);
  else {
    for (const { chain, offset, what } of damage) io.stdout.write(`log, ${chain} ${offset}: ${what}\n`);
    if (damage.length > 0) io.stdout.write("the log was ALTERED: laddport log verify says more\n");
    io.stdout.write(
      `${done} CDRs: ${counts.same} same, ${counts.different} different, ${counts.other_rules} rated under other rules${counts.expired > 0 ? `, ${counts.expired} expired` : ""}\n`,
    );
  }
  return counts.different > 0 || damage.length > 0
    ? EXIT.failed
    : counts.other_rules > 0
      ? EXIT.otherRules
      : EXIT.ok;
}

/** Of a whole log: other rules that change no money are only counted. */
function worthTelling({ outcome, verdict }: Verified): boolean {
  return (
    outcome === "different" || (outcome === "other_rules" && (!verdict.money || !isNothing(verdict.money)))
  );
}

async function verify(reader: SqliteReader, issued: Issued, withSamples: boolean): Promise<Verified> {
  const cdr = issued.body;
  const records = cdr.credit ? [] : await recordsBehind(reader, issued);
  const original = await creditedBy(reader, cdr);
  const verdict = verifyCdr(cdr, {
    records: records.map(({ record }) => record),
    ...(original ? { original } : {}),
    tariffHash: tariffVersion(cdr.tariff.body).hash,
    tzdata: process.versions.tz ?? "unknown",
  });
  const source = records[verdict.record ?? 0];
  const samples =
    withSamples && source
      ? await proveFromSamples(reader, completeSession(source.record, cdr.time_zone ?? "UTC"), source.offset)
      : null;
  const from = cdr.credit_reference_id ?? cdr.session_id;
  const hasSource = cdr.credit ? original !== undefined : records.length > 0;
  const expired = !hasSource && (await isExpired(reader, from));
  return {
    id: cdr.id,
    sha256: cdrHash(cdr),
    outcome: expired ? "expired" : samples?.result === "differs" ? "different" : verdict.outcome,
    verdict,
    from: source ? { type: source.type, offset: source.offset } : null,
    samples,
  };
}

function jsonOf({ id, sha256, outcome, verdict, from, samples }: Verified): object {
  const { outcome: _, record: __, ...rest } = verdict;
  return { id, sha256, outcome, ...rest, from, samples };
}

const OUTCOMES: Record<Outcome, string> = {
  expired: `expired, what it came from is gone: ${EXPIRED}`,
  same: "same",
  different: "DIFFERENT",
  other_rules: "rated under other rules",
};

function verifiedText({ id, sha256, outcome, verdict, from, samples }: Verified): string {
  if (outcome === "expired") return `${id}: ${OUTCOMES.expired}\n`;
  const lines = [
    `${id}: ${OUTCOMES[outcome]}`,
    `  compared: ${verdict.compared.join(", ")}${from ? `; from ${from.type} at offset ${from.offset}` : ""}`,
    `  SHA-256 ${sha256}`,
    ...verdict.faults.map((fault) => `  ${fault}`),
    ...verdict.rules.map(({ what, stored, here }) => `  differs: ${what} ${stored} -> ${here}`),
    ...(verdict.unrated !== null && outcome === "other_rules" ? [`  rated here: ${verdict.unrated}`] : []),
    // Other rules have other fields too; --json names them.
    ...(outcome === "other_rules" ? [] : verdict.differences).map(
      ({ path, stored, computed }) =>
        `  ${path}: stored ${stored ?? "nothing"}, computed ${computed ?? "nothing"}`,
    ),
    ...moneyText(verdict),
    ...(samples ? [`  from samples: ${sampleText(samples)}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function moneyText({ money, rules, differences }: Verdict): string[] {
  if (!money || (rules.length === 0 && differences.length === 0)) return [];
  return [
    isNothing(money)
      ? "  in money: no difference"
      : `  in money: rating here changes it by ${money.excl_vat} net, ${money.incl_vat} gross, ${money.payable} to pay`,
  ];
}

function isNothing(money: NonNullable<Verdict["money"]>): boolean {
  return Object.values(money).every((amount) => /^-?[0.]+$/.test(amount));
}

function sampleText(proof: SampleProof): string {
  if (proof.result === "pruned") return `pruned (through offset ${proof.through})`;
  if (proof.result === "none") return "none in the log";
  const { result, readings, from_wh, to_wh, why } = proof;
  const figures = `${readings} readings from ${from_wh} to ${to_wh} Wh`;
  return result === "agrees" ? `agrees (${figures})` : `${result}: ${why} (${figures})`;
}
