import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { leavesText, strangersIn } from "../../src/cli/departure-words.ts";
import type { Config } from "../../src/config.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "laddport-words-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

it("says who leaves when on the site's clocks, and what it wants", () => {
  const depart = "2026-11-26T05:30:00Z";
  const one = { id: "x", vehicle: "bus-14", depart, energy_wh: 120_000 };
  expect(leavesText(one, "Europe/Stockholm")).toBe(
    "bus-14 leaves Thu 26 Nov 06:30 (Europe/Stockholm), wants 120.0 kWh",
  );
  const other = { id: "x", evse: "cp-01/1" as const, depart, soc_pct: 80, class: "line" };
  expect(leavesText(other, "UTC")).toBe(
    "whoever is at cp-01/1 leaves Thu 26 Nov 05:30 (UTC), wants 80 %, class line",
  );
  expect(leavesText({ id: "x", vehicle: "v", depart: "2026-09-01T22:00:00Z" }, "Europe/Stockholm")).toBe(
    "v leaves Wed 2 Sep 00:00 (Europe/Stockholm)",
  );
});

it("names vehicles that neither the config nor the token list has, once each", () => {
  const file = join(dir, "tokens.csv");
  writeFileSync(file, "uid,type,status,valid_until,group,vehicle\n04AA,rfid,,,,van-1\n", { mode: 0o600 });
  const config = { classes: [], vehicles: [{ id: "bus-1" }], tokens: { file } } as unknown as Config;
  const departures = ["bus-1", "van-1", "bus-9", "bus-9"].map((vehicle, i) => ({
    id: `${i}`,
    vehicle,
    depart: "",
  }));
  const read = { departures, lines: [], passed: 0, notes: [], clamped: false, faults: [] };
  expect(strangersIn(read, config, dir)).toEqual(["bus-9"]);
  // Whom nobody lets read the token list cannot say who is strange.
  const unread = { ...config, tokens: { file: join(dir, "none.csv") } } as Config;
  expect(strangersIn(read, unread, dir)).toEqual([]);
});
