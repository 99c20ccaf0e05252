import { describe, expect, it } from "vitest";
import { OcmfError } from "../../../src/rules/ocmf/error.ts";
import { parseOcmf } from "../../../src/rules/ocmf/record.ts";
import { BEGIN, END, payload, signedText } from "./signed.ts";

const record = (data: string) => parseOcmf(`OCMF|${data}|{"SD":"00"}`);

describe("the bytes of a record", () => {
  it("signs everything between the first and the last pipe, also pipes in the payload", () => {
    const data = payload({ TT: "day | night | weekend" });
    const parsed = record(data);
    expect(parsed.signed.toString("utf8")).toBe(data);
    expect(parsed.tariffText).toBe("day | night | weekend");
  });

  it("drops a byte order mark and white space around the record, and nothing within", () => {
    const data = ` { "PG" : "T1",\n "RD":[${JSON.stringify(BEGIN)}] } `;
    const parsed = parseOcmf(`\uFEFF \r\n OCMF|${data}|\n{"SD":"00"}\n\n`);
    expect(parsed.signed.toString("utf8")).toBe(data);
    expect(parsed.bytes.toString("utf8")).toBe(`OCMF|${data}|\n{"SD":"00"}`);
  });

  it("keeps bytes that are no UTF-8", () => {
    const bytes = Buffer.from(`OCMF|${payload({ MV: "Z\u00e4hler" })}|{"SD":"00"}`, "latin1");
    const parsed = parseOcmf(bytes);
    expect(parsed.bytes).toEqual(bytes);
    expect(parsed.signed.includes(0xe4)).toBe(true);
  });
});

describe("values", () => {
  it.each([
    ["2935.60", "2935.60"],
    ["0.2500", "0.2500"],
    ["12345678901234567890.123", "12345678901234567890.123"],
    ["1e3", "1e3"],
    ['"      48.542"', "48.542"],
    ['"00000000.000"', "00000000.000"],
  ])("reads RV %s with the digits that were signed", (written, value) => {
    const data = payload().replaceAll('"100.500"', written);
    const parsed = record(data);
    expect(parsed.readings[0]?.value).toBe(value);
    expect(parsed.signed.toString("utf8")).toContain(`"RV":${written}`);
  });

  it("takes what a reading leaves out from the one before it", () => {
    const parsed = record(
      payload({ RD: [BEGIN, { TM: "2026-03-01T10:30:00,000+0100 I", TX: "C", RV: 110 }, { TX: "E" }] }),
    );
    const [, second, third] = parsed.readings;
    expect(second).toMatchObject({
      register: "1-b:1.8.0",
      unit: "kWh",
      currentType: "AC",
      status: "G",
      errorFlags: "",
    });
    expect(third).toMatchObject({
      tx: "E",
      value: "110",
      timeStatus: "I",
      time: "2026-03-01T10:30:00,000+0100",
    });
  });

  it("inherits nothing across records", () => {
    expect(record(payload({ RD: [{ TM: END.TM, TX: "E", RV: 1 }] })).readings[0]).toMatchObject({
      register: null,
      unit: null,
      status: null,
    });
  });

  it("gives no value to a reading that only tells of an error", () => {
    const parsed = record(payload({ RD: [BEGIN, { TX: "X", EF: "E" }, { TX: "C", ST: "T" }] }));
    expect(parsed.readings.map(({ value }) => value)).toEqual(["100.500", null, null]);
    expect(parsed.readings[2]).toMatchObject({ errorFlags: "E", status: "T" });
  });

  it.each([
    ["2018-07-24T13:22:04,000+0200 S", 1532431324000, "S", "2018-07-24T13:22:04,000+0200"],
    ["2018-07-24T11:22:04.5Z R", 1532431324500, "R", "2018-07-24T11:22:04.5Z"],
    ["2018-07-24T13:22:04,000+02:00", 1532431324000, null, "2018-07-24T13:22:04,000+02:00"],
  ])("reads the time %s", (text, timeMs, timeStatus, time) => {
    expect(record(payload({ RD: [{ ...BEGIN, TM: text }] })).readings[0]).toMatchObject({
      timeMs,
      timeStatus,
      time,
    });
  });
});

describe("fields of all versions", () => {
  it("reads gateway, meter, user, charge point, tariff, firmware, loss compensation", () => {
    const parsed = record(
      payload({
        MM: "X-1",
        MF: "2.0",
        TT: "Tarif 1",
        CF: "fw 3",
        CT: "EVSEID",
        CI: "DE*1",
        LC: { LN: "cable", LI: 1, LR: 2.0, LU: "mOhm" },
        RD: [BEGIN, { ...END, CL: 0.5 }],
      }).replace('"LR":2', '"LR":2.00'),
    );
    expect(parsed).toMatchObject({
      formatVersion: "1.4",
      gateway: { id: "Gate", serial: "G-1", version: "1.0" },
      pagination: "T7",
      meter: { vendor: "Meters", model: "X-1", serial: "M-1", firmware: "2.0" },
      identification: {
        status: true,
        level: "VERIFIED",
        flags: ["RFID_PLAIN"],
        type: "ISO14443",
        data: "04A1B2C3",
      },
      tariffText: "Tarif 1",
      controllerFirmware: "fw 3",
      chargePoint: { type: "EVSEID", id: "DE*1" },
      lossCompensation: { name: "cable", id: "1", resistance: "2.00", unit: "mOhm" },
    });
    expect(parsed.readings.map(({ cumulatedLoss }) => cumulatedLoss)).toEqual([null, "0.5"]);
  });

  it("reads a draft of version 0.4: gateway in VI and VV, level in IS, event counter", () => {
    const parsed = record(
      payload({
        FV: "0.4",
        GI: undefined,
        GV: undefined,
        VI: "ABL",
        VV: "1.4p3",
        IS: "VERIFIED",
        IL: undefined,
        RD: [{ ...BEGIN, EI: 1523 }],
      }),
    );
    expect(parsed.gateway).toEqual({ id: "ABL", serial: "G-1", version: "1.4p3" });
    expect(parsed.identification).toMatchObject({ status: null, level: "VERIFIED" });
    expect(parsed.readings[0]?.eventCounter).toBe("1523");
  });

  it("leaves the signature's fields null where the default applies", () => {
    expect(parseOcmf(signedText(payload(), { algorithm: null })).signature).toMatchObject({
      algorithm: null,
      encoding: null,
      mime: null,
    });
  });
});

it.each([
  ["", 'header must be "OCMF|"; seen: ""'],
  ["hello", 'header must be "OCMF|"; seen: "hello"'],
  ["OCPP|{}|{}", 'header must be "OCMF|"; seen: "OCPP"'],
  ["OCMF|{}", "signature is missing: a record is OCMF|payload|signature and has two |"],
  ["OCMF|[1]|{}", 'payload must be a JSON object; seen: ["1"]'],
  ['OCMF|{"RD":[]}|{"SD":"00"}', "RD must be a list of at least one reading; seen: []"],
  ['OCMF|{}|{"SD":"00"}', "RD must be a list of at least one reading; seen: null"],
  ['OCMF|{"RD":[7]}|{"SD":"00"}', 'RD[0] must be an object; seen: "7"'],
  [
    'OCMF|{"RD":[{"RV":"48,542"}]}|{"SD":"00"}',
    'RD[0].RV must be a decimal number with a point; seen: "48,542"',
  ],
  ['OCMF|{"RD":[{"RV":1e999}]}|{"SD":"00"}', 'RD[0].RV must be a decimal number with a point; seen: "1e999"'],
  [
    'OCMF|{"RD":[{},{"TM":"noon"}]}|{"SD":"00"}',
    'RD[1].TM must be a time such as 2018-07-24T13:22:04,000+0200 S; seen: "noon"',
  ],
  ['OCMF|{"RD":[{"ST":["G"]}]}|{"SD":"00"}', 'RD[0].ST must be text; seen: ["G"]'],
  ['OCMF|{"PG":true,"RD":[{}]}|{"SD":"00"}', "PG must be text; seen: true"],
  ['OCMF|{"LC":1,"RD":[{}]}|{"SD":"00"}', 'LC must be an object; seen: "1"'],
  ['OCMF|{"RD":[{}]}|{}', "SD is missing: the record is not signed"],
])("says what is wrong with %s", (text, message) => {
  expect(() => parseOcmf(text)).toThrow(new OcmfError(message, "").message.trim());
});

it.each([
  ['{"ID":"04A1B2C3",}', /^payload is not JSON \(fault at (position \d+|its end)\)$/],
  ['{"ID":"04A1B2C3"', /^payload is not JSON \(fault at (position \d+|its end)\)$/],
])("says that %s is no JSON without quoting whom it names", (data, message) => {
  expect(() => parseOcmf(`OCMF|${data}|{"SD":"00"}`)).toThrow(message);
});
