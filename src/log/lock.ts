/** One gateway a data directory: a lock that the operating system lets go of when the process dies, however it dies. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Returns how to unlock, or undefined when another process holds the directory. */
export function lockDirectory(dir: string): (() => void) | undefined {
  const db = new DatabaseSync(join(dir, "lock.db"));
  try {
    db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE");
    return () => db.close();
  } catch {
    db.close();
    return undefined;
  }
}
