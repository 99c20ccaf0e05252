import { expect, it } from "vitest";
import { table } from "../../src/cli/output.ts";

it("a table has numbers to the right, also with a sign, a decimal comma or an empty cell", () => {
  const rows = [
    ["name", "net", "gross", "note"],
    ["a", "12.50", "−1,25", ""],
    ["bcd", "", "100,00", ""],
  ];
  expect(table(rows)).toBe(
    ["name    net   gross  note", "a     12.50   −1,25", "bcd          100,00"].join("\n"),
  );
});
