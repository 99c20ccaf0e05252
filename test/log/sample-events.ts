import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { NewEvent } from "../../src/model/event.ts";

/** A folder that goes with the test. */
export function scratchDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "laddport-test-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function sample(seq: number, station = "cp-001", atMs = 1_790_000_000_000 + seq * 1000): NewEvent {
  return {
    type: "meter.sampled",
    atMs,
    station,
    key: null,
    body: {
      evse: 1,
      ts: new Date(atMs).toISOString(),
      context: "sample.periodic",
      energy_import_wh: 1000 + seq,
      power_w: 11_000,
      boot: "b1",
      seq,
    },
  };
}

export function fact(key: string | null, detail = "x"): NewEvent {
  return { type: "log.damaged", atMs: 1_790_000_000_000, station: null, key, body: { detail } };
}
