/** The log of a data directory, read by this process: what the log says by name becomes an error of the catalogue. */
import { join } from "node:path";
import { LaddportError } from "../errors.ts";
import { SchemaTooNew } from "../log/schema.ts";
import { openSqliteReader, type SqliteReader } from "../log/sqlite-reader.ts";

export const logFileIn = (dataDir: string): string => join(dataDir, "log.db");

/** @throws LaddportError LP505 when a newer release wrote it. */
export function readLogFile(dataDir: string): SqliteReader {
  try {
    return openSqliteReader(logFileIn(dataDir));
  } catch (cause) {
    if (cause instanceof SchemaTooNew) throw new LaddportError("LP505", cause.message, { cause });
    throw cause;
  }
}
