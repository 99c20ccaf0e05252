import { expect, it } from "vitest";
import { requestAudit } from "../../src/gateway/request-audit.ts";
import type { Answer } from "../../src/gateway/requests.ts";
import type { AuditEntry } from "../../src/model/audit.ts";

function recorder() {
  const entries: AuditEntry[] = [];
  let now = 0;
  const record = requestAudit(
    async (entry) => void entries.push(entry),
    () => now,
  );
  const ask = (data: object, status: Answer["status"] = "granted", role = "flows") =>
    record(
      { client: role, role, payload: Buffer.from(JSON.stringify({ id: "1", data })) },
      { id: "1", status },
    );
  return { entries, ask, pass: (ms: number) => (now += ms) };
}

it("writes down who asked for what, why, and what became of it", () => {
  const { entries, ask } = recorder();
  ask({ target: "cp-001/1", limit_a: 6, reason: "price" }, "clamped");
  expect(entries).toEqual([
    {
      actor: "flows",
      action: "limit.requested",
      object: "cp-001/1",
      reason: "price",
      detail: { status: "clamped", asked_a: 6 },
    },
  ]);
});

it("one line in ten minutes for a flow that repeats itself, unless the answer or the target changes", () => {
  const { entries, ask, pass } = recorder();
  for (let i = 0; i < 100; i += 1) ask({ target: "cp-001/1", limit_a: 6 + i });
  ask({ target: "cp-002/1", limit_a: 6 });
  ask({ target: "cp-001/1", limit_a: 6 }, "denied");
  expect(entries.map(({ object, detail }) => [object, detail?.status, detail?.repeated])).toEqual([
    ["cp-001/1", "granted", undefined],
    ["cp-002/1", "granted", undefined],
    ["cp-001/1", "denied", 99],
  ]);
  pass(600_000);
  ask({ target: "cp-001/1", limit_a: 6 }, "denied");
  expect(entries).toHaveLength(4);
});

it("every request of a person is written, and nothing of one that is no request stands in the trail", () => {
  const { entries, ask } = recorder();
  for (let i = 0; i < 3; i += 1) ask({ target: "cp-001/1", limit_a: 6 }, "granted", "cli");
  expect(entries).toHaveLength(3);
  ask({ target: "04A2B3C4D5E6F7 of Anna", limit_a: "x" }, "error");
  expect(entries.at(-1)).toEqual({
    actor: "flows",
    action: "limit.requested",
    object: null,
    reason: null,
    detail: { status: "error" },
  });
});
