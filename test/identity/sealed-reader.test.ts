import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { SealedReader } from "../../src/identity/sealed-reader.ts";
import { SubjectStore } from "../../src/identity/subject-store.ts";
import { Vault } from "../../src/identity/vault.ts";
import { scratchDir } from "../log/sample-events.ts";

const NOW = Date.UTC(2026, 2, 2);
const DAY = 86_400_000;
const TEXT = Buffer.from("OCMF|{}|{}");

function store() {
  const file = join(scratchDir(), "subjects.db");
  const vault = new Vault(randomBytes(32));
  const subjects = new SubjectStore(file, vault);
  const reader = new SealedReader(file, vault);
  onTestFinished(() => {
    reader.close();
    subjects.close();
  });
  const subject = subjects.tokenRef({ uid: "04A1", type: "rfid" }, NOW);
  const own = subjects.seal(subject, TEXT, NOW);
  const ofDay = subjects.seal(null, TEXT, NOW);
  subjects.flush();
  return { file, subjects, reader, subject, own, ofDay };
}

describe("sealed bytes read beside the gateway", () => {
  it("opens what was sealed under a subject or a day, as soon as it is flushed", () => {
    const { reader, own, ofDay, subjects } = store();
    expect([reader.open(own), reader.open(ofDay)]).toEqual([{ bytes: TEXT }, { bytes: TEXT }]);
    const later = subjects.seal(null, TEXT, NOW);
    expect(reader.open(later)).toMatchObject({ missing: expect.stringContaining("erased") });
    subjects.flush();
    expect(reader.open(later)).toEqual({ bytes: TEXT });
  });

  it("says that a record is erased once its key is gone, with nothing remembered", () => {
    const { file, reader, own, ofDay, subjects, subject } = store();
    expect(reader.open(own)).toEqual({ bytes: TEXT });
    const eraser = new DatabaseSync(file);
    eraser.prepare("DELETE FROM subject WHERE token_ref = ?").run(subject);
    eraser.close();
    subjects.forgetDays(NOW + 100 * DAY, 30);
    for (const gone of [own, ofDay])
      expect(reader.open(gone)).toMatchObject({ missing: expect.stringContaining("erased") });
  });

  it("refuses bytes that are not those of the log, and those of another key-encryption key", () => {
    const { file, reader, own } = store();
    expect(reader.open({ ...own, sha256: "0".repeat(64) })).toMatchObject({
      missing: expect.stringContaining("altered"),
    });
    const stranger = new SealedReader(file, new Vault(randomBytes(32)));
    onTestFinished(() => stranger.close());
    expect(stranger.open(own)).toMatchObject({ missing: expect.stringContaining("identity.kek_file") });
  });
});
