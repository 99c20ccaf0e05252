/**
 * What an error of the driver or the file system means for what was being written.
 * Codes: https://www.sqlite.org/rescode.html; why an fsync that failed must end the process:
 * Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020.
 */

/** `fsync`: nobody knows what is on disk. `refused`: nothing was written, it may work later. `other`: not the disk. */
export type StorageFault = "fsync" | "refused" | "other";

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_IOERR_FSYNC = 1034;
const SQLITE_IOERR_DIR_FSYNC = 1290;
/** The extended code of SQLite holds the primary one in its lowest byte. */
const PRIMARY = 0xff;
const NO_ROOM = new Set(["ENOSPC", "EDQUOT"]);

export function storageFault(error: unknown): StorageFault {
  const { errcode, code, syscall } = error as { errcode?: number; code?: string; syscall?: string };
  if (syscall === "fsync" || syscall === "fdatasync") return "fsync";
  if (errcode === undefined) return NO_ROOM.has(code ?? "") ? "refused" : "other";
  if (errcode === SQLITE_IOERR_FSYNC || errcode === SQLITE_IOERR_DIR_FSYNC) return "fsync";
  const primary = errcode & PRIMARY;
  // A quota or a WAL index that cannot grow is an IOERR and not FULL.
  return primary === SQLITE_FULL || primary === SQLITE_IOERR ? "refused" : "other";
}
