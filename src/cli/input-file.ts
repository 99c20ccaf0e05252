import { readFileSync } from "node:fs";
import { LaddportError } from "../errors.ts";

/** The text of a file that a command was given. @throws LaddportError LP805, which names it and says why not. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LaddportError("LP805", `${file} cannot be read (${code}).`, { cause });
  }
}
