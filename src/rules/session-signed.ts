/**
 * Signed meter values of a session (OCMF 1.4.1): gathered while it is open, judged when it ends. They outrank every
 * other register; what they do not prove is held for a person, never mixed with unsigned values.
 */
import type { Hold, RegisterSegment, SignedEvidence } from "../model/session.ts";
import type { SealedRef, SignedFacts } from "../model/signed.ts";
import { type SignedEnergy, type SignedReading, signedEnergy } from "./ocmf/energy.ts";
import { checkedOf, serialOf } from "./ocmf/facts.ts";
import type { OpenSession, SignedSeen } from "./session-part.ts";

/** A record a minute for five days is 7,200; beyond this only begin, end and exceptions are kept, and the gap shows. */
const MAX_RECORDS = 8_000;
const ENDS = new Set(["E", "L", "R", "A", "P"]);

/** Takes a record that came with any message of the session; the same one again changes nothing. */
export function takeSigned(session: OpenSession, signed: SealedRef | undefined): void {
  const { facts, mac } = signed ?? {};
  if (!signed || !facts || mac === undefined || session.signed.some((seen) => seen.mac === mac)) return;
  const has = (wanted: (tx: string) => boolean) => facts.readings.some(({ tx }) => tx !== null && wanted(tx));
  const ends = has((tx) => ENDS.has(tx));
  const nature = ends ? "End" : has((tx) => tx === "B") ? "Start" : "Intermediate";
  const matters = nature !== "Intermediate" || has((tx) => tx === "X") || facts.readings.length === 0;
  if (!matters && session.signed.length >= MAX_RECORDS) return;
  const { sealed_ref, sha256 } = signed;
  // Of what lies between only the page and the signature count.
  const kept = matters ? facts : { ...facts, readings: [] };
  session.signed.push({ nature, sealed_ref, sha256, mac, facts: kept });
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
  /** The signed clock may be trusted for durations and times. */
  timeBillable: boolean;
}

/** Judges what came; undefined when nothing signed did. `keys`: accepted public keys (hex SPKI) by meter serial. */
export function judgeSigned(
  signed: readonly SignedSeen[],
  keys: Readonly<Record<string, string>>,
): SignedJudgement | undefined {
  if (signed.length === 0) return undefined;
  const records = ordered(signed);
  const energy = signedEnergy(...records.map(({ facts }) => checkedOf(facts)));
  const facts = records.map((seen) => seen.facts);
  const serial = energy.serial ?? firstOf(facts, serialOfFacts) ?? "unknown";
  const key = firstOf(facts, ({ public_key }) => public_key);
  const accepted = keys[serial];
  const holds = [keyHold(serial, key, accepted), signatureHold(energy, key)].filter((h) => h !== undefined);
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
      reasons: energy.reasons.map(({ text }) => text),
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
    timeBillable: energy.time_billable,
  };
}

/** One record with begin and end stands alone; else all, by their page. */
function ordered(signed: readonly SignedSeen[]): readonly SignedSeen[] {
  const whole = signed.findLast(({ facts }) => {
    const tx = facts.readings.map((reading) => reading.tx ?? "");
    return tx.includes("B") && tx.some((letter) => ENDS.has(letter));
  });
  if (whole) return [whole];
  const page = ({ facts }: SignedSeen) => /^[TF](\d{1,30})$/.exec(facts.pagination?.trim() ?? "")?.[1];
  if (signed.some((seen) => page(seen) === undefined)) return signed;
  return signed.toSorted((a, b) => {
    const [x, y] = [BigInt(page(a) ?? 0), BigInt(page(b) ?? 0)];
    return x < y ? -1 : x > y ? 1 : 0;
  });
}

function keyHold(serial: string, key: string | null, accepted: string | undefined): Hold | undefined {
  if (key === null) {
    const detail = `no public key is known of meter ${serial}; register it: laddport meter-keys accept ${serial}`;
    return { code: "SIGNATURE_KEY_UNKNOWN", detail };
  }
  if (accepted === undefined || accepted === key) return undefined;
  const detail = `meter ${serial} signs with the key ...${key.slice(-16)}, accepted is ...${accepted.slice(-16)}; accept the new one or find out why it changed`;
  return { code: "SIGNATURE_KEY_UNKNOWN", detail };
}

function signatureHold({ reasons, billable }: SignedEnergy, key: string | null): Hold | undefined {
  if (billable || key === null) return undefined;
  const why = reasons.filter(({ concerns }) => concerns === "both" || concerns === "energy");
  return { code: "SIGNATURE_INVALID", detail: why.map(({ text }) => text).join("; ") };
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
