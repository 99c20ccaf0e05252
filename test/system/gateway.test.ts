/** The whole gateway in one process: a station charges, the cloud opens the bill, the log proves it. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { logVerify } from "../../src/cli/log.ts";
import { sessionsList } from "../../src/cli/sessions.ts";
import { loadConfig, readSecret } from "../../src/config.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { openSummaryFile } from "../../src/workers/summary-open.ts";
import { connected } from "../faults/kill-harness.ts";
import { chargingLife, StationClient } from "../faults/station-client.ts";
import { scratchDir } from "../log/sample-events.ts";
import { depot, started } from "./small-depot.ts";

/** One session of a start, ten samples and a stop, each acknowledged. */
async function charge(id: string, password: string, site: string, port: number): Promise<StationClient> {
  const client = new StationClient(id, password, "b1", 4, chargingLife(site, id));
  const life = client.next;
  client.next = () => (client.sent.length < 12 ? life() : undefined);
  await connected(client, port);
  await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(12);
  return client;
}

const io = () => {
  let out = "";
  const write = (text: string) => {
    out += text;
  };
  return { stdout: { write }, stderr: { write: () => undefined }, text: () => out };
};

describe("gateway", () => {
  it("charges, bills, seals and delivers; the cloud's sum is the meter's", async () => {
    const keys = issueCertificate({ name: "receiver", purpose: "recipient" });
    const dir = scratchDir();
    const storeDir = join(dir, "summaries");
    const cloud = createCloud({ site: "demo", ...keys, storeDir });
    await cloud.start();
    onTestFinished(() => cloud.stop());
    writeFileSync(join(dir, "receiver.pem"), keys.certPem);
    writeFileSync(join(dir, "receiver.key"), keys.keyPem, { mode: 0o600 });
    const { made, passwords, port } = await depot(
      `upstream: {url: ${cloud.url}, recipient_cert_files: [${join(dir, "receiver.pem")}], interval_s: 60, max_cdrs: 2}\n`,
    );
    const gateway = started(made.config, made.data);
    await gateway.start();
    const ids = [...passwords.keys()].filter((id) => id.startsWith("cp-")).slice(0, 3);
    const clients = await Promise.all(
      ids.map((id) => charge(id, passwords.get(id) as string, made.site, port)),
    );
    expect(await gateway.flush(60_000)).toBe(true);
    const stats = await gateway.stats();
    expect(stats).toMatchObject({
      sessionsClosed: 3,
      cdrsIssued: 3,
      energyWhMetered: 990,
      energyWhBilled: 990,
    });
    expect(stats.summariesAcknowledged).toBe(stats.summariesSealed);
    for (const c of clients) c.drop();
    await gateway.stop("test");

    expect(cloud.totals()).toMatchObject({ summaries_opened: stats.summariesSealed, gaps: 0 });
    const sealed = cloud.totals().summaries_opened;
    expect(sealed).toBeGreaterThan(0);
    const files = readdirSync(storeDir).filter((f) => f.endsWith(".p7m"));
    expect(files).toHaveLength(sealed);
    const opened = await Promise.all(
      files.map((f) =>
        openSummaryFile({
          file: join(storeDir, f),
          keyFile: join(dir, "receiver.key"),
          signerFile: join(made.data, "signer.pem"),
        }),
      ),
    );
    expect(opened.flatMap((o) => o.summary.cdrs).reduce((sum, c) => sum + c.energy_wh, 0)).toBe(990);

    const verified = io();
    expect(await logVerify({ data: made.data }, verified)).toBe(0);
    expect(verified.text()).toContain("both chains hold");
    const listed = io();
    await sessionsList({ data: made.data, limit: 10, json: true }, listed);
    expect(
      listed
        .text()
        .trim()
        .split("\n")
        .map((l) => JSON.parse(l).state),
    ).toEqual(["billed", "billed", "billed"]);
  });

  it("shows its health and figures, and keeps the API closed", async () => {
    const { made } = await depot();
    const gateway = started(made.config, made.data);
    const { api } = await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const health = await (await fetch(`${api}/health`)).json();
    expect(health).toMatchObject({ status: "ok" });
    expect(await (await fetch(`${api}/metrics`)).text()).toMatch(/^laddport_log_head \d+$/m);
    expect((await fetch(`${api}/api/v1/status`)).status).toBe(401);
    const config = loadConfig(made.config, { env: {} });
    const headers = { authorization: `Bearer ${readSecret(config.api.tokenFile)}` };
    const status = (await (await fetch(`${api}/api/v1/status`, { headers })).json()) as { site: string };
    expect(status.site).toBe("demo");
    const { stations } = (await (await fetch(`${api}/api/v1/stations`, { headers })).json()) as {
      stations: object[];
    };
    expect(stations).toHaveLength(6);
    const report = await (await fetch(`${api}/api/v1/report?from=2026-03-01&by=evse`, { headers })).json();
    expect(report).toMatchObject({ by: "evse", time_zone: config.site.timezone, total: { sessions: 0 } });
    expect((report as { rows: object[] }).rows.length).toBeGreaterThan(0);
  });

  it("shows what an open session costs so far, and no more when it is over", async () => {
    const { made, passwords, port } = await depot();
    const gateway = started(made.config, made.data);
    const { api } = await gateway.start();
    onTestFinished(() => gateway.stop("test"));
    const config = loadConfig(made.config, { env: {} });
    const headers = { authorization: `Bearer ${readSecret(config.api.tokenFile)}` };
    const read = async (path: string) => (await fetch(`${api}/api/v1/${path}`, { headers })).json();
    const id = [...passwords.keys()].find((name) => name.startsWith("cp-")) as string;
    const client = new StationClient(id, passwords.get(id) as string, "b1", 4, chargingLife(made.site, id));
    const life = client.next;
    let most = 8;
    client.next = () => (client.sent.length < most ? life() : undefined);
    await connected(client, port);
    onTestFinished(() => client.drop());
    type Running = { energy_wh: number; total_incl_vat: string; currency: string; lines_so_far: object[] };
    const open = async () =>
      (
        (await read("sessions?state=open")) as {
          sessions: { session_id: string; station: string; running: Running }[];
        }
      ).sessions;
    await expect.poll(open, { timeout: 30_000 }).toMatchObject([{ station: id }]);
    const { session_id, running } = (await open())[0] as Awaited<ReturnType<typeof open>>[0];
    expect(running.energy_wh).toBeLessThanOrEqual(7 * 30);
    expect(running.currency).toBe(config.tariffs[0]?.currency);
    const { stations } = (await read("stations")) as { stations: { station: string; session_id?: string }[] };
    expect(stations.find(({ station }) => station === id)).toMatchObject({
      session_id,
      running: { currency: "SEK" },
    });
    most = 12;
    client.pump();
    await expect.poll(() => client.acked, { timeout: 30_000 }).toBe(12);
    await expect.poll(open, { timeout: 30_000 }).toEqual([]);
  });

  it("refuses a second gateway on the same data", async () => {
    const { made } = await depot();
    const first = started(made.config, made.data);
    await first.start();
    onTestFinished(() => first.stop("test"));
    await expect(started(made.config, made.data).start()).rejects.toThrow(/another gateway/);
  });

  it("refuses a log that a newer release wrote, and so does reading it", async () => {
    const { made } = await depot();
    const first = started(made.config, made.data);
    await first.start();
    await first.stop("test");
    const db = new DatabaseSync(join(made.data, "log.db"));
    db.exec("PRAGMA user_version=99");
    db.close();
    const refused = { code: "LP505", message: expect.stringContaining("log schema 99") };
    await expect(started(made.config, made.data).start()).rejects.toMatchObject(refused);
    await expect(sessionsList({ data: made.data, limit: 1 }, io())).rejects.toMatchObject(refused);
  });
});
