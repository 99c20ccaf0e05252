/** Records signed on the spot, with the keys to check them. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { CURVES, type Curve } from "../../../src/rules/ocmf/curves.ts";
import { type OcmfRecord, parseOcmf } from "../../../src/rules/ocmf/record.ts";
import type { CheckedRecord } from "../../../src/rules/ocmf/transaction.ts";
import { verifyOcmf } from "../../../src/rules/ocmf/verify.ts";

export interface Signer {
  curve: Curve;
  privateKey: KeyObject;
  /** SubjectPublicKeyInfo, hex. */
  key: string;
}

export function signerOn(name = "secp256r1"): Signer {
  const curve = CURVES.find((known) => known.name === name);
  if (!curve) throw new Error(`no curve ${name}`);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve.openssl });
  return { curve, privateKey, key: publicKey.export({ format: "der", type: "spki" }).toString("hex") };
}

export const METER = signerOn();

export type Fields = Record<string, unknown>;

export const BEGIN: Fields = {
  TM: "2026-03-01T10:00:00,000+0100 S",
  TX: "B",
  RV: "100.500",
  RI: "1-b:1.8.0",
  RU: "kWh",
  RT: "AC",
  EF: "",
  ST: "G",
};
export const END: Fields = { ...BEGIN, TM: "2026-03-01T11:00:00,000+0100 S", TX: "E", RV: "112.750" };

/** A payload of a transaction from 100.500 to 112.750 kWh, with what a test changes. */
export function payload(changes: Fields = {}): string {
  return JSON.stringify({
    FV: "1.4",
    GI: "Gate",
    GS: "G-1",
    GV: "1.0",
    PG: "T7",
    MV: "Meters",
    MS: "M-1",
    IS: true,
    IL: "VERIFIED",
    IF: ["RFID_PLAIN"],
    IT: "ISO14443",
    ID: "04A1B2C3",
    RD: [BEGIN, END],
    ...changes,
  });
}

export interface How {
  signer?: Signer;
  encoding?: "hex" | "base64";
  /** Raw r and s instead of DER. */
  raw?: boolean;
  hash?: "sha256" | "sha384" | "sha512";
  /** Null leaves SA out. */
  algorithm?: string | null;
}

export function signedText(data: string, how: How = {}): string {
  const { signer = METER, encoding = "hex", raw = false, hash = "sha256" } = how;
  const signature = sign(hash, Buffer.from(data, "utf8"), {
    key: signer.privateKey,
    dsaEncoding: raw ? "ieee-p1363" : "der",
  });
  const algorithm =
    how.algorithm === undefined ? `ECDSA-${signer.curve.name}-${hash.toUpperCase()}` : how.algorithm;
  const section = {
    ...(algorithm === null ? {} : { SA: algorithm }),
    ...(encoding === "hex" ? {} : { SE: encoding }),
    SD: signature.toString(encoding),
  };
  return `OCMF|${data}|${JSON.stringify(section)}`;
}

/** Signed, parsed and checked with the key that fits. */
export function checkedRecord(changes: Fields = {}, how: How = {}): CheckedRecord<OcmfRecord> {
  const record = parseOcmf(signedText(payload(changes), how));
  return { record, verification: verifyOcmf(record, (how.signer ?? METER).key) };
}
