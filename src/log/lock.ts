/** One gateway a data directory: a lock that the operating system lets go of when the process dies, however it dies. */
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Returns how to unlock, or undefined when another process holds the directory. */
export function lockDirectory(dir: string): (() => void) | undefined {
  const file = join(dir, "lock.db");
  // For its user alone. Only when it is new: closing another descriptor would let go of this process's own lock.
  if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
  const db = new DatabaseSync(file);
  try {
    db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE");
    return () => db.close();
  } catch {
    db.close();
    return undefined;
  }
}
