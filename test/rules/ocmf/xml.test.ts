import fc from "fast-check";
import { expect, it } from "vitest";
import { parseOcmf } from "../../../src/rules/ocmf/record.ts";
import { readTransparencyXml, transparencyXml } from "../../../src/rules/ocmf/xml.ts";
import { BEGIN, END, METER, payload, signedText } from "./signed.ts";

const record = (changes = {}) => parseOcmf(signedText(payload(changes)));

it("writes what the transparency software reads", () => {
  const first = record({ PG: "T1", RD: [BEGIN] });
  const second = record({ PG: "T2", RD: [END] });
  const key = METER.key.toUpperCase();
  expect(transparencyXml([first, second], METER.key, 29)).toBe(
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      "<values>",
      '  <value transactionId="29" context="Transaction.Begin">',
      `    <signedData format="OCMF" encoding="plain">${first.bytes}</signedData>`,
      `    <publicKey encoding="hex">${key}</publicKey>`,
      "  </value>",
      '  <value transactionId="29" context="Transaction.End">',
      `    <signedData format="OCMF" encoding="plain">${second.bytes}</signedData>`,
      `    <publicKey encoding="hex">${key}</publicKey>`,
      "  </value>",
      "</values>",
      "",
    ].join("\n"),
  );
});

it("leaves the key out when there is none, and the context when a record is neither begin nor end", () => {
  const xml = transparencyXml([record({ RD: [{ ...BEGIN, TX: "C" }] })], null);
  expect(xml).toContain('<value transactionId="1">');
  expect(xml).not.toContain("publicKey");
});

it("gives a record that holds begin and end the context of the end", () => {
  expect(transparencyXml([record()], null)).toContain('context="Transaction.End"');
});

it("brings any record back byte for byte", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom("", "\r\n", " \t", "\r"), (TT, space) => {
      const { bytes } = parseOcmf(`OCMF|${space}${payload({ TT })}${space}|{"SD":"00"}`);
      expect(readTransparencyXml(transparencyXml([parseOcmf(bytes)], METER.key))).toEqual([
        { bytes, key: METER.key.toUpperCase() },
      ]);
    }),
  );
});

it("brings bytes that are no UTF-8 back", () => {
  const { bytes } = parseOcmf(Buffer.from(`OCMF|${payload({ TT: "\u00e4" })}|{"SD":"00"}`, "latin1"));
  expect(readTransparencyXml(transparencyXml([parseOcmf(bytes)], null))).toEqual([{ bytes, key: null }]);
});

it.each([
  ["in CDATA", "<value><signedData><![CDATA[OCMF|{&}|{}]]></signedData></value>", "OCMF|{&}|{}"],
  [
    "with entities",
    "<value><signedData>OCMF|{&quot;&#65;&#x42;&lt;&amp;lt;}|{}</signedData></value>",
    'OCMF|{"AB<&lt;}|{}',
  ],
  [
    "in base64",
    `<value><signedData encoding="base64">${btoa("OCMF|{}|{}")}</signedData></value>`,
    "OCMF|{}|{}",
  ],
  [
    "in hex",
    `<value><signedData encoding='hex'>${Buffer.from("OCMF|{}|{}").toString("hex")}</signedData></value>`,
    "OCMF|{}|{}",
  ],
  ["without values around it", "<signedData>OCMF|{}|{}</signedData>", "OCMF|{}|{}"],
  [
    "beside a comment",
    "<values><!-- <signedData>OCMF|no|</signedData> --><value><signedData>OCMF|{}|{}</signedData></value></values>",
    "OCMF|{}|{}",
  ],
])("reads a record %s", (_name, xml, text) => {
  expect(readTransparencyXml(xml).map(({ bytes }) => bytes.toString("utf8"))).toEqual([text]);
});

it("refuses XML without an OCMF record", () => {
  expect(() => readTransparencyXml("<values><value><signedData>EDL</signedData></value></values>")).toThrow(
    /^XML holds no <signedData> with an OCMF record; seen: "<values>/,
  );
});
