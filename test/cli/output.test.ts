import { expect, it } from "vitest";
import { printable, table } from "../../src/cli/output.ts";

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

it("what names and files hold cannot command the terminal", () => {
  expect(printable("a\u001b[2Jb\u009b\u202ec\r\nå 🚌\t−")).toBe("a\ufffd[2Jb\ufffd\ufffdc\ufffd\nå 🚌\t−");
  expect(table([["name"], ["x\u001b[31m"]])).toBe("name\nx\ufffd[31m");
});
