/**
 * A 64 MB file that is only there to be deleted: on a full disk it gives the room in which pruning and the last facts
 * still work. Put back when there is space for three of it.
 */
import { existsSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const BYTES = 64 * 1024 * 1024;

export function ballast(dir: string) {
  const file = join(dir, "ballast");
  return {
    release(): void {
      rmSync(file, { force: true });
    },
    restore(): void {
      if (existsSync(file)) return;
      const { bavail, bsize } = statfsSync(dir);
      if (bavail * bsize < 3 * BYTES) return;
      writeFileSync(file, Buffer.alloc(BYTES), { mode: 0o600 });
    },
  };
}
