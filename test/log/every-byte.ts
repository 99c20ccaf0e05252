import { DatabaseSync } from "node:sqlite";

/** Every value of every row of every table, as bytes one after the other. */
export function everyByte(file: string): Buffer {
  const db = new DatabaseSync(file, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const parts = tables.flatMap(({ name }) =>
    db
      .prepare(`SELECT * FROM "${name}"`)
      .all()
      .flatMap((row) => Object.values(row))
      .map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)))),
  );
  db.close();
  return Buffer.concat(parts);
}
