/**
 * Signed meter values in the Open Charge Metering Format (SAFE e.V., OCMF 1.4.1): `OCMF|payload|signature`. The signed
 * bytes are kept as they came; everything else here is a reading of them. Drafts from 0.1 on are read too: they name
 * the gateway in `VI` and `VV`, put the level of the user assignment in `IS` and write `RV` as text.
 */
import { OcmfError } from "./error.ts";
import { isObject, type JsonObject, losslessObject, textField, textsField } from "./fields.ts";
import { type OcmfReading, parseReadings } from "./reading.ts";

export interface OcmfRecord {
  /** The whole record without byte order mark and surrounding white space. */
  bytes: Buffer;
  /** What the signature covers: everything between the first and the last `|`. */
  signed: Buffer;
  /** FV. */
  formatVersion: string | null;
  /** GI, GS, GV: the signing component. */
  gateway: { id: string | null; serial: string | null; version: string | null };
  /** PG as written: `T12` of a transaction, `F12` fiscal. */
  pagination: string | null;
  /** MV, MM, MS, MF. */
  meter: { vendor: string | null; model: string | null; serial: string | null; firmware: string | null };
  /** IS, IL, IF, IT, ID: who charged. `data` is personal. */
  identification: {
    status: boolean | null;
    level: string | null;
    flags: readonly string[];
    type: string | null;
    data: string | null;
  };
  /** TT. */
  tariffText: string | null;
  /** CF: firmware of the charge controller. */
  controllerFirmware: string | null;
  /** LC: cable resistance that the meter compensates, digits as written; unit mOhm or uOhm. */
  lossCompensation: {
    name: string | null;
    id: string | null;
    resistance: string | null;
    unit: string | null;
  } | null;
  /** CT, CI. */
  chargePoint: { type: string | null; id: string | null };
  readings: readonly OcmfReading[];
  /** SA, SE, SM, SD as written; null where the default applies. */
  signature: { algorithm: string | null; encoding: string | null; mime: string | null; data: string };
}

const PIPE = 0x7c;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Reads one record, text or bytes. Throws `OcmfError` that names the field and the value seen. */
export function parseOcmf(input: string | Uint8Array): OcmfRecord {
  const bytes = trimmed(typeof input === "string" ? Buffer.from(input, "utf8") : Buffer.from(input));
  const first = bytes.indexOf(PIPE);
  const last = bytes.lastIndexOf(PIPE);
  const header = bytes
    .subarray(0, first < 0 ? 40 : first)
    .toString("utf8")
    .trim();
  if (first < 0 || header !== "OCMF") throw new OcmfError("header", 'must be "OCMF|"', header);
  if (last === first)
    throw new OcmfError("signature", "is missing: a record is OCMF|payload|signature and has two |");
  const signed = bytes.subarray(first + 1, last);
  const payload = losslessObject(signed.toString("utf8"), "payload");
  const signature = losslessObject(bytes.subarray(last + 1).toString("utf8"), "signature");
  return { bytes, signed, ...payloadFields(payload), signature: signatureFields(signature) };
}

function payloadFields(payload: JsonObject): Omit<OcmfRecord, "bytes" | "signed" | "signature"> {
  const text = (key: string) => textField(payload, key);
  return {
    formatVersion: text("FV"),
    gateway: { id: text("GI") ?? text("VI"), serial: text("GS"), version: text("GV") ?? text("VV") },
    pagination: text("PG"),
    meter: { vendor: text("MV"), model: text("MM"), serial: text("MS"), firmware: text("MF") },
    identification: {
      ...assignment(payload),
      flags: textsField(payload, "IF"),
      type: text("IT"),
      data: text("ID"),
    },
    tariffText: text("TT"),
    controllerFirmware: text("CF"),
    lossCompensation: lossCompensation(payload.LC),
    chargePoint: { type: text("CT"), id: text("CI") },
    readings: parseReadings(payload.RD),
  };
}

/** Drafts up to 0.4 wrote the level into IS, where a yes or no stands since. */
function assignment(payload: JsonObject): { status: boolean | null; level: string | null } {
  const level = textField(payload, "IL");
  const status = payload.IS ?? null;
  if (status === null || typeof status === "boolean") return { status, level };
  if (typeof status !== "string") throw new OcmfError("IS", "must be true or false", status);
  if (/^(true|false)$/i.test(status)) return { status: status.toLowerCase() === "true", level };
  return { status: null, level: level ?? status };
}

function lossCompensation(value: unknown): OcmfRecord["lossCompensation"] {
  if (value === undefined || value === null) return null;
  if (!isObject(value)) throw new OcmfError("LC", "must be an object", value);
  const text = (key: string) => textField(value, key, "LC.");
  return { name: text("LN"), id: text("LI"), resistance: text("LR"), unit: text("LU") };
}

function signatureFields(signature: JsonObject): OcmfRecord["signature"] {
  const text = (key: string) => textField(signature, key);
  const data = text("SD");
  if (data === null || data.trim() === "") throw new OcmfError("SD", "is missing: the record is not signed");
  return { algorithm: text("SA"), encoding: text("SE"), mime: text("SM"), data };
}

function trimmed(bytes: Buffer): Buffer {
  const isSpace = (byte: number | undefined) => byte !== undefined && (byte <= 0x20 || byte === 0x7f);
  const mark = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  let from = mark;
  let to = bytes.length;
  while (from < to && isSpace(bytes[from])) from++;
  while (to > from && isSpace(bytes[to - 1])) to--;
  return bytes.subarray(from, to);
}
