/** Late data in a whole gateway at accelerated depot time: the bill is credited, issued anew, delivered, and proven. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { cdrVerify } from "../../src/cli/cdr-verify.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { depotClock } from "../../src/model/clock.ts";
import { createCloud } from "../../src/simulator/cloud.ts";
import { connected } from "../faults/kill-harness.ts";
import { factsOf } from "../faults/log-books.ts";
import { StationClient } from "../faults/station-client.ts";
import { scratchDir } from "../log/sample-events.ts";
import { depot, started } from "./small-depot.ts";

const SPEED = 600;

it("a late stop and a late start each end as one standing bill, the same here and in the cloud", async () => {
  const keys = issueCertificate({ name: "receiver", purpose: "recipient" });
  const dir = scratchDir();
  const cloud = createCloud({ site: "demo", ...keys, storeDir: join(dir, "summaries") });
  await cloud.start();
  onTestFinished(() => cloud.stop());
  writeFileSync(join(dir, "receiver.pem"), keys.certPem);
  const { made, passwords, port } = await depot(
    `upstream: {url: ${cloud.url}, recipient_cert_files: [${join(dir, "receiver.pem")}], interval_s: 60, max_cdrs: 1}\n`,
  );
  const origin = { realMs: Date.now(), depotMs: Date.now(), speed: SPEED };
  const clock = depotClock(origin);
  const gateway = started(made.config, made.data, origin);
  await gateway.start();
  onTestFinished(() => gateway.stop("test"));

  const beganMs = clock.nowMs() - 900_000;
  const send = async (id: string, boot: string, messages: readonly (readonly [string, number, object])[]) => {
    const queue = messages.map(([kind, s, body]) => ({
      topic: `laddport/v1/${made.site}/in/${id}/1/${kind}`,
      body: { ts: new Date(beganMs + s * 1000).toISOString(), ...body },
    }));
    const client = new StationClient(id, passwords.get(id) ?? "", boot, 1, () => queue.shift());
    await connected(client, port);
    await expect.poll(() => client.acked, { timeout: 60_000 }).toBe(messages.length);
    client.drop();
  };
  const ids = async (type: "session.ended" | "session.revised") =>
    (await factsOf(made.data, type)).map((event) => event.body.session_id);
  const bills = async () => (await factsOf(made.data, "cdr.issued")).map(({ body }) => body);
  const eventually = { timeout: 60_000 };

  // Unplugged, and no stop: the gateway closes it. Of the other only the stop comes.
  await send("cp-001", "b1", [
    ["tx", 0, { event: "started", tx_ref: "t1", energy_import_wh: 1000, charging_state: "charging" }],
    ["meter", 300, { energy_import_wh: 1500, tx_ref: "t1" }],
    ["status", 600, { connector_state: "available" }],
  ]);
  await send("cp-002", "b1", [["tx", 600, { event: "ended", tx_ref: "t2", energy_import_wh: 9000 }]]);
  await expect.poll(async () => (await ids("session.ended")).length, eventually).toBe(2);
  await expect.poll(async () => (await bills()).length, eventually).toBe(1);

  await send("cp-001", "b2", [["tx", 590, { event: "ended", tx_ref: "t1", energy_import_wh: 2000 }]]);
  await send("cp-002", "b2", [["tx", 0, { event: "started", tx_ref: "t2", energy_import_wh: 8000 }]]);
  await expect.poll(async () => (await bills()).length, eventually).toBe(4);
  const all = await bills();
  const [billed = "", orphan = ""] = [
    all[0]?.session_id,
    (await ids("session.ended")).find((id) => id !== all[0]?.session_id),
  ];
  const of = (id: string) => all.filter((cdr) => cdr.session_id === id).map((cdr) => [cdr.id, cdr.energy_wh]);
  expect(of(billed)).toEqual([
    [`cdr-${billed}`, 500],
    [`cdr-${billed}-C`, 500],
    [`cdr-${billed}-2`, 1000],
  ]);
  expect(of(orphan)).toEqual([[`cdr-${orphan}-2`, 1000]]);

  expect(await gateway.flush(60_000)).toBe(true);
  expect(cloud.totals()).toMatchObject({ cdrs: 4, gaps: 0, chain_breaks: 0, rejected: 0, energy_wh: 2000 });
  expect(await gateway.stats()).toMatchObject({ energyWhMetered: 2000, energyWhBilled: 2000 });
  const said: string[] = [];
  const write = (text: string) => void said.push(text);
  const io = { stdout: { write }, stderr: { write } };
  expect(
    await cdrVerify({ data: made.data, all: true, samples: true, progress: false }, io),
    said.join(""),
  ).toBe(0);
});
