import { expect, it } from "vitest";
import { configEntry } from "../../src/gateway/config-audit.ts";
import type { AuditRecord } from "../../src/model/audit.ts";

const config = {
  version: 1,
  site: { id: "north", name: "North" },
  grid: { voltageV: 230 },
  upstream: undefined,
};
const entry = (over: object, last?: AuditRecord) => configEntry({ ...config, ...over } as never, last);

it("records the first config, and a later one only when it differs, by the names of what changed", () => {
  const first = entry({}) as AuditRecord;
  expect(first).toMatchObject({ actor: "gateway", action: "config.adopted", detail: { changed: "all" } });
  expect(entry({}, first)).toBeUndefined();
  const next = entry({ grid: { voltageV: 231 }, flows: { port: 1880 } }, first) as AuditRecord;
  expect(next.detail.changed).toBe("flows grid");
  expect(next.object).not.toBe(first.object);
  expect(entry({}, next)?.detail?.changed).toBe("flows grid");
});

it("shows no value of the config", () => {
  const text = JSON.stringify(entry({ api: { tokenFile: "/secret/place" } }));
  expect(text).not.toContain("secret");
  expect(text).not.toContain("North");
});
