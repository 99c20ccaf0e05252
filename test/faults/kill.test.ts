import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { freePort } from "../../src/gateway/free-port.ts";
import { demoDepot, GatewayProcess, laddport, removeDepot } from "./gateway-process.ts";
import { compare, killCampaign } from "./kill-harness.ts";
import { logOf } from "./log-books.ts";

/** `test:faults` runs the full count, `npm test` a sample of it. */
const KILLS = Number(process.env.KILLS ?? 50);

/** Each kill loses what was acknowledged in the last milliseconds; on a starved machine some kills find nothing there. */
const CONTROL_KILLS = KILLS >= 10 ? 10 : 2;
const CONTROL_ROUNDS = 5;

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

describe("kill -9 of the gateway under load", () => {
  it(`${KILLS} kills: no acknowledged message lost or doubled, one CDR a transaction`, async () => {
    const seed = randomInt(2 ** 31);
    const depot = await demoDepot({ stations: KILLS >= 10 ? 500 : 24 });
    const gateway = GatewayProcess.of(depot);
    const campaign = await killCampaign(
      {
        site: depot.site,
        port: depot.port,
        passwords: depot.passwords,
        start: () => gateway.start(),
        kill: () => gateway.kill(),
        stop: () => gateway.stop(),
      },
      { stations: 20, kills: KILLS, window: 16, random: seeded(seed) },
    );
    const { messages, cdrsOf } = await logOf(depot.data);
    const verdict = compare(campaign.clients, messages, cdrsOf);
    console.log(
      `seed ${seed}: ${KILLS} kills, ${verdict.acked} acknowledged, ${verdict.lost.length} lost, ${verdict.doubled.length} doubled, ` +
        `${verdict.transactions} transactions, ${verdict.wrongCdrs.length} without exactly one CDR, slowest start ${campaign.slowestStartMs} ms`,
    );
    expect(verdict.acked).toBeGreaterThan(KILLS * 100);
    expect(verdict.lost).toEqual([]);
    expect(verdict.doubled).toEqual([]);
    expect(verdict.wrongCdrs).toEqual([]);
    expect(await laddport(["log", "verify", "--data", depot.data])).toContain("both chains hold");
    removeDepot(depot);
  });

  it("the negative control, logging after the acknowledgement, fails the same harness", async () => {
    let lost = 0;
    for (let round = 0; lost === 0 && round < CONTROL_ROUNDS; round += 1) lost = await lostByControl();
    expect(lost).toBeGreaterThan(0);
  });
});

/** How many acknowledged messages a broker loses that logs after the acknowledgement. */
async function lostByControl(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "laddport-control-"));
  const file = join(dir, "control.db");
  const port = await freePort();
  const script = join(dirname(fileURLToPath(import.meta.url)), "log-after-ack.ts");
  const broker = new GatewayProcess([script, String(port), file]);
  const passwords = new Map(Array.from({ length: 20 }, (_, i) => [`cp-${i}`, "x"]));
  const campaign = await killCampaign(
    {
      site: "demo",
      port,
      passwords,
      start: () => broker.start(),
      kill: () => broker.kill(),
      stop: () => broker.stop(),
    },
    { stations: 20, kills: CONTROL_KILLS, window: 16, random: seeded(randomInt(2 ** 31)) },
  );
  const db = new DatabaseSync(file);
  const rows = db.prepare("SELECT topic, payload FROM message").all() as {
    topic: string;
    payload: string;
  }[];
  db.close();
  const messages = rows.map(({ topic, payload }) => {
    const { boot, seq } = JSON.parse(payload) as { boot: string; seq: number };
    return { station: topic.split("/")[4] as string, boot, seq };
  });
  const verdict = compare(campaign.clients, messages, new Map());
  console.log(`control: ${verdict.acked} acknowledged, ${verdict.lost.length} lost`);
  rmSync(dir, { recursive: true, force: true });
  return verdict.lost.length;
}
