import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readGatewayFile, writeGatewayFile } from "../../src/gateway/gateway-file.ts";
import { mountSmallDisk } from "../faults/small-disk.ts";

const CONTENT = { api: "http://127.0.0.1:8080", token_file: "/t", signer_key_file: "/s" };

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "laddport-file-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

it("is written once for the same content, so that a start with a full disk needs no room", () => {
  const dir = folder();
  expect(writeGatewayFile(dir, CONTENT)).toBe(true);
  const { ino } = statSync(join(dir, "gateway.json"));
  expect(writeGatewayFile(dir, CONTENT)).toBe(true);
  expect(statSync(join(dir, "gateway.json")).ino).toBe(ino);
  expect(writeGatewayFile(dir, { ...CONTENT, api: "http://127.0.0.1:9090" })).toBe(true);
  expect(readGatewayFile(dir)?.api).toBe("http://127.0.0.1:9090");
});

it("says that a full disk did not take it, and leaves what was there", (context) => {
  const dir = folder();
  mountSmallDisk(dir, 1, context);
  writeGatewayFile(dir, CONTENT);
  fill(join(dir, "foreign"));
  expect(writeGatewayFile(dir, { ...CONTENT, token_file: `/${"x".repeat(9_000)}` })).toBe(false);
  expect(readGatewayFile(dir)).toEqual(CONTENT);
  expect(readdirSync(dir).sort()).toEqual(["foreign", "gateway.json"]);
});

function fill(file: string): void {
  expect(() => writeFileSync(file, Buffer.alloc(2 * 1024 * 1024))).toThrow(/ENOSPC/);
}
