import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signedEnergy } from "../../../src/rules/ocmf/energy.ts";
import { parseOcmf } from "../../../src/rules/ocmf/record.ts";
import { registerOf } from "../../../src/rules/ocmf/registers.ts";
import { verifyOcmf } from "../../../src/rules/ocmf/verify.ts";
import { BEGIN, checkedRecord, END, type Fields, payload, signedText, signerOn } from "./signed.ts";

const judged = (changes: Fields = {}) => signedEnergy(checkedRecord(changes));
const texts = ({ reasons }: ReturnType<typeof signedEnergy>) => reasons.map(({ text }) => text);
const begin = (changes: Fields = {}) => checkedRecord({ PG: "T1", RD: [BEGIN], ...changes });
const end = (changes: Fields = {}) => checkedRecord({ PG: "T2", RD: [END], ...changes });

describe("what can be billed", () => {
  it("is one record with begin and end", () => {
    expect(judged()).toMatchObject({
      begin: { wh: "100500", value: "100.500" },
      end: { wh: "112750", value: "112.750" },
      energy_wh: "12250",
      billable: true,
      time_billable: true,
      time_status: { begin: "S", end: "S" },
      serial: "M-1",
      pagination: ["T7"],
      reasons: [],
    });
  });

  it("is a pair of records of the same meter with consecutive pages", () => {
    expect(signedEnergy(begin(), end())).toMatchObject({
      energy_wh: "12250",
      billable: true,
      pagination: ["T1", "T2"],
      reasons: [],
    });
  });

  it("is begin, charging, tariff change, suspended and end over several records", () => {
    const middle = (PG: string, TX: string, RV: string) => checkedRecord({ PG, RD: [{ ...BEGIN, TX, RV }] });
    const all = [
      begin(),
      middle("T2", "C", "101"),
      middle("T3", "T", "105"),
      middle("T4", "S", "105"),
      end({ PG: "T5" }),
    ];
    expect(signedEnergy(...all)).toMatchObject({ energy_wh: "12250", billable: true });
  });

  it.each(["E", "L", "R", "A", "P"])("ends with TX=%s", (TX) => {
    expect(judged({ RD: [BEGIN, { ...END, TX }] }).billable).toBe(true);
  });

  it.each([
    ["0.2596", "kWh", "0.2597", "kWh", "0.1"],
    ["2851485", "Wh", "2851753", "Wh", "268"],
    ["1.5", "kWh", "2000.25", "Wh", "500.25"],
    ["00000000.000", "kWh", "00000000.000", "kWh", "0"],
    ["1.5e1", "Wh", "1E2", "Wh", "85"],
    ["123456789012345678901.1", "kWh", "123456789012345678901.3", "kWh", "200"],
  ])("from %s %s to %s %s is exactly the difference in Wh", (from, unit, to, unitAfter, wh) => {
    expect(
      judged({
        RD: [
          { ...BEGIN, RV: from, RU: unit },
          { ...END, RV: to, RU: unitAfter },
        ],
      }).energy_wh,
    ).toBe(wh);
  });

  it("is exact for every pair of registers", () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e6), (from, more) => {
        const kwh = (tenths: number) =>
          `${Math.floor(tenths / 10_000)}.${String(tenths % 10_000).padStart(4, "0")}`;
        const { energy_wh } = judged({
          RD: [
            { ...BEGIN, RV: kwh(from) },
            { ...END, RV: kwh(from + more) },
          ],
        });
        expect(energy_wh).toBe(`${Math.floor(more / 10)}${more % 10 ? `.${more % 10}` : ""}`);
      }),
      { numRuns: 30 },
    );
  });

  it("is the import register when others stand beside it", () => {
    const out = { RI: "1-0:2.8.0", RV: 500 };
    const seconds = { ...END, RI: "01-00:00.08.06.FF", RU: "sec", RV: 3600 };
    expect(
      judged({ RD: [BEGIN, { ...BEGIN, ...out }, END, { ...END, ...out, RV: 400 }, seconds] }),
    ).toMatchObject({
      energy_wh: "12250",
      billable: true,
    });
  });

  it.each([
    "1-b:1.8.0",
    "1-b:1.8.e",
    "1-0:1.8.0",
    "01-00:01.08.00*FF",
    "01-00:01.08.00.FF",
    "1-0:1.8.0*198",
    "01-00:98.08.00.FF",
    "1-0:98.8.0.FF",
    "1-0:152.8.0*255",
    "01-00:9C.08.00.FF",
    "01-00:B2.08.00*FF",
    "01-00:B0.08.00",
  ])("knows %s as a register of energy drawn", (RI) => {
    expect(
      judged({
        RD: [
          { ...BEGIN, RI },
          { ...END, RI },
        ],
      }).billable,
    ).toBe(true);
  });

  it("takes two spellings of a register for one", () => {
    expect(registerOf("01-00:01.08.00*FF").key).toBe(registerOf("1-0:1.8.0").key);
    expect(registerOf("1-0:1.8.0*198").key).not.toBe(registerOf("1-0:1.8.0").key);
  });

  it("has no user in the begin record yet", () => {
    expect(signedEnergy(begin({ IS: false, IL: "NONE", ID: "" }), end()).billable).toBe(true);
  });
});

describe("what cannot be billed though verified", () => {
  const cases: [string, Fields, string][] = [
    ["no end", { RD: [BEGIN] }, "no end reading (TX=E, L, R, A or P) of register 1-b:1.8.0"],
    ["no begin", { RD: [END] }, "no begin reading (TX=B) of register 1-b:1.8.0"],
    ["two begins", { RD: [BEGIN, BEGIN, END] }, "more than one begin reading (TX=B)"],
    ["two ends", { RD: [BEGIN, END, END] }, "more than one end reading (TX=E, L, R, A or P)"],
    ["the end first", { RD: [END, BEGIN] }, "the end reading comes before the begin reading"],
    [
      "a meter that timed out at the end",
      { RD: [BEGIN, { ...END, ST: "T" }] },
      "meter state is not good at TX=E (ST=T)",
    ],
    [
      "a meter without state",
      {
        RD: [
          { ...BEGIN, ST: undefined },
          { ...END, ST: undefined },
        ],
      },
      "meter state is not good at TX=B (ST=none)",
    ],
    [
      "a meter that was not good in between",
      { RD: [BEGIN, { TX: "C", ST: "D" }, END] },
      "meter state is not good at TX=C (ST=D)",
    ],
    [
      "energy flagged as unusable",
      { RD: [BEGIN, { ...END, EF: "Et" }] },
      "energy is flagged as unusable at TX=E (EF=Et)",
    ],
    [
      "an exception before the end",
      { RD: [BEGIN, { TX: "X", RV: 101 }, END] },
      "an exception (TX=X) voids every later reading",
    ],
    [
      "a register that falls",
      { RD: [BEGIN, { ...END, RV: "100.499" }] },
      "the register falls from 100500 to 100499 Wh",
    ],
    [
      "a register that falls in between",
      { RD: [BEGIN, { TX: "C", RV: 1 }, END] },
      "the register falls from 100500 to 1000 Wh",
    ],
    ["a negative register", { RD: [{ ...BEGIN, RV: -5 }, END] }, "the register is negative (-5 kWh)"],
    [
      "no unit of energy",
      {
        RD: [
          { ...BEGIN, RU: "mOhm" },
          { ...END, RU: "mOhm" },
        ],
      },
      'unit RU must be kWh or Wh; seen: "mOhm"',
    ],
    [
      "an end before the begin",
      { RD: [BEGIN, { ...END, TM: "2026-03-01T09:59:59,999+0100 S" }] },
      "the end (2026-03-01T09:59:59,999+0100) lies before the begin (2026-03-01T10:00:00,000+0100)",
    ],
    ["no time", { RD: [{ ...BEGIN, TM: undefined }, END] }, "a reading has no time (TM)"],
    [
      "export only",
      {
        RD: [
          { ...BEGIN, RI: "1-0:2.8.0" },
          { ...END, RI: "1-0:2.8.0" },
        ],
      },
      "no reading of a register known for energy drawn (RI seen: 1-0:2.8.0)",
    ],
    [
      "a register unknown",
      {
        RD: [
          { ...BEGIN, RI: "99-9:9.9.9" },
          { ...END, RI: "99-9:9.9.9" },
        ],
      },
      "no reading of a register known for energy drawn (RI seen: 99-9:9.9.9)",
    ],
    [
      "begin and end of different registers",
      { RD: [BEGIN, { ...END, RI: "01-00:98.08.00.FF" }] },
      "no end reading (TX=E, L, R, A or P) of register 1-b:1.8.0",
    ],
    ["a user assignment that failed", { IL: "MISMATCH" }, "user assignment failed (IL=MISMATCH)"],
    ["a fiscal page", { PG: "F7" }, "pagination F7 is fiscal, not of a transaction"],
    ["no page", { PG: undefined }, "pagination PG must be T and a number; seen: null"],
    ["no serial at all", { MS: undefined, GS: "" }, "neither meter nor gateway has a serial number (MS, GS)"],
    [
      "an event counter that moved",
      {
        RD: [
          { ...BEGIN, EI: 1 },
          { ...END, EI: 2 },
        ],
      },
      "the event counter (EI) changed from 1 to 2",
    ],
    [
      "registers before and after the cable that differ",
      {
        RD: [
          { ...BEGIN, RI: "01-00:B2.08.00*FF" },
          { ...BEGIN, RI: "01-00:B3.08.00*FF" },
          { ...END, RI: "01-00:B2.08.00*FF" },
          { ...END, RI: "01-00:B3.08.00*FF", RV: "112.7" },
        ],
      },
      "several registers of energy drawn differ: 01-00:B2.08.00*FF 12250 Wh, 01-00:B3.08.00*FF 12200 Wh",
    ],
  ];
  it.each(cases)("has %s", (_name, changes, reason) => {
    const checked = checkedRecord(changes);
    expect(checked.verification.verified).toBe(true);
    const result = signedEnergy(checked);
    expect(texts(result)).toContain(reason);
    expect(result.billable).toBe(false);
  });

  it.each([
    ["a page is missing", begin(), end({ PG: "T3" }), "pagination is not consecutive: after T1 comes T3"],
    [
      "the pages are swapped",
      begin({ PG: "T2" }),
      end({ PG: "T1" }),
      "pagination is not consecutive: after T2 comes T1",
    ],
    [
      "the begin is of another user",
      begin({ ID: "04FFFFFF" }),
      end(),
      "the records name different users (ID)",
    ],
    [
      "the meter was exchanged",
      begin({ MS: "M-0" }),
      end(),
      "the records are of different meters (MS): M-0, M-1",
    ],
    [
      "the gateway is another",
      begin({ GS: "G-0" }),
      end(),
      "the records come from different gateways (GS): G-0, G-1",
    ],
    ["the records come in the wrong order", end(), begin(), "the end reading comes before the begin reading"],
    [
      "the begin of another transaction stands before",
      begin(),
      checkedRecord({ PG: "T2" }),
      "more than one begin reading (TX=B)",
    ],
  ])("is a pair where %s", (_name, first, second, reason) => {
    const result = signedEnergy(first, second);
    expect(texts(result)).toContain(reason);
    expect(result.billable).toBe(false);
  });

  it("has no energy after an exception that concerns it", () => {
    expect(judged({ RD: [BEGIN, { TX: "X", RV: 101 }, END] }).energy_wh).toBeNull();
    expect(judged({ RD: [BEGIN, { TX: "X", EF: "E", RV: 101 }, END] }).energy_wh).toBeNull();
  });

  it("never tells the user's identification in a reason", () => {
    expect(texts(signedEnergy(begin({ ID: "04FFFFFF" }), end())).join()).not.toMatch(/04FFFFFF|04A1B2C3/);
  });

  it("is signed with two different keys", () => {
    const signer = signerOn();
    const result = signedEnergy(begin(), checkedRecord({ PG: "T2", RD: [END] }, { signer }));
    expect(texts(result)).toEqual(["the records are signed with different public keys"]);
  });
});

describe("what is not verified", () => {
  const record = parseOcmf(signedText(payload()));

  it.each([null, signerOn().key])("cannot be billed (key %s)", (key) => {
    const result = signedEnergy({ record, verification: verifyOcmf(record, key) });
    expect(result).toMatchObject({ billable: false, time_billable: false, energy_wh: "12250" });
    expect(result.reasons).toHaveLength(1);
  });

  it("names the record when there are several", () => {
    const bad = { ...end(), verification: verifyOcmf(end().record, null) };
    expect(texts(signedEnergy(begin(), bad))).toEqual([
      "T2: no public key given: the signature was not checked",
    ]);
  });

  it("is nothing at all", () => {
    expect(signedEnergy()).toMatchObject({
      billable: false,
      energy_wh: null,
      begin: null,
      end: null,
      pagination: [],
    });
  });
});

describe("what hinders only billing by time", () => {
  const clock = (from: string, to: string) =>
    judged({
      RD: [
        { ...BEGIN, TM: `2026-03-01T10:00:00,000+0100${from}` },
        { ...END, TM: `2026-03-01T11:00:00,000+0100${to}` },
      ],
    });

  it.each([
    [" U", " U"],
    [" I", " I"],
    [" S", " I"],
    [" U", " R"],
    [" R", " S"],
    ["", ""],
  ])("is a clock with status%s at begin and%s at end", (from, to) => {
    const result = clock(from, to);
    expect(result).toMatchObject({ billable: true, time_billable: false });
    expect(result.reasons).toMatchObject([{ concerns: "time" }]);
  });

  it.each([
    [" S", " S"],
    [" R", " R"],
    [" I", " R"],
  ])("is no clock with status%s at begin and%s at end", (from, to) => {
    expect(clock(from, to)).toMatchObject({ billable: true, time_billable: true, reasons: [] });
  });

  it("is time flagged as unusable", () => {
    expect(judged({ RD: [BEGIN, { ...END, EF: "t" }] })).toMatchObject({
      billable: true,
      time_billable: false,
    });
  });

  it("is an exception that concerns time", () => {
    expect(judged({ RD: [BEGIN, { TX: "X", EF: "t", RV: 101 }, END] })).toMatchObject({
      billable: true,
      energy_wh: "12250",
      time_billable: false,
    });
  });

  it("is not energy flagged as unusable", () => {
    expect(judged({ RD: [BEGIN, { ...END, EF: "E" }] })).toMatchObject({
      billable: false,
      time_billable: true,
    });
  });
});
