/** What a person sees of checked signed values: the readings, the verdict, and why. */
import { styleText } from "node:util";
import type { SignedEnergy } from "../rules/ocmf/energy.ts";
import type { OcmfReport } from "./ocmf-report.ts";
import { type CommandIo, printable, table } from "./output.ts";

export function ocmfText(result: OcmfReport, energy: SignedEnergy | null, io: CommandIo): string {
  const terminal = (io.stdout as { isTTY?: boolean }).isTTY === true && !process.env.NO_COLOR;
  const colour = (name: "green" | "red" | "yellow", text: string) =>
    terminal ? styleText(name, text, { validateStream: false }) : text;
  if (!result.parses) return `${colour("red", "NOT READABLE")}\n${bullets(result.reasons)}`;

  const head = ["time", "clock", "tx", "value", "unit", "register", "meter"];
  const rows = result.readings.map((r) =>
    [r.time, r.time_status, r.tx, r.value, r.unit, r.identifier, r.status].map((cell) => cell ?? "-"),
  );
  const signature = {
    true: colour("green", "VERIFIED"),
    false: colour("red", "NOT VERIFIED"),
    null: colour("yellow", "NOT CHECKED"),
  }[`${result.verified}`];
  const billable = result.billable ? colour("green", "billable") : colour("red", "not billable");
  const facts = [
    ["energy", energy?.energy_wh == null ? "-" : `${energy.energy_wh} Wh`],
    ["meter", energy?.serial ?? "-"],
    ["pages", result.pagination ?? "-"],
    ["signature", result.algorithm ?? "-"],
  ];
  const list = facts.map(([name = "", value]) => `${name.padEnd(10)}${printable(String(value))}`).join("\n");
  return `${table([head, ...rows])}\n\n${list}\n\n${signature}, ${billable}\n${bullets(result.reasons)}`;
}

const bullets = (reasons: readonly string[]) =>
  reasons.map((reason) => `  - ${printable(reason)}\n`).join("");
