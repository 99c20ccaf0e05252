/** What one part says and others need to hear. */
import { evseId } from "../model/ids.ts";
import type { Parts } from "./parts.ts";

/** sysexits.h EX_IOERR: a supervisor starts the gateway again, and that start verifies the log. */
export const EXIT_FSYNC = 74;

/** Call it before anything but the ledger runs. `fatal` ends the process. */
export function passOnNews(parts: Parts, fatal: ((code: number, why: string) => void) | undefined): void {
  hearTheLedger(parts, fatal);
  hearTheProof(parts);
  hearTheOutbox(parts);
}

function hearTheLedger(parts: Parts, fatal: ((code: number, why: string) => void) | undefined): void {
  const { ledger, checkpointer, outbox, broker, alerts, topics, counts, overflow, latest, log } = parts;
  const { running, occupants } = parts;
  ledger.on("news", (news) => {
    latest.head = news.head.offset;
    latest.foldLag = news.foldLag;
    latest.sessions = news.sessions;
    overflow.quarantine += news.quarantineOverflow;
    for (const [type, n] of Object.entries(news.counts)) counts.set(type, (counts.get(type) ?? 0) + n);
    outbox.moved(news.head.offset);
    for (const sink of news.missedSamples) {
      const cause = `samples were pruned before ${sink} had them; the log keeps them as one-minute aggregates`;
      alerts.raise({
        id: `influx_gap:${sink}`,
        kind: "influx_gap",
        severity: "warning",
        subject: sink,
        cause,
      });
    }
    // Written, so not full; also where the disk was full before this start.
    if (!latest.diskFull) alerts.clear("disk_full");
    if (news.counts["clock.ticked"]) alerts.clearPassed();
  });
  ledger.on("rejected", ({ station, ...rejected }) => {
    broker.publish(topics.rejected(station), JSON.stringify(rejected));
    const kind = rejected.code === "KEY_CONFLICT" ? "key_conflict" : "message_rejected";
    alerts.raise({
      id: `${kind}:${station}`,
      kind,
      severity: "warning",
      subject: station,
      cause: rejected.message,
    });
  });
  ledger.on("authorization", ({ station, evse, ...answer }) =>
    broker.publish(topics.authorization(station, evse), JSON.stringify(answer)),
  );
  ledger.on("full", (full, why) => {
    latest.diskFull = full;
    broker.hold(full);
    if (full) log.error({ why }, "LP503 the disk takes nothing: acknowledgements are held");
    const cause = `no room for the log (${why}); acknowledgements are held until there is`;
    if (full)
      alerts.raise({ id: "disk_full", kind: "disk_full", severity: "critical", subject: "log", cause });
  });
  ledger.on("running", ({ costs, occupants: arrived, ended, faults }) => {
    for (const place of ended) {
      running.delete(place);
      occupants.delete(place);
    }
    for (const who of arrived) occupants.set(evseId(who.station, who.evse), who);
    for (const cost of costs) running.set(evseId(cost.station, cost.evse), cost);
    for (const why of faults) log.error({ why }, "could not tell what a session costs so far");
  });
  ledger.on("restarted", ({ replayed }) => {
    // Sessions may have ended unseen; the new thread tells of all that are open.
    running.clear();
    occupants.clear();
    log.error({ replayed }, "the ledger thread died and runs again");
  });
  const end = (why: string) => {
    log.fatal({ why }, "LP502 an fsync failed");
    fatal?.(EXIT_FSYNC, why);
  };
  ledger.on("fatal", end);
  checkpointer.on("fatal", end);
}

function hearTheProof({ checkpointer, alerts, latest, log }: Parts): void {
  const damaged = (cause: string) => {
    latest.damage = cause;
    log.fatal({ cause }, "LP501 the log is damaged");
    alerts.raise({ id: "log_damaged", kind: "log_damaged", severity: "critical", subject: "log", cause });
  };
  if (latest.damage) damaged(latest.damage);
  checkpointer.on("proved", ({ facts, samples, damage }) => {
    const first = damage[0];
    if (first) damaged(`${first.chain} ${first.offset}: ${first.what}`);
    else log.info({ facts, samples }, "log proven");
    // What was found at an earlier start stays in the log as a fact; the log as it is now holds.
    if (!latest.damage) alerts.clear("log_damaged");
  });
  checkpointer.on("died", (error) => log.error({ err: error }, "the checkpoint thread died and runs again"));
}

function hearTheOutbox({ outbox, broker, alerts, log }: Parts): void {
  outbox.on("publish", ({ topic, json, options }) => broker.publish(topic, json, options));
  outbox.on("raise", (alert) => alerts.raise(alert));
  outbox.on("clear", (id) => alerts.clear(id));
  outbox.on("log", ({ level, text, data }) => log[level](data ?? {}, text));
  outbox.on("died", (error) => log.error({ err: error }, "the outbox thread died and runs again"));
}
