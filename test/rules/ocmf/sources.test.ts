import { expect, it } from "vitest";
import { findRecords } from "../../../src/rules/ocmf/sources.ts";
import { BEGIN, END, METER, payload, signedText } from "./signed.ts";

const first = signedText(payload({ PG: "T1", RD: [BEGIN] }));
const second = signedText(payload({ PG: "T2", RD: [END] }));
const base64 = (text: string) => Buffer.from(text).toString("base64");
const found = (file: string) =>
  findRecords(Buffer.from(file)).map(({ bytes, key }) => [bytes.toString("utf8").trim(), key]);

const signed = (text: string, publicKey = base64(METER.key)) => ({
  signedMeterData: base64(text),
  encodingMethod: "OCMF",
  publicKey,
});

/** OCPP 1.6: the signed value is JSON in the text of a sample, beside the raw one. */
const ocpp16 = [
  2,
  "1",
  "StopTransaction",
  {
    transactionData: [
      { sampledValue: [{ value: "100500" }, { format: "SignedData", value: JSON.stringify(signed(first)) }] },
      { sampledValue: [{ format: "SignedData", value: JSON.stringify(signed(second)) }] },
    ],
  },
];
/** OCPP 2.0.1: an object of its own, and often no key after the first. */
const ocpp201 = {
  meterValue: [
    { sampledValue: [{ value: 100500, signedMeterValue: { ...signed(first), signingMethod: "" } }] },
    { sampledValue: [{ value: 112750, signedMeterValue: signed(second, "") }] },
  ],
};

it.each([
  ["a record", first, [[first, null]]],
  ["a record after a byte order mark", `\uFEFF\n${first}\n`, [[first, null]]],
  [
    "records, one a line",
    `${first}\r\n${second}\n`,
    [
      [first, null],
      [second, null],
    ],
  ],
  ["a record in base64", base64(first), [[first, null]]],
  ["a record in hex", Buffer.from(first).toString("hex"), [[first, null]]],
  [
    "OCPP 1.6",
    JSON.stringify(ocpp16),
    [
      [first, base64(METER.key)],
      [second, base64(METER.key)],
    ],
  ],
  [
    "OCPP 2.0.1",
    JSON.stringify(ocpp201, null, 2),
    [
      [first, base64(METER.key)],
      [second, base64(METER.key)],
    ],
  ],
  [
    "a log of OCPP messages",
    `${JSON.stringify(ocpp16)}\n${JSON.stringify(ocpp16)}\n`,
    [
      [first, base64(METER.key)],
      [second, base64(METER.key)],
    ],
  ],
  [
    "an OCPP sample with the record as it is",
    JSON.stringify({ value: first, format: "SignedData" }),
    [[first, null]],
  ],
  [
    "one signed value",
    JSON.stringify({ ...signed(first), signedMeterData: first }),
    [[first, base64(METER.key)]],
  ],
])("finds the records of %s", (_name, file, records) => {
  expect(found(file)).toEqual(records);
});

it("takes a record once, with the key that came with it in another message", () => {
  const both = JSON.stringify([first, signed(first), first]);
  expect(found(both)).toEqual([[first, base64(METER.key)]]);
});

it("guesses no key where there are several", () => {
  const other = signedText(payload({ PG: "T3" }));
  const all = JSON.stringify([signed(first, "aa"), signed(second, "bb"), other]);
  expect(found(all)).toEqual([
    [first, "aa"],
    [second, "bb"],
    [other, null],
  ]);
});

it("keeps a record that is spread over lines in one", () => {
  const spread = `OCMF|${JSON.stringify(JSON.parse(payload()), null, 2)}\n|{"SD":"00"}`;
  expect(found(`${spread}\n${second}`)).toEqual([
    [spread, null],
    [second, null],
  ]);
});

it("keeps the bytes of a file that is no UTF-8", () => {
  const bytes = Buffer.from(first.replace("Meters", "Z\u00e4hler"), "latin1");
  expect(findRecords(bytes)).toEqual([{ bytes, key: null }]);
});

it("reads XML in the encoding that it declares", () => {
  const record = first.replace("Meters", "Z\u00e4hler");
  const xml = `<?xml version="1.0" encoding="ISO-8859-1"?><values><value><signedData>${record}</signedData></value></values>`;
  expect(findRecords(Buffer.from(xml, "latin1"))[0]?.bytes.toString("utf8")).toBe(record);
});

it.each(["", "hello", "{}", "[1, 2]", '{"signedMeterData":"AAAA","encodingMethod":"EDL"}'])(
  "finds none in %j",
  (file) => {
    expect(() => findRecords(Buffer.from(file))).toThrow(
      /^file holds no OCMF record, OCPP JSON or transparency XML/,
    );
  },
);

it("says that JSON is broken", () => {
  expect(() => findRecords(Buffer.from('{"signedMeterData":'))).toThrow(/^file is not JSON/);
});

it("does not follow JSON without end", () => {
  expect(() => findRecords(Buffer.from(`${"[".repeat(5000)}${"]".repeat(5000)}`))).toThrow(
    /holds no OCMF record/,
  );
});
