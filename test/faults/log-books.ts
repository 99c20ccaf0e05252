/** What the log of a stopped gateway says, and whether it agrees with the stations' own books. */
import { join } from "node:path";
import { expect } from "vitest";
import { logVerify } from "../../src/cli/log.ts";
import { openSqliteReader } from "../../src/log/sqlite-reader.ts";
import type { EventOf, EventType } from "../../src/model/event.ts";
import type { DemoDepot } from "./gateway-process.ts";
import { compare, type LoggedMessage, type Verdict } from "./kill-harness.ts";
import type { StationClient } from "./station-client.ts";

export async function logOf(data: string) {
  const reader = openSqliteReader(join(data, "log.db"));
  const messages: LoggedMessage[] = [];
  const transactionOf = new Map<string, string>();
  const cdrsOf = new Map<string, number>();
  for (let after = 0; ; ) {
    const { events, through } = await reader.read(after, { limit: 5000 });
    if (events.length === 0) break;
    for (const event of events) {
      const { boot, seq } = event.body as { boot?: string | null; seq?: number };
      if (event.station && boot) messages.push({ station: event.station, boot, seq: seq as number });
      if (event.type === "session.ended") {
        for (const tx of event.body.tx_refs)
          transactionOf.set(event.body.session_id, `${event.station}/${tx}`);
      }
      if (event.type === "cdr.issued") {
        const tx = transactionOf.get((event as EventOf<"cdr.issued">).body.session_id) ?? "unknown";
        cdrsOf.set(tx, (cdrsOf.get(tx) ?? 0) + 1);
      }
    }
    after = through;
  }
  await reader.close();
  return { messages, cdrsOf };
}

/** All facts of one type, in order. */
export async function factsOf<T extends EventType>(data: string, type: T): Promise<EventOf<T>[]> {
  const reader = openSqliteReader(join(data, "log.db"));
  const found: EventOf<T>[] = [];
  for (let after = 0; ; ) {
    const { events, through } = await reader.read(after, { types: [type] });
    found.push(...(events as EventOf<T>[]));
    if (through <= after) break;
    after = through;
  }
  await reader.close();
  return found;
}

/** How often an alert of a kind was raised, and how often cleared. */
export async function alertsOf(data: string, kind: string): Promise<{ raised: number; cleared: number }> {
  const count = async (type: "alert.raised" | "alert.cleared") =>
    (await factsOf(data, type)).filter(({ body }) => body.kind === kind).length;
  return { raised: await count("alert.raised"), cleared: await count("alert.cleared") };
}

/** Everything sent is acknowledged and in the log once, every session billed once, and the log proves itself. */
export async function expectBooksToAgree(depot: DemoDepot, clients: StationClient[]): Promise<Verdict> {
  const { messages, cdrsOf } = await logOf(depot.data);
  const verdict = compare(clients, messages, cdrsOf);
  expect(verdict.acked).toBe(clients.reduce((n, c) => n + c.sent.length, 0));
  expect(verdict.lost).toEqual([]);
  expect(verdict.doubled).toEqual([]);
  expect(verdict.transactions).toBeGreaterThan(0);
  expect(verdict.wrongCdrs).toEqual([]);
  const said: string[] = [];
  const stdout = { write: (text: string) => void said.push(text) };
  expect(await logVerify({ data: depot.data }, { stdout, stderr: stdout }), said.join("")).toBe(0);
  return verdict;
}
