/** The log of a data directory, read by this process: what the log says by name becomes an error of the catalogue. */
import { join } from "node:path";
import { LaddportError } from "../errors.ts";
import { SchemaTooNew } from "../log/schema.ts";
import { openSqliteReader, type SqliteReader } from "../log/sqlite-reader.ts";

/** SQLITE_ERROR (a table is missing), SQLITE_CORRUPT, SQLITE_CANTOPEN, SQLITE_NOTADB: https://sqlite.org/rescode.html */
const UNREADABLE = new Set([1, 11, 14, 26]);

export const logFileIn = (dataDir: string): string => join(dataDir, "log.db");

/** @throws LaddportError LP505 when a newer release wrote it, LP506 when it is no log or cannot be read as one. */
export function readLogFile(dataDir: string): SqliteReader {
  try {
    const reader = openSqliteReader(logFileIn(dataDir));
    // Opening reads no table: an empty file would pass.
    reader.readHead();
    return reader;
  } catch (cause) {
    throw namedLogError(dataDir, cause);
  }
}

/** What the log, or SQLite in its place, says about a file that is no log for us; any other error as it is. */
export function namedLogError(dataDir: string, cause: unknown): unknown {
  if (cause instanceof SchemaTooNew) return new LaddportError("LP505", cause.message, { cause });
  const { errcode, message } = cause as Error & { errcode?: number };
  if (UNREADABLE.has(Number(errcode) & 0xff))
    return new LaddportError("LP506", `${logFileIn(dataDir)} cannot be read as a log: ${message}`, {
      cause,
    });
  return cause;
}
