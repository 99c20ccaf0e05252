/** Records of real meters; records/README.md names their source. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { signedEnergy } from "../../../src/rules/ocmf/energy.ts";
import { parseOcmf } from "../../../src/rules/ocmf/record.ts";
import { findRecords } from "../../../src/rules/ocmf/sources.ts";
import { verifyOcmf } from "../../../src/rules/ocmf/verify.ts";

const file = (name: string) => readFileSync(new URL(`records/${name}`, import.meta.url));

function checked(name: string, options: { key?: Uint8Array; lenient?: boolean } = {}) {
  return findRecords(file(name)).map(({ bytes, key }) => {
    const record = parseOcmf(bytes);
    return {
      record,
      verification: verifyOcmf(record, options.key ?? key, { lenient: options.lenient ?? false }),
    };
  });
}

it.each([
  ["keba-kcp30.xml", "secp256r1", "0.1", "17619300", true],
  ["nzr-brainpool.xml", "brainpoolP256r1", "0", "12345678", true],
  ["nzr-secp384r1.xml", "secp384r1", "0", "12345678", true],
  ["dzg-secp256k1.xml", "secp256k1", "0", "1DZG0033016824", false],
  ["lem-dcbm.xml", "secp256r1", "1101", "1211751603", true],
])("%s verifies on %s: %s Wh of meter %s", (name, curve, energy_wh, serial, time_billable) => {
  const records = checked(name);
  expect(records.map(({ verification }) => [verification.verified, verification.curve])).toEqual(
    records.map(() => [true, curve]),
  );
  expect(signedEnergy(...records)).toMatchObject({ billable: true, energy_wh, serial, time_billable });
});

it("a record of an eBZ meter, whose r and s fill 24 bytes and look negative, passes only when lenient", () => {
  const key = file("ebz-secp192r1.key");
  expect(checked("ebz-secp192r1.txt", { key })[0]?.verification).toMatchObject({
    verified: false,
    reasons: ["SD is not canonical DER; lenient checking takes it"],
  });
  const records = checked("ebz-secp192r1.txt", { key, lenient: true });
  expect(records[0]?.verification).toMatchObject({ verified: true, curve: "secp192r1" });
  expect(signedEnergy(...records)).toMatchObject({
    billable: true,
    time_billable: false,
    energy_wh: "268",
    pagination: ["T120"],
  });
});

it("a generated pair verifies on secp192k1 and is not billable: an exception, one page twice, two users", () => {
  const records = checked("htb-secp192k1.xml");
  expect(records.map(({ verification }) => verification.verified)).toEqual([true, true]);
  const { billable, reasons } = signedEnergy(...records);
  expect(billable).toBe(false);
  expect(reasons.map(({ text }) => text)).toEqual(
    expect.arrayContaining([
      "pagination is not consecutive: after T12345 comes T12345",
      "the records name different users (ID)",
      "an exception (TX=X) voids every later reading",
    ]),
  );
});

it("a record with a bare key and a signature without DER passes only when lenient, and its meter is not good", () => {
  expect(checked("isabellenhuette-raw.xml")[0]?.verification.verified).toBe(false);
  const lenient = checked("isabellenhuette-raw.xml", { lenient: true });
  expect(lenient[0]?.verification).toMatchObject({ verified: true });
  expect(signedEnergy(...lenient).billable).toBe(false);
});

it("a pair of a DZG meter keeps the spaces of RV in what is signed", () => {
  const [begin] = checked("dzg-secp256k1.xml");
  expect(begin?.record.readings[0]?.value).toBe("9.038");
  expect(begin?.record.signed.toString("utf8")).toContain('"RV" : "       9.038"');
});
