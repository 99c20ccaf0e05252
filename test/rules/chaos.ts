/** Days that make no sense, for rules that must hold whatever stations send. */
import fc from "fast-check";
import { DepotLog } from "./depot-events.ts";

/** Anything that can come from a station, in any order, with registers and stamps that need not make sense. */
export const chaos = fc
  .array(
    fc.record({
      what: fc.constantFrom(
        "start",
        "update",
        "stop",
        "sample",
        "sample",
        "sample",
        "status",
        "hello",
        "tick",
        "link",
      ),
      after: fc.constantFrom(0, 1, 10, 10, 60, 700, 90_000),
      skew: fc.constantFrom(0, 0, 0, -5, -60, 3600, -1.8e9),
      wh: fc.option(fc.oneof(fc.nat(500), fc.nat(20_000), fc.constant(2 ** 53 - 1)), { nil: undefined }),
      ref: fc.constantFrom("a", "a", "b", "-1"),
      evse: fc.constantFrom(1, 1, 2),
      boot: fc.constantFrom("b1", "b1", "b1", "b2", null),
      seq: fc.option(fc.nat(40), { nil: undefined }),
      connector: fc.constantFrom(
        "available" as const,
        "occupied" as const,
        "faulted" as const,
        "unavailable" as const,
      ),
      state: fc.option(fc.constantFrom("idle" as const, "charging" as const, "suspended_ev" as const), {
        nil: undefined,
      }),
      serial: fc.option(fc.constantFrom("M1", "M2"), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    const log = DepotLog.started();
    let at = 0;
    for (const { what, after, skew, wh, ref, evse, boot, seq, connector, state, serial } of steps) {
      at += after;
      const when = { at, ts: at + skew, evse, boot, ...(seq === undefined ? {} : { seq }) };
      const tx = {
        ...when,
        ref,
        ...(wh === undefined ? {} : { wh }),
        ...(state ? { state } : {}),
        ...(serial ? { serial } : {}),
      };
      if (what === "start") log.start(tx);
      else if (what === "update") log.update(tx);
      else if (what === "stop") log.stop(tx);
      else if (what === "sample") log.sample(tx);
      else if (what === "status") log.status(connector, { ...when, ...(state ? { state } : {}) });
      else if (what === "hello") log.hello({ ...when, online: connector !== "faulted" });
      else if (what === "tick") log.tick(at);
      else log.add("station.disconnected", at, { reason: "x" });
    }
    return log
      .tick(at + 300)
      .tick(at + 1000)
      .tick(at + 100_000)
      .tick(at + 200_000).events;
  });
