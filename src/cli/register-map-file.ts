/** A register map named on the command line: one of those there are, or a file that holds one. */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { showPath } from "../config/faults.ts";
import { LaddportError } from "../errors.ts";
import { RegisterMap } from "../model/register-map.ts";
import { mapNamed, REGISTER_MAPS } from "../stations/meters/maps/index.ts";

/** @throws LaddportError LP840, LP846 with the first field that is wrong */
export function findMap(name: string, own: readonly RegisterMap[] = []): RegisterMap {
  const known = mapNamed(name, own);
  if (known) return known;
  if (existsSync(name)) return readMap(name);
  throw new LaddportError("LP840", `"${name}" is neither a register map nor a file.`, {
    fix: `Name one of: ${[...own, ...REGISTER_MAPS].map(({ id }) => id).join(", ")}; or a file.`,
  });
}

function readMap(file: string): RegisterMap {
  let raw: unknown;
  try {
    raw = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new LaddportError("LP846", `${file}: ${(error as Error).message.split("\n")[0]}`, { cause: error });
  }
  const parsed = RegisterMap.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = showPath(issue?.path ?? [], raw);
  const fix = issue?.code === "custom" ? (issue.params as { fix?: string } | undefined)?.fix : undefined;
  throw new LaddportError(
    "LP846",
    `${file}: ${where ? `${where}: ` : ""}${issue?.message}`,
    fix ? { fix } : {},
  );
}
