/**
 * Kills a gateway at random moments under load and keeps the books outside of it: every message that a station saw
 * acknowledged must be in the log exactly once, and every transaction whose end was acknowledged must have one CDR.
 */
import { chargingLife, StationClient } from "./station-client.ts";

/** A gateway that can be killed, and what its log holds afterwards. */
export interface Target {
  site: string;
  port: number;
  passwords: ReadonlyMap<string, string>;
  start(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<unknown>;
}

export interface Campaign {
  clients: StationClient[];
  kills: number;
  /** Resent after a kill because no acknowledgement had come. */
  acked: number;
  slowestStartMs: number;
}

export interface CampaignOptions {
  stations: number;
  kills: number;
  window: number;
  random: () => number;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function killCampaign(target: Target, options: CampaignOptions): Promise<Campaign> {
  const { stations, kills, window, random } = options;
  const clients = [...target.passwords]
    .slice(0, stations)
    .map(([id, password]) => new StationClient(id, password, "b1", window, chargingLife(target.site, id)));
  let slowestStartMs = 0;
  for (let kill = 0; kill <= kills; kill += 1) {
    const started = Date.now();
    await target.start();
    slowestStartMs = Math.max(slowestStartMs, Date.now() - started);
    await Promise.all(clients.map((c) => connected(c, target.port)));
    if (kill < kills) {
      await pause(50 + random() * 700);
      await target.kill();
      for (const c of clients) c.drop();
      await pause(5);
    }
  }
  await settle(clients);
  await pause(1500);
  await target.stop();
  for (const c of clients) c.drop();
  return { clients, kills, acked: clients.reduce((n, c) => n + c.acked, 0), slowestStartMs };
}

export async function connected(client: StationClient, port: number): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await client.connect(port);
    } catch (error) {
      if (attempt > 100) throw error;
      await pause(50);
    }
  }
}

/** Lets every station finish its session, then waits until all is acknowledged. */
export async function settle(clients: StationClient[]): Promise<void> {
  for (const c of clients) {
    const life = c.next;
    c.next = () => (atEndOfSession(c) ? undefined : life());
  }
  const until = Date.now() + 60_000;
  while (clients.some((c) => !c.settled || !atEndOfSession(c))) {
    for (const c of clients) c.pump();
    if (Date.now() > until) throw new Error("stations did not settle within a minute");
    await pause(20);
  }
}

function atEndOfSession(client: StationClient): boolean {
  // A confirmed limit belongs to no session.
  const last = client.sent.findLast(({ topic }) => !topic.endsWith("/limit"));
  return last?.payload.includes('"ended"') ?? true;
}

export interface Verdict {
  acked: number;
  lost: string[];
  doubled: string[];
  /** Transactions whose end was acknowledged, and those without exactly one CDR. */
  transactions: number;
  wrongCdrs: string[];
}

export interface LoggedMessage {
  station: string;
  boot: string;
  seq: number;
}

/** Compares the stations' books with the log. */
export function compare(
  clients: readonly StationClient[],
  messages: readonly LoggedMessage[],
  cdrsOf: ReadonlyMap<string, number>,
): Verdict {
  const times = new Map<string, number>();
  for (const { station, boot, seq } of messages) {
    const key = `${station}/${boot}/${seq}`;
    times.set(key, (times.get(key) ?? 0) + 1);
  }
  const verdict: Verdict = { acked: 0, lost: [], doubled: [], transactions: 0, wrongCdrs: [] };
  for (const client of clients) {
    for (const sent of client.sent) {
      if (sent.ackedAtMs === null) continue;
      verdict.acked += 1;
      const key = `${client.id}/${client.boot}/${sent.seq}`;
      const n = times.get(key) ?? 0;
      if (n === 0) verdict.lost.push(key);
      if (n > 1) verdict.doubled.push(key);
      const body = JSON.parse(sent.payload) as { event?: string; tx_ref?: string };
      if (body.event !== "ended") continue;
      verdict.transactions += 1;
      const tx = `${client.id}/${body.tx_ref}`;
      if (cdrsOf.get(tx) !== 1) verdict.wrongCdrs.push(`${tx}: ${cdrsOf.get(tx) ?? 0} CDRs`);
    }
  }
  return verdict;
}
