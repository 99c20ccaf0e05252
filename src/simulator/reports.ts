/**
 * The numbering and stamping of a station's messages: `seq` rises over all its topics within one `boot`, times are the
 * station's own clock, which may stand wrong. Payloads are built once, so a repeat has the same bytes.
 */
import type { InKind, SiteTopics } from "../model/topics.ts";
import type { Connection } from "./connection.ts";
import type { Random } from "./random.ts";

export interface Reports {
  hello(atMs: number, fields: object): void;
  send(kind: Exclude<InKind, "hello">, atMs: number, fields: object): void;
  /** A new boot: another boot id, `seq` from 0 again. */
  reboot(): void;
  /** How far the station's clock stands from depot time from now on. */
  clockOffsetMs: number;
  /** The next fact is published twice with the same boot and seq. */
  repeatNext: boolean;
  readonly sent: number;
}

export function createReports(
  topics: SiteTopics,
  station: string,
  evse: number,
  connection: Connection,
  random: Random,
): Reports {
  let boot = random.hex(8);
  let seq = 0;
  let sent = 0;

  const publish = (topic: string, kind: InKind, atMs: number, fields: object) => {
    const ts = new Date(Math.round(atMs + reports.clockOffsetMs)).toISOString();
    const payload = JSON.stringify({ ts, boot, seq: seq++, ...fields });
    const keep = kind === "meter" || kind === "limit" ? "sample" : "fact";
    connection.send(topic, payload, keep);
    sent++;
    if (reports.repeatNext && keep === "fact") {
      reports.repeatNext = false;
      connection.send(topic, payload, keep);
    }
  };

  const reports: Reports = {
    hello: (atMs, fields) => publish(topics.hello(station), "hello", atMs, fields),
    send: (kind, atMs, fields) => publish(topics.in(station, evse, kind), kind, atMs, fields),
    reboot() {
      boot = random.hex(8);
      seq = 0;
    },
    clockOffsetMs: 0,
    repeatNext: false,
    get sent() {
      return sent;
    },
  };
  return reports;
}
