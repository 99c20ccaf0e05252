/**
 * A meter that signs its readings at the begin and the end of a transaction: OCMF 1.4.1, ECDSA on secp256r1 (the
 * format's default) with a key of its own. Its pages count through its life.
 */
import { generateKeyPairSync, sign } from "node:crypto";

export interface SignedValue {
  format: "OCMF";
  data: string;
  /** SubjectPublicKeyInfo, hex. */
  public_key: string;
}

export interface OcmfMeter {
  /** `tx`: B at the begin, E at the end. `atMs` on the meter's clock, which says that it is synchronised. */
  value(tx: "B" | "E", reading: { atMs: number; wh: number; tokenUid: string }): SignedValue;
}

export function createOcmfMeter(serial: string): OcmfMeter {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const spki = publicKey.export({ format: "der", type: "spki" }).toString("hex");
  let page = 0;
  return {
    value(tx, { atMs, wh, tokenUid }) {
      page += 1;
      const reading = { TM: timeOf(atMs), TX: tx, RV: kwhOf(wh), RI: "1-b:1.8.0", RU: "kWh", RT: "AC" };
      const payload = JSON.stringify({
        FV: "1.4",
        GI: "Laddport simulator",
        GS: serial,
        PG: `T${page}`,
        MV: "Laddport",
        MM: "Simulated meter",
        MS: serial,
        IS: true,
        IL: "VERIFIED",
        IF: ["RFID_PLAIN"],
        IT: "ISO14443",
        ID: tokenUid,
        RD: [{ ...reading, EF: "", ST: "G" }],
      });
      const signature = sign("sha256", Buffer.from(payload), privateKey).toString("hex");
      const section = JSON.stringify({ SA: "ECDSA-secp256r1-SHA256", SD: signature });
      return { format: "OCMF", data: `OCMF|${payload}|${section}`, public_key: spki };
    },
  };
}

/** `2026-03-01T10:00:00,000+0000 S`. */
function timeOf(atMs: number): string {
  return `${new Date(Math.round(atMs)).toISOString().replace(".", ",").replace("Z", "+0000")} S`;
}

function kwhOf(wh: number): string {
  return `${Math.floor(wh / 1000)}.${String(wh % 1000).padStart(3, "0")}`;
}
