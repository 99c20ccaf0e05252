/**
 * Signed meter values of a session (OCMF 1.4.1): gathered while it is open, judged when it ends. They outrank every
 * other register; what they do not prove is held for a person, never mixed with unsigned values.
 */
import type { Hold, RegisterSegment, SessionRecord, SignedEvidence } from "../model/session.ts";
import { meterKeyKey, type SealedRef, type SignedFacts, type SignedReadingFact } from "../model/signed.ts";
import { type SignedEnergy, type SignedReading, signedEnergy } from "./ocmf/energy.ts";
import { checkedOf, serialOf } from "./ocmf/facts.ts";
import type { Reason } from "./ocmf/reasons.ts";
import type { OpenSession, SignedRun, SignedSeen } from "./session-part.ts";
import { endReadings } from "./session-readings.ts";
import type { Step } from "./session-step.ts";

/** Records kept whole, and runs of intermediate ones; what is lost beyond them shows as a gap in the pages. */
const MAX_RECORDS = 256;
/** Reasons told of one session. */
const MAX_REASONS = 20;
const ENDS = new Set(["E", "L", "R", "A", "P"]);

/** Takes a record that came with any message of the session; the same one again changes nothing. */
export function takeSigned(session: OpenSession, sealed: SealedRef | undefined): void {
  const { facts, mac } = sealed ?? {};
  if (!sealed || !facts || mac === undefined || session.signed.some((seen) => seen.mac === mac)) return;
  const has = (wanted: (tx: string) => boolean) => facts.readings.some(({ tx }) => tx !== null && wanted(tx));
  const ends = has((tx) => ENDS.has(tx));
  const nature = ends ? "End" : has((tx) => tx === "B") ? "Start" : "Intermediate";
  if (nature === "Intermediate" && runOn(session.signedRuns, facts)) return;
  const isNeeded = nature === "End" && lacksSignedEnd(session);
  if (session.signed.length >= MAX_RECORDS && !isNeeded) return;
  const { sealed_ref, sha256 } = sealed;
  session.signed.push({ nature, sealed_ref, sha256, mac, facts });
}

/** Adds an intermediate record to a run when only its page counts; false when it must be kept whole. */
function runOn(runs: SignedRun[], { pagination, ...facts }: SignedFacts): boolean {
  const page = Number(/^T(\d{1,15})$/.exec(pagination?.trim() ?? "")?.[1] ?? Number.NaN);
  const isSound = ({ tx, status, error_flags }: SignedReadingFact) =>
    tx !== "X" && status?.trim() === "G" && error_flags.trim() === "";
  if (Number.isNaN(page) || facts.verified !== true || facts.notes.length > 0) return false;
  if (facts.readings.length === 0 || !facts.readings.every(isSound)) return false;
  const shared: SignedFacts = { ...facts, pagination: null, readings: [] };
  const text = JSON.stringify(shared);
  const same = runs.filter((run) => JSON.stringify(run.facts) === text);
  if (same.some(({ from, to }) => page >= from && page <= to)) return true;
  const before = same.find(({ to }) => to === page - 1);
  const after = same.find(({ from }) => from === page + 1);
  if (before && after) {
    before.to = after.to;
    runs.splice(runs.indexOf(after), 1);
  } else if (before) before.to = page;
  else if (after) after.from = page;
  else if (runs.length < MAX_RECORDS) runs.push({ from: page, to: page, facts: shared });
  return true;
}

/** The accepted key of a meter. A serial is whatever a meter calls itself, `constructor` included. */
export function acceptedKey(keys: Readonly<Record<string, string>>, serial: string): string | undefined {
  return Object.hasOwn(keys, serial) ? keys[serial] : undefined;
}

export function setMeterKey(keys: Record<string, string>, serial: string, publicKey: string): void {
  const value = { value: publicKey, enumerable: true, configurable: true, writable: true };
  Object.defineProperty(keys, serial, value);
}

/** True while a session that began with a signed value still lacks the signed end. */
export function lacksSignedEnd({ signed }: OpenSession): boolean {
  return signed.some(({ nature }) => nature === "Start") && !signed.some(({ nature }) => nature === "End");
}

export interface SignedJudgement {
  evidence: SignedEvidence;
  holds: Hold[];
  /** What is billed: whole Wh, rounded down; null when nothing signed may be. */
  energyWh: number | null;
  segment: Omit<RegisterSegment, "from_ms" | "to_ms"> | null;
  /** The first key that this meter was heard with: it is accepted from here on. */
  firstKey: { serial: string; publicKey: string } | null;
}

/** Judges what came; undefined when nothing signed did. `keys`: accepted public keys (hex SPKI) by meter serial. */
export function judgeSigned(
  { signed, signedRuns }: Pick<OpenSession, "signed" | "signedRuns">,
  keys: Readonly<Record<string, string>>,
): SignedJudgement | undefined {
  if (signed.length === 0 && signedRuns.length === 0) return undefined;
  const whole = signed.findLast(isWhole);
  // One record with begin and end stands alone.
  const records = whole ? [whole] : byPage(signed, ({ facts }) => facts.pagination);
  const facts = whole
    ? [whole.facts]
    : byPage([...signed.map((seen) => seen.facts), ...signedRuns.flatMap(pagesOf)], (of) => of.pagination);
  const energy = signedEnergy(...facts.map(checkedOf));
  const serial = energy.serial ?? firstOf(facts, serialOfFacts) ?? "unknown";
  const key = firstOf(facts, ({ public_key }) => public_key);
  const accepted = acceptedKey(keys, serial);
  const isUntried = key === null && facts.every(({ verified }) => verified === null);
  const doubts = isUntried ? [keyMissing(serial)] : [keyHold(serial, key, accepted), signatureHold(energy)];
  const holds = doubts.filter((hold) => hold !== undefined);
  const isProven = energy.billable && energy.energy_wh !== null && key !== null;
  const energyWh = isProven ? wholeWh(energy.energy_wh ?? "") : null;
  const fromWh = wholeWh(energy.begin?.wh ?? "");
  return {
    evidence: {
      encoding_method: "OCMF",
      public_key: key,
      meter_serial: serial,
      values: records.map(({ nature, sealed_ref, sha256 }) => ({ nature, sealed_ref, sha256 })),
      verified: facts.every(({ verified }) => verified === true),
      reasons: told(energy.reasons.map(inWords)),
      begin: shown(energy.begin),
      end: shown(energy.end),
    },
    holds,
    energyWh,
    segment:
      energyWh !== null && fromWh !== null
        ? { meter_serial: serial, from_wh: fromWh, to_wh: fromWh + energyWh }
        : null,
    firstKey: isProven && accepted === undefined ? { serial, publicKey: key } : null,
  };
}

/** The meter's own signed word, where it has one, over what was read from its register. */
export function provenEnergy(
  session: OpenSession,
  signed: SignedJudgement | undefined,
  endedMs: number,
): Pick<SessionRecord, "segments" | "readings"> {
  const { main, readings, startedMs, stop } = session;
  if (!signed?.segment || signed.energyWh === null) return { segments: main.segments, readings };
  const toMs = stop?.ms ?? endedMs;
  if ((readings[0]?.at_ms ?? toMs) >= toMs)
    readings.splice(0, readings.length, { at_ms: startedMs, energy_wh: 0 });
  endReadings(readings, toMs, signed.energyWh);
  return { segments: [{ ...signed.segment, from_ms: startedMs, to_ms: toMs }], readings };
}

/** Number 1 of the meter: where a person was faster, theirs stands. */
export function acceptFirstKey(
  step: Step,
  { serial, publicKey }: { serial: string; publicKey: string },
): void {
  setMeterKey(step.site.meterKeys, serial, publicKey);
  step.out.touched("");
  step.out.emit({
    type: "meter_key.accepted",
    atMs: step.atMs,
    station: null,
    key: meterKeyKey(serial, 1),
    body: {
      meter_serial: serial,
      public_key: publicKey,
      by: "gateway",
      reason: `the first key that ${step.station} signed with`,
    },
  });
}

function isWhole({ facts }: SignedSeen): boolean {
  const tx = facts.readings.map((reading) => reading.tx ?? "");
  return tx.includes("B") && tx.some((letter) => ENDS.has(letter));
}

function pagesOf({ from, to, facts }: SignedRun): SignedFacts[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ ...facts, pagination: `T${from + i}` }));
}

/** In the order that they were made, where every page can be told. */
function byPage<T>(records: readonly T[], paginationOf: (record: T) => string | null): readonly T[] {
  const pages = records.map((record) => {
    const digits = /^[TF](\d{1,30})$/.exec(paginationOf(record)?.trim() ?? "")?.[1];
    return { record, page: digits === undefined ? null : BigInt(digits) };
  });
  if (pages.some(({ page }) => page === null)) return records;
  const order = ({ page: a }: { page: bigint | null }, { page: b }: { page: bigint | null }) =>
    (a ?? 0n) < (b ?? 0n) ? -1 : (a ?? 0n) > (b ?? 0n) ? 1 : 0;
  return pages.toSorted(order).map(({ record }) => record);
}

function keyMissing(serial: string): Hold {
  const detail = `no public key is known of meter ${serial}; register it: laddport meter-keys accept ${serial} --key KEY`;
  return { code: "SIGNATURE_KEY_UNKNOWN", detail };
}

function keyHold(serial: string, key: string | null, accepted: string | undefined): Hold | undefined {
  if (key === null || accepted === undefined || accepted === key) return undefined;
  const detail = `meter ${serial} signs with the key ...${key.slice(-16)}, accepted is ...${accepted.slice(-16)}; accept the new one or find out why it changed`;
  return { code: "SIGNATURE_KEY_UNKNOWN", detail };
}

function signatureHold({ reasons, billable }: SignedEnergy): Hold | undefined {
  if (billable) return undefined;
  const why = reasons.filter(({ concerns }) => concerns === "both" || concerns === "energy");
  return { code: "SIGNATURE_INVALID", detail: told(why.map(({ text }) => text)).join("; ") };
}

/** What hinders only billing by time says so; whether time is billed is for the clocks to decide. */
function inWords({ concerns, text }: Reason): string {
  return concerns === "time" ? `for time only: ${text}` : text;
}

function told(reasons: readonly string[]): string[] {
  if (reasons.length <= MAX_REASONS) return [...reasons];
  return [...reasons.slice(0, MAX_REASONS), `and ${reasons.length - MAX_REASONS} more reasons`];
}

function serialOfFacts({ meter_serial, gateway_serial }: SignedFacts): string | null {
  return serialOf({ meter: { serial: meter_serial }, gateway: { serial: gateway_serial } });
}

function firstOf<T>(facts: readonly SignedFacts[], pick: (facts: SignedFacts) => T | null): T | null {
  for (const some of facts) {
    const found = pick(some);
    if (found !== null) return found;
  }
  return null;
}

/** Whole Wh of exact decimal text, rounded down: nobody pays for a fraction that no register shows. */
function wholeWh(text: string): number | null {
  const whole = /^\d+/.exec(text)?.[0];
  return whole === undefined || !Number.isSafeInteger(Number(whole)) ? null : Number(whole);
}

function shown(reading: SignedReading | null): SignedEvidence["begin"] {
  if (!reading) return null;
  const { value, unit, time } = reading;
  return { value: value ?? "", unit: unit ?? "", time: time ?? "" };
}
