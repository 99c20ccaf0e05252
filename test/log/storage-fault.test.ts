import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { storageFault } from "../../src/log/storage-fault.ts";
import { scratchDir } from "./sample-events.ts";

it.each([
  ["an fsync of the log", { errcode: 1034 }, "fsync"],
  ["an fsync of its folder", { errcode: 1290 }, "fsync"],
  ["an fsync of the mark", { code: "EIO", syscall: "fsync" }, "fsync"],
  ["a full disk", { errcode: 13 }, "refused"],
  ["a quota, met while writing", { errcode: 778 }, "refused"],
  ["a WAL index that cannot grow", { errcode: 4874 }, "refused"],
  ["a full disk, met by the mark", { code: "ENOSPC", syscall: "write" }, "refused"],
  ["a constraint", { errcode: 2067 }, "other"],
  ["a mistake of ours", new TypeError("x is undefined"), "other"],
])("%s", (_, error, meaning) => expect(storageFault(error)).toBe(meaning));

it("knows the driver's own error of a database that has no room", () => {
  const db = new DatabaseSync(join(scratchDir(), "small.db"));
  db.exec("CREATE TABLE t (b BLOB); PRAGMA max_page_count=4");
  const fill = () => db.prepare("INSERT INTO t VALUES (?)").run(Buffer.alloc(1e6));
  let met: unknown;
  try {
    fill();
  } catch (error) {
    met = error;
  }
  expect(storageFault(met)).toBe("refused");
  db.close();
});
