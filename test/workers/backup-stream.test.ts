import { createSecretKey, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { Vault } from "../../src/identity/vault.ts";
import { lockByVault, lockFor, unlock } from "../../src/workers/backup-keys.ts";
import { type Manifest, packed, unpack } from "../../src/workers/backup-parts.ts";
import { BackupNotOpened, readSealed, writeSealed } from "../../src/workers/backup-stream.ts";
import { scratchDir } from "../log/sample-events.ts";

const MB = 1024 * 1024;
const key = createSecretKey(Buffer.alloc(32, 3));
const HEAD = { created_at: "2026-11-25T12:00:00Z", keys: [] };

async function* parts(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(file: string, by = key): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const chunk of readSealed(file, () => by)) out.push(chunk);
  return Buffer.concat(out);
}

describe("the sealed file", () => {
  it.each([0, 1, MB - 1, MB, MB + 1, 2 * MB, 2 * MB + 17])(
    "gives %i bytes back as they were",
    async (size) => {
      const file = join(scratchDir(), "b");
      const bytes = randomBytes(size);
      await writeSealed(file, HEAD, key, parts(bytes, 70_001));
      expect((await all(file)).equals(bytes)).toBe(true);
    },
  );

  it("with any byte changed, cut off, swapped or added is refused", async () => {
    const dir = scratchDir();
    const file = join(dir, "b");
    await writeSealed(file, HEAD, key, parts(randomBytes(2 * MB + 500), MB));
    const whole = readFileSync(file);
    const head = 22 + whole.readUInt32BE(18);
    const chunk = MB + 16;
    const first = whole.subarray(head, head + chunk);
    const second = whole.subarray(head + chunk, head + 2 * chunk);
    const rest = whole.subarray(head + 2 * chunk);
    const flipped = (at: number) => {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    };
    const created = whole.indexOf("2026");
    const forged: Buffer[] = [
      ...[0, created, head, head + chunk - 1, head + chunk + 5, whole.length - 1].map(flipped),
      whole.subarray(0, -1),
      whole.subarray(0, head + chunk),
      whole.subarray(0, head + 2 * chunk),
      whole.subarray(0, 10),
      Buffer.concat([whole, Buffer.alloc(16)]),
      Buffer.concat([whole.subarray(0, head), second, first, rest]),
      Buffer.concat([whole.subarray(0, head), second, rest]),
    ];
    for (const bytes of forged) {
      writeFileSync(file, bytes);
      await expect(all(file)).rejects.toThrow(BackupNotOpened);
    }
    // Each byte of the head, whose JSON is read before anything is proven.
    for (let at = 0; at < head; at += 1) {
      writeFileSync(file, flipped(at));
      await expect(all(file), `byte ${at}`).rejects.toThrow(BackupNotOpened);
    }
    writeFileSync(file, whole);
    await expect(all(file, createSecretKey(Buffer.alloc(32, 4)))).rejects.toThrow(BackupNotOpened);
  });
});

describe("the key of a backup", () => {
  const vault = new Vault(Buffer.alloc(32, 1));
  const ec = issueCertificate({ name: "offline", purpose: "recipient" });
  const other = issueCertificate({ name: "escrow", purpose: "recipient" });

  it("opens for each recipient, and for nobody else", () => {
    const lock = lockFor([ec.certPem, other.certPem]);
    for (const pem of [ec.keyPem, other.keyPem])
      expect(unlock(lock.keys, pem, vault).export().equals(lock.key.export())).toBe(true);
    const stranger = issueCertificate({ name: "stranger", purpose: "recipient" });
    expect(() => unlock(lock.keys, stranger.keyPem, vault)).toThrow(BackupNotOpened);
    expect(() => unlock(lock.keys, null, vault)).toThrow(/--key/);
  });

  it("without a recipient opens with the gateway's KEK alone", () => {
    const lock = lockByVault(vault);
    expect(unlock(lock.keys, null, vault).export().equals(lock.key.export())).toBe(true);
    expect(() => unlock(lock.keys, null, new Vault(Buffer.alloc(32, 2)))).toThrow(/kek_file/);
  });
});

it("a part never leads out of the folder", async () => {
  const file = join(scratchDir(), "evil");
  writeFileSync(file, "x");
  const manifest = { version: 1 } as Manifest;
  for (const name of ["../evil", "a/b", ".hidden", ""]) {
    const dir = scratchDir();
    await expect(unpack(packed(manifest, [{ name, file }]), dir, () => undefined)).rejects.toThrow(
      /of the name/,
    );
  }
});
