import { expect, test } from "vitest";
import type { Alert } from "../../src/model/alert.ts";
import { AlertBoard, alertWhile, QUIET_MS } from "../../src/model/alert-board.ts";
import type { Event, NewEvent } from "../../src/model/event.ts";
import { alertsFold } from "../../src/rules/fold-alerts.ts";

const DISK_FULL = {
  id: "disk_full",
  kind: "disk_full",
  severity: "critical",
  subject: "log",
  cause: "no room",
} as const;
const REJECTED = { ...DISK_FULL, id: "message_rejected:cp-1", kind: "message_rejected" } as const;

function board(open: Alert[] = []) {
  const events: NewEvent[] = [];
  const time = { ms: 1_000_000 };
  const made = new AlertBoard(
    (event) => void events.push(event),
    () => time.ms,
    open,
  );
  return { board: made, events, time, types: () => events.map((e) => e.type) };
}

test("an alert is raised once and cleared once, with its duration", () => {
  const { board: alerts, events, time } = board();
  alerts.raise(DISK_FULL);
  alerts.raise({ ...DISK_FULL, cause: "still none" });
  expect(alerts.active()).toEqual([{ ...DISK_FULL, since_ms: 1_000_000 }]);
  time.ms += 90_000;
  alerts.clear("disk_full");
  alerts.clear("disk_full");
  expect(events.map((e) => [e.type, e.body])).toEqual([
    ["alert.raised", { ...DISK_FULL, since_ms: 1_000_000 }],
    ["alert.cleared", { ...DISK_FULL, since_ms: 1_000_000, duration_s: 90 }],
  ]);
});

test("by a condition: the cause is only asked for to raise", () => {
  const { board: alerts, types } = board();
  const what = { kind: "meter_stale", subject: "grid", severity: "warning" } as const;
  const never = () => expect.unreachable();
  alertWhile(alerts, false, { ...what, cause: never });
  alertWhile(alerts, true, { ...what, cause: () => "silent" });
  alertWhile(alerts, false, { ...what, cause: never });
  expect(types()).toEqual(["alert.raised", "alert.cleared"]);
});

test("what happened is over when it has not happened again for a while; what lasts is not", () => {
  const { board: alerts, events, time } = board();
  alerts.raise(DISK_FULL);
  alerts.raise(REJECTED);
  time.ms += QUIET_MS - 1;
  alerts.raise(REJECTED);
  time.ms += 1;
  alerts.clearPassed();
  expect(alerts.active()).toHaveLength(2);
  time.ms += QUIET_MS;
  alerts.clearPassed();
  expect(alerts.active().map((a) => a.id)).toEqual(["disk_full"]);
  expect(events.at(-1)).toMatchObject({ type: "alert.cleared", body: { id: REJECTED.id } });
});

test("what the fold remembers of the log is what the board had open, whatever a restart lies between", () => {
  const before = board();
  before.board.raise(DISK_FULL);
  before.board.raise(REJECTED);
  before.board.clear(REJECTED.id);
  const fold = alertsFold();
  const parts = new Map<string, Alert>();
  const touched: string[] = [];
  const out = { emit: () => expect.unreachable(), touched: (part: string) => void touched.push(part) };
  const apply = (event: NewEvent) => fold.apply(parts, { ...event, offset: 1 } as Event, out);
  for (const event of before.events) apply(event);
  // The sessions fold keeps its own.
  apply({ ...(before.events[0] as NewEvent), station: "cp-1" });
  expect([...parts.values()]).toEqual(before.board.active());
  expect(touched).toEqual(["disk_full", REJECTED.id, REJECTED.id]);

  const after = board([...parts.values()]);
  after.board.raise(DISK_FULL);
  expect(after.events).toEqual([]);
  after.time.ms += 60_000;
  after.board.clear("disk_full");
  expect(after.events).toMatchObject([
    { type: "alert.cleared", body: { since_ms: 1_000_000, duration_s: 60 } },
  ]);
});

test("what happened before a restart passes after it", () => {
  const { board: alerts, types, time } = board([{ ...REJECTED, since_ms: 1 }]);
  time.ms += QUIET_MS;
  alerts.clearPassed();
  expect(types()).toEqual(["alert.cleared"]);
});
