/** Tariffs that are valid and probably not meant: warnings, each at its place. Those that are not valid say so elsewhere. */
import { Tariff } from "../model/tariff.ts";
import { lintTariff } from "../rules/lint-tariff.ts";
import type { Findings } from "./findings.ts";
import { valueAt } from "./issues.ts";

export function checkTariffs(raw: unknown, findings: Findings): void {
  const tariffs = valueAt(raw, ["tariffs"]);
  if (!Array.isArray(tariffs)) return;
  tariffs.forEach((item, index) => {
    const parsed = Tariff.safeParse(item);
    if (!parsed.success) return;
    for (const { path, message, fix } of lintTariff(parsed.data))
      findings.add("LP109", ["tariffs", index, ...path], message, fix);
  });
}
