import { afterEach, describe, expect, test } from "vitest";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import { open } from "../../src/workers/cms.ts";
import { type ComputePool, createComputePool } from "../../src/workers/compute-pool.ts";
import type { HostileTasks } from "./hostile-tasks.ts";
import { samplePayload } from "./sample-summary.ts";

const module = new URL("./hostile-tasks.ts", import.meta.url);
const pools: { stop(): Promise<void> }[] = [];
function hostile(options = {}): ComputePool<HostileTasks> {
  const pool = createComputePool<HostileTasks>({ module, ...options });
  pools.push(pool);
  return pool;
}
const counter = () => new SharedArrayBuffer(4);
const runsOf = (runs: SharedArrayBuffer) => new Int32Array(runs)[0];

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop();
});

describe("compute pool", () => {
  test("seals on its thread what opens here", async () => {
    const pool = createComputePool();
    pools.push(pool);
    const signer = issueCertificate({ name: "gw", purpose: "signer" });
    const cloud = issueCertificate({ name: "cloud", purpose: "recipient" });
    const payload = samplePayload(1, 3, [certificateFingerprint(cloud.certPem)]);
    const der = await pool.run("seal", {
      profile: "cms-1",
      payload,
      signer,
      recipients: [cloud.certPem],
    });
    expect(open(der, { key: cloud.keyPem, cert: cloud.certPem }, signer.certPem).payload).toEqual(payload);
    await expect(pool.run("seal", { profile: "cms-1", payload, signer, recipients: [] })).rejects.toThrow(
      "at least one recipient",
    );
  });

  test("a hung task is killed at its deadline and run again once", async () => {
    const lost: string[] = [];
    const pool = hostile({ onLost: (task: string, reason: string) => lost.push(`${task}: ${reason}`) });
    expect(await pool.run("double", 4)).toBe(8);
    const runs = counter();
    expect(await pool.run("spinOnce", { runs }, { deadlineMs: 300 })).toBe("second run");
    expect(runsOf(runs)).toBe(2);
    expect(lost).toEqual(["spinOnce: it ran past its deadline of 300 ms"]);
  });

  test("a task that hangs twice is refused, and those behind it run", async () => {
    const pool = hostile();
    await pool.run("double", 1);
    const runs = counter();
    const spun = pool.run("spin", { runs }, { deadlineMs: 300 });
    // Waits for the thread longer than its own deadline, which counts only from its start.
    const behind = pool.run("double", 21, { deadlineMs: 200 });
    behind.catch(() => undefined);
    await expect(spun).rejects.toThrow("compute task spin failed twice: it ran past its deadline of 300 ms");
    expect(runsOf(runs)).toBe(2);
    expect(await behind).toBe(42);
  });

  test("a thread that exits or runs out of memory is replaced", async () => {
    const pool = hostile({ maxHeapMb: 24 });
    const runs = counter();
    expect(await pool.run("exitOnce", { runs })).toBe("second run");
    const swollen = counter();
    await expect(pool.run("swell", { runs: swollen })).rejects.toThrow(/swell failed twice: .*memory/);
    expect(runsOf(swollen)).toBe(2);
    expect(await pool.run("double", 3)).toBe(6);
  }, 60_000);

  test("a task's own error is not retried; stopping refuses what waits", async () => {
    const lost: string[] = [];
    const pool = hostile({ maxWaiting: 1, onLost: (task: string) => lost.push(task) });
    await expect(pool.run("fail", undefined)).rejects.toThrow("not this one");
    expect(lost).toEqual([]);
    const spun = pool.run("spin", { runs: counter() });
    const waits = pool.run("double", 1);
    await expect(pool.run("double", 2)).rejects.toThrow("1 tasks wait");
    const refused = Promise.all([
      expect(spun).rejects.toThrow(),
      expect(waits).rejects.toThrow("the compute pool is stopped"),
    ]);
    await pool.stop();
    await refused;
  });
});
