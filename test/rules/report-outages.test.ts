import { describe, expect, it } from "vitest";
import type { AlertKind } from "../../src/model/alert.ts";
import type { Event } from "../../src/model/event.ts";
import { collectOutages } from "../../src/rules/report-outages.ts";
import { event, placed, T0 } from "../sinks/depot-events.ts";

const alert = (kind: AlertKind, subject: string, cause: string, since_ms: number) =>
  ({ id: `${kind}:${subject}`, kind, severity: "critical", subject, cause, since_ms }) as const;
const station = (subject: string) => subject.split("/")[0] ?? subject;
const raised = (kind: AlertKind, subject: string, cause: string, ms: number) =>
  event("alert.raised", ms, station(subject), alert(kind, subject, cause, ms));
const cleared = (kind: AlertKind, subject: string, cause: string, since: number, ms: number) =>
  event("alert.cleared", ms, station(subject), {
    ...alert(kind, subject, cause, since),
    duration_s: Math.round((ms - since) / 1000),
  });
const hello = (ms: number, boot: string | null, of = "cp-01") =>
  event("station.announced", ms, of, { evse: 0, ts: new Date(ms).toISOString(), boot, seq: 0, online: true });

function taken(events: readonly Event[]) {
  const book = collectOutages(T0, T0 + 1_000_000);
  for (const one of events) book.take(one);
  return book.done();
}

describe("outages", () => {
  it("that were over before or began after the report are left out; one from before that lasts into it is not", () => {
    const { outages } = taken(
      placed([
        raised("station_faulted", "cp-01/1", "Old", T0 - 900_000),
        cleared("station_faulted", "cp-01/1", "Old", T0 - 900_000, T0 - 800_000),
        raised("station_faulted", "cp-01/2", "Long", T0 - 700_000),
        cleared("station_faulted", "cp-01/2", "Long", T0 - 700_000, T0 + 5_000),
        raised("station_faulted", "cp-02/1", "Next", T0 + 2_000_000),
      ]),
    );
    expect(outages.map((o) => [o.station, o.evse, o.cause, o.to_ms])).toEqual([
      ["cp-01", 2, "fault:Long", T0 + 5_000],
    ]);
  });

  it("of a fault without a code are a fault, and of the whole station have no EVSE", () => {
    const { outages } = taken(
      placed([raised("station_faulted", "cp-01", "the station reports a fault without a code", T0)]),
    );
    expect(outages).toEqual([
      {
        kind: "fault",
        station: "cp-01",
        evse: null,
        cause: "fault",
        from_ms: T0,
        to_ms: Number.POSITIVE_INFINITY,
      },
    ]);
  });

  it("are faults and lost links only", () => {
    expect(taken(placed([raised("session_held", "s1", "IMPLAUSIBLE", T0)])).outages).toEqual([]);
  });
});

describe("reboots", () => {
  it("are new boots of a station that had one before; a repeated hello and a last will are none", () => {
    const { reboots } = taken(
      placed([
        hello(T0 - 5_000, "b1"),
        hello(T0 + 1_000, "b1"),
        hello(T0 + 2_000, null),
        hello(T0 + 3_000, "b2"),
        hello(T0 + 4_000, "b1"),
        hello(T0 + 5_000, "first", "cp-02"),
      ]),
    );
    expect(reboots).toEqual([{ station: "cp-01", at_ms: T0 + 3_000 }]);
  });
});
