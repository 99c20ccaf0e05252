/** Signed records on their way through the log: everything that judging needs, nothing that names a person. */
import type { SignedFacts, SignedReadingFact } from "../../model/signed.ts";
import { OcmfError, withoutSeen } from "./error.ts";
import type { OcmfReading } from "./reading.ts";
import { parseOcmf } from "./record.ts";
import type { CheckedRecord } from "./transaction.ts";
import { verifyOcmf } from "./verify.ts";

/** Readings of one record that are kept; begin and end are two. */
const MOST_READINGS = 500;

/** What an unreadable record is kept as: it proves nothing, and says why. */
const UNREADABLE: Omit<SignedFacts, "reasons"> = {
  pagination: null,
  meter_serial: null,
  gateway_serial: null,
  user_level: null,
  user: null,
  readings: [],
  verified: false,
  algorithm: "",
  curve: null,
  public_key: null,
  notes: [],
};

export interface SignedSource {
  /** The public key that came with the record. */
  publicKey: string | null;
  /** The key registered for a meter (hex SPKI), where the record came without one. */
  keyOf(meterSerial: string): string | undefined;
  /** The pseudonym of an identification. */
  pseudonymOf(identification: { type: string | null; data: string }): string;
}

/** Reads and checks a record at the door. Never throws for what the record says. */
export function signedFacts(data: string, source: SignedSource): SignedFacts {
  try {
    const record = parseOcmf(data);
    const { length } = record.readings;
    if (length > MOST_READINGS)
      throw new OcmfError("RD", `has ${length} readings; at most ${MOST_READINGS} are kept`);
    const serial = serialOf(record);
    const key = source.publicKey ?? (serial === null ? undefined : source.keyOf(serial)) ?? null;
    const verification = verifyOcmf(record, key);
    const { type, data: user, level } = record.identification;
    return {
      pagination: record.pagination,
      meter_serial: record.meter.serial,
      gateway_serial: record.gateway.serial,
      user_level: level,
      user: user?.trim() ? source.pseudonymOf({ type, data: user.trim() }) : null,
      readings: record.readings.map(readingFact),
      verified: verification.verified,
      algorithm: verification.algorithm,
      curve: verification.curve,
      public_key: verification.key,
      reasons: verification.reasons.map(withoutSeen),
      notes: [...verification.notes],
    };
  } catch (error) {
    if (error instanceof OcmfError) return { ...UNREADABLE, reasons: [withoutSeen(error.message)] };
    throw error;
  }
}

/** The serial that keys are registered under: of the meter, else of the gateway that signs for it. */
export function serialOf(record: {
  meter: { serial: string | null };
  gateway: { serial: string | null };
}): string | null {
  return record.meter.serial?.trim() || record.gateway.serial?.trim() || null;
}

function readingFact(reading: OcmfReading): SignedReadingFact {
  return {
    time: reading.time,
    time_ms: reading.timeMs,
    time_status: reading.timeStatus,
    tx: reading.tx,
    value: reading.value,
    register: reading.register,
    unit: reading.unit,
    error_flags: reading.errorFlags,
    status: reading.status,
    event_counter: reading.eventCounter,
  };
}

/** The record again, as far as `signedEnergy` looks at it. */
export function checkedOf(facts: SignedFacts): CheckedRecord {
  return {
    record: {
      pagination: facts.pagination,
      meter: { serial: facts.meter_serial },
      gateway: { serial: facts.gateway_serial },
      identification: { level: facts.user_level, data: facts.user },
      readings: facts.readings.map((reading) => ({
        time: reading.time,
        timeMs: reading.time_ms,
        timeStatus: reading.time_status,
        tx: reading.tx,
        value: reading.value,
        register: reading.register,
        unit: reading.unit,
        currentType: null,
        cumulatedLoss: null,
        errorFlags: reading.error_flags,
        status: reading.status,
        eventCounter: reading.event_counter,
      })),
    },
    verification: {
      verified: facts.verified,
      algorithm: facts.algorithm,
      curve: facts.curve,
      key: facts.public_key,
      reasons: facts.reasons,
      notes: facts.notes,
    },
  };
}
