/** What a process and its folder use. Linux tells about processes in /proc (proc(5)); elsewhere that is unknown. */
import { lstat, readdir, readFile, statfs } from "node:fs/promises";
import path from "node:path";

const PAGE_BYTES = 4096;
/** USER_HZ is 100 on every architecture that Node runs on. */
const TICK_MS = 10;
const MAX_ENTRIES = 50_000;

/** Resident memory in bytes; undefined when unknown. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/statm`, "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text.split(" ")[1]) * PAGE_BYTES;
}

/** Processor time used so far, ms; undefined when unknown. */
export async function processorMs(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15, so 12th and 13th after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Bytes on the disk below a folder, links not followed. Past 50,000 entries: Infinity, which is too much as well. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  let entries = 0;
  const open = [folder];
  for (let dir = open.pop(); dir !== undefined; dir = open.pop()) {
    // A file may vanish between the listing and the look.
    for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
      if (++entries > MAX_ENTRIES) return Number.POSITIVE_INFINITY;
      const full = path.join(dir, entry.name);
      if (entry.isDirectory()) open.push(full);
      bytes += (await lstat(full).catch(() => undefined))?.blocks ?? 0;
    }
  }
  return bytes * 512;
}

/** Bytes that an unprivileged process could still write there. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
