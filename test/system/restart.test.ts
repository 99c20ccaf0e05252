/** What a gateway knows of itself after a restart: what it raised, what is open. */
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { loadConfig, readSecret } from "../../src/config.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import { openSqliteStoreNow } from "../../src/log/sqlite-store.ts";
import type { Alert } from "../../src/model/alert.ts";
import type { NewEvent } from "../../src/model/event.ts";
import { connected } from "../faults/kill-harness.ts";
import { chargingLife, StationClient } from "../faults/station-client.ts";
import { depot, started } from "./small-depot.ts";

const raised = (id: string, kind: Alert["kind"], subject: string): NewEvent => ({
  type: "alert.raised",
  atMs: Date.now(),
  station: null,
  key: `alert.raised:${id}:${Date.now()}`,
  body: { id, kind, severity: "warning", subject, cause: "a test", since_ms: Date.now() },
});

async function alertFacts(dataDir: string): Promise<string[]> {
  const reader = openSqliteReader(join(dataDir, "log.db"));
  const { events } = await reader.read(0, { types: ["alert.raised", "alert.cleared"] });
  await reader.close();
  return events.map((e) => `${e.type} ${(e.body as Alert).id}`);
}

it("clears what was raised before the restart and is over, keeps what is not, and raises nothing twice", async () => {
  const { made, passwords, port } = await depot();
  const headers = {
    authorization: `Bearer ${readSecret(loadConfig(made.config, { env: {} }).api.tokenFile)}`,
  };
  const open = async (api = "") => {
    const status = await (await fetch(`${api}/api/v1/status`, { headers })).json();
    return (status as { alerts: Alert[] }).alerts.map((a) => a.id);
  };
  const first = started(made.config, made.data);
  const { api } = await first.start();
  const topic = `laddport/v1/${made.site}/in/cp-001/1/meter`;
  let wrong = 2;
  const client = new StationClient("cp-001", passwords.get("cp-001") as string, "b1", 1, () =>
    wrong-- > 0 ? { topic, body: { power_w: "much" } } : undefined,
  );
  await connected(client, port);
  await expect.poll(() => open(api), { timeout: 30_000 }).toEqual(["message_rejected:cp-001"]);
  client.drop();
  await first.stop("test");
  expect(await alertFacts(made.data)).toEqual(["alert.raised message_rejected:cp-001"]);

  // As a kill leaves them: a disk that was full, and a database and a circuit that the config had.
  const store = openSqliteStoreNow(join(made.data, "log.db"));
  store.commitNow({
    events: [
      raised("disk_full", "disk_full", "log"),
      raised("influx_down", "influx_down", "influx"),
      raised("circuit_overload:hall/L1", "circuit_overload", "hall/L1"),
    ],
  });
  await store.close();
  const second = started(made.config, made.data);
  const again = await second.start();
  await expect.poll(() => open(again.api), { timeout: 30_000 }).toEqual(["message_rejected:cp-001"]);
  await second.stop("test");
  expect((await alertFacts(made.data)).slice(4).sort()).toEqual([
    "alert.cleared circuit_overload:hall/L1",
    "alert.cleared disk_full",
    "alert.cleared influx_down",
  ]);

  // A quarter of an hour of depot time without another wrong message, in a second.
  const now = Date.now();
  const third = started(made.config, made.data, { realMs: now, depotMs: now, speed: 1000 });
  const later = await third.start();
  onTestFinished(() => third.stop("test"));
  await expect.poll(() => open(later.api), { timeout: 30_000 }).toEqual([]);
});

it("knows how many sessions are open", async () => {
  const { made, passwords, port } = await depot();
  const first = started(made.config, made.data);
  await first.start();
  const life = chargingLife(made.site, "cp-001");
  let left = 4;
  const client = new StationClient("cp-001", passwords.get("cp-001") as string, "b1", 1, () =>
    left-- > 0 ? life() : undefined,
  );
  await connected(client, port);
  await expect.poll(async () => (await first.stats()).sessionsOpen, { timeout: 30_000 }).toBe(1);
  client.drop();
  await first.stop("test");

  const second = started(made.config, made.data);
  const { api } = await second.start();
  onTestFinished(() => second.stop("test"));
  expect((await second.stats()).sessionsOpen).toBe(1);
  const metrics = await (await fetch(`${api}/metrics`)).text();
  expect(metrics).toContain('laddport_sessions{state="active"} 1');
  expect(metrics).toContain('laddport_sessions{state="held"} 0');
});
