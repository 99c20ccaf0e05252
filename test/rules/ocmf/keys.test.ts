import { createPublicKey, getCurves } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CURVES } from "../../../src/rules/ocmf/curves.ts";
import { readPublicKey } from "../../../src/rules/ocmf/keys.ts";
import { METER, signerOn } from "./signed.ts";

const { key: hex, curve, privateKey } = METER;
const spki = Buffer.from(hex, "hex");
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("a public key", () => {
  it.each([
    ["hex", hex],
    ["upper-case hex", hex.toUpperCase()],
    ["hex in groups and lines", hex.replaceAll(/(.{4})/g, "$1 ").replaceAll(/(.{40})/g, "$1\r\n")],
    ["hex with 0x", `0x${hex}`],
    ["hex with colons", hex.replaceAll(/(..)(?=.)/g, "$1:")],
    ["base64", spki.toString("base64")],
    ["base64 in lines", spki.toString("base64").replaceAll(/(.{20})/g, "$1\n")],
    ["base64 for URLs", spki.toString("base64url")],
    ["base64 of hex", base64(hex)],
    ["base64 of upper-case hex", base64(hex.toUpperCase())],
    ["oca:base16:asn1", `oca:base16:asn1:${hex}`],
    ["base64 of oca:base16:asn1", base64(`oca:base16:asn1:${hex}`)],
    ["PEM", createPublicKey(privateKey).export({ format: "pem", type: "spki" }).toString()],
    ["base64 of PEM", base64(createPublicKey(privateKey).export({ format: "pem", type: "spki" }).toString())],
    ["DER", spki],
    ["the bytes of a text file", Buffer.from(`\uFEFF${hex}\n`)],
  ])("is read from %s", (_name, form) => {
    expect(readPublicKey(form).spki.toString("hex")).toBe(hex);
  });

  it.each(CURVES.map(({ name }) => name))("is read as a bare point of %s when the curve is known", (name) => {
    const signer = signerOn(name);
    const point = signer.key.slice(-2 * (2 * signer.curve.size + 1));
    expect(point.slice(0, 2)).toBe("04");
    expect(readPublicKey(point, signer.curve).spki.toString("hex")).toBe(signer.key);
    expect(readPublicKey(point.slice(2), signer.curve).spki.toString("hex")).toBe(signer.key);
    expect(() => readPublicKey(point)).toThrow("public key is not a SubjectPublicKeyInfo");
  });
});

it("knows every curve by a name that this OpenSSL has", () => {
  expect(CURVES.filter(({ openssl }) => !getCurves().includes(openssl))).toEqual([]);
});

it.each([
  ["", /^public key must be hex, base64 or PEM/],
  ["not a key!", /^public key must be hex, base64 or PEM; seen: "not a key!"/],
  ["00ff", /^public key is neither a SubjectPublicKeyInfo nor a point of secp256r1; seen: "00ff"/],
  [privateKey.export({ format: "pem", type: "pkcs8" }).toString(), /^public key is a private key/],
  [hex.replace(/..$/, ""), /^public key is neither/],
  [hex.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")), /^public key is not a point of secp256r1/],
  ["300d06092a864886f70d0101010500", /^public key is not a SubjectPublicKeyInfo/],
  [
    "3019301306072a8648ce3d020106082a8648ce3d030104030200ff",
    /curve that OCMF does not have; seen: "2a8648ce3d030104"/,
  ],
])("is refused as %j", (text, message) => {
  expect(() => readPublicKey(text, curve)).toThrow(message);
});
