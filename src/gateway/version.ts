/** The release, from package.json: the one place where it is written. */
import { existsSync, readFileSync } from "node:fs";

const beside = ["../../package.json", "../../../package.json"]
  .map((path) => new URL(path, import.meta.url))
  .find((url) => existsSync(url));

export const VERSION: string = beside ? JSON.parse(readFileSync(beside, "utf8")).version : "0.0.0";
