/** Which OBIS codes (IEC 62056-6-1) are registers of energy drawn, as OCMF records name them. */

export interface Register {
  /** The same for every spelling of a code: `1-0:1.8.0`, from `01-00:01.08.00.FF` too. */
  key: string;
  direction: "import" | "export" | "unknown";
}

const OBIS =
  /^([0-9a-z]{1,3})-([0-9a-z]{1,3}):([0-9a-z]{1,3})\.([0-9a-z]{1,3})\.([0-9a-z]{1,3})(?:[.*]([0-9a-f]{1,3}))?$/i;

/**
 * Value group C of energy drawn: 1 everywhere; B0 to B3 of OCMF since 1.4 (total and transaction, at the mains and at
 * the car); 98 and 9C (152 and 156 where decimal) of DC meters, transaction and total at the car.
 */
const IMPORT = new Set(["1", "b0", "b1", "b2", "b3", "98", "9c", "152", "156"]);
const EXPORT = new Set(["2", "c0", "c1", "c2", "c3"]);
const ELECTRICITY = "1";
const TIME_INTEGRAL = "8";
/** Value group F that only says "the current value". */
const CURRENT_VALUE = new Set(["", "ff", "255"]);

export function registerOf(ri: string): Register {
  const match = OBIS.exec(ri.trim());
  if (!match) return { key: ri.trim(), direction: "unknown" };
  const [a = "", b = "", c = "", d = "", e = "", f = ""] = match.slice(1).map((group) => plain(group ?? ""));
  const key = `${a}-${b}:${c}.${d}.${e}${CURRENT_VALUE.has(f) ? "" : `*${f}`}`;
  const energy = a === ELECTRICITY && d === TIME_INTEGRAL;
  return {
    key,
    direction: !energy ? "unknown" : IMPORT.has(c) ? "import" : EXPORT.has(c) ? "export" : "unknown",
  };
}

const plain = (group: string) => group.toLowerCase().replace(/^0+(?=.)/, "");
