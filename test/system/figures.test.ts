/** What operators see of a running gateway: counts in `/metrics`, alerts in the status. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { status } from "../../src/cli/status.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import type { Alert } from "../../src/model/alert.ts";
import type { EventOf } from "../../src/model/event.ts";
import { connected } from "../faults/kill-harness.ts";
import { chargingLife, StationClient } from "../faults/station-client.ts";
import { depot, started } from "./small-depot.ts";

it("counts setpoints by reason and what a full quarantine did not take, and names whom it brakes", async () => {
  const { made, passwords, port } = await depot();
  const password = (id: string) => passwords.get(id) as string;
  const gateway = started(made.config, made.data);
  const { api } = await gateway.start();
  onTestFinished(() => gateway.stop("test"));
  const metrics = async () => (await fetch(`${api}/metrics`)).text();

  const life = chargingLife(made.site, "cp-001");
  let left = 4;
  const charging = new StationClient("cp-001", password("cp-001"), "b1", 1, () =>
    left-- > 0 ? life() : undefined,
  );
  await connected(charging, port);
  let wrong = 203;
  const broken = new StationClient("cp-002", password("cp-002"), "b1", 50, () =>
    wrong-- > 0
      ? { topic: `laddport/v1/${made.site}/in/cp-002/1/meter`, body: { power_w: "much" } }
      : undefined,
  );
  await connected(broken, port);
  await expect.poll(metrics, { timeout: 60_000 }).toContain("laddport_quarantine_overflow_total 3");
  expect(await metrics()).toContain("laddport_quarantined_total 200");

  const reader = openSqliteReader(join(made.data, "log.db"));
  onTestFinished(() => reader.close());
  const setpoints = async () => {
    const { events } = await reader.read(0, { types: ["setpoint.sent"], limit: 10_000 });
    const reasons = (events as EventOf<"setpoint.sent">[]).map((e) => e.body.reason);
    return [...new Set(reasons)].map(
      (reason) =>
        `laddport_setpoints_total{reason="${reason}"} ${reasons.filter((r) => r === reason).length}`,
    );
  };
  await expect
    .poll(
      async () => {
        const [told, logged] = [await metrics(), await setpoints()];
        return logged.length > 0 && logged.every((line) => told.includes(`${line}\n`));
      },
      { timeout: 60_000 },
    )
    .toBe(true);

  for (let i = 0; i < 8; i++) {
    const guess = new StationClient("cp-003", `wrong-${i}`, "b1", 1, () => undefined);
    await expect(guess.connect(port)).rejects.toThrow();
    const stranger = new StationClient("hunter2", "wrong", "b1", 1, () => undefined);
    await expect(stranger.connect(port)).rejects.toThrow();
  }
  const headers = {
    authorization: `Bearer ${readSecret(loadConfig(made.config, { env: {} }).api.tokenFile)}`,
  };
  const braked = async () => {
    const answer = await (await fetch(`${api}/api/v1/status`, { headers })).json();
    return (answer as { alerts: Alert[] }).alerts.filter((a) => a.kind === "login_braked");
  };
  await expect
    .poll(async () => (await braked()).map((a) => a.id).sort(), { timeout: 30_000 })
    .toEqual(["login_braked:cp-003", "login_braked:unknown"]);
  expect(JSON.stringify(await braked())).not.toMatch(/wrong-|hunter2/);
  let shown = "";
  const io = { stdout: { write: (text: string) => (shown += text) }, stderr: process.stderr };
  expect(await status({ config: made.config }, io)).toBe(0);
  expect(shown).toMatch(/^sessions_held +0$/m);
  expect(shown).toMatch(/^circuit +limit A +measured A +allocated A +meter$/m);
  expect(shown).toMatch(/^login_braked +cp-003 +warning +\S/m);
  expect(shown).not.toMatch(/[{}[\]]|hunter2/);
  const { events } = await reader.read(0, { types: ["alert.raised"] });
  expect(events.filter((e) => (e.body as Alert).kind === "login_braked")).toHaveLength(2);
});

it("says that a meter is silent, also when it is not the grid connection's", async () => {
  const { made } = await depot("meters:\n  - {id: m-row}\n");
  const config = readFileSync(made.config, "utf8");
  writeFileSync(made.config, config.replace(/\{id: row-01[^}]*/, "$&, meter: m-row"));
  const gateway = started(made.config, made.data);
  const { api } = await gateway.start();
  onTestFinished(() => gateway.stop("test"));
  const authorization = `Bearer ${readSecret(loadConfig(made.config, { env: {} }).api.tokenFile)}`;
  const status = async () =>
    (await fetch(`${api}/api/v1/status`, { headers: { authorization } })).json() as Promise<object>;
  await expect.poll(status, { timeout: 60_000 }).toMatchObject({ meter_stale: true });
});
