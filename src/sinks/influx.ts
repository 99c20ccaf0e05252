/**
 * The time-series sink: events to points, points to InfluxDB 1.x, 2.x or VictoriaMetrics.
 *
 * Nothing is lost or counted twice, whatever dies when: points follow from the log alone, windows are written when log
 * time has closed them, and the cursor is held before the first event of the oldest open window, so that a restart
 * reads it whole again. What was written and not confirmed is written again at the same series and timestamp.
 */

import type { Sink } from "../log/run-sink.ts";
import type { Event } from "../model/event.ts";
import type { SessionRecord } from "../model/session.ts";
import type { InfluxTarget } from "./influx-target.ts";
import { createInfluxWriter } from "./influx-writer.ts";
import { integer, lineOf, seriesOf } from "./line-protocol.ts";
import { createPoints, POINT_TYPES, type PointOptions } from "./points.ts";

/** How a consumer of the log and the process are doing, for measurement `gateway` (tag consumer). */
export interface GatewaySample {
  consumer: string;
  lagEvents: number;
  oldestUnsentS?: number;
  rssMb?: number;
  loopP99Ms?: number;
  diskFreeMb?: number;
}

/** What charging asked for and was offered, W, for measurement `allocator`. */
export interface AllocatorSample {
  demandW: number;
  offeredW: number;
  /** What was asked for and not offered. */
  curtailedW: number;
  /** How long a turn of the control loop took. */
  cycleMs: number;
}

export interface InfluxSinkOptions extends Pick<PointOptions, "site" | "meters"> {
  target: InfluxTarget;
  /**
   * A line the server will never take, or an event no point could be made of, and why. At least once: a crash before
   * the cursor moved says it again.
   */
  deadLetter(line: string, reason: string): void;
  /** The `session.ended` of a session, from the log: a CDR may come days after it. */
  findSession(sessionId: string): Promise<SessionRecord | undefined>;
  /** The gateway's own figures, now; asked at most once a window, when other points are written. */
  gateway?: () => readonly GatewaySample[];
  /** The allocation's figures, asked with those of the gateway. */
  allocator?: () => AllocatorSample | undefined;
  /** Depot time, ms since the epoch, for the gateway's own figures. Required with `gateway`. */
  nowMs?: () => number;
  name?: string;
  batch?: number;
  lingerMs?: number;
  timeoutMs?: number;
  windowMs?: number;
  graceMs?: number;
}

export interface InfluxSink extends Sink {
  /** Ends connections; a write in flight fails and is repeated after the next start. */
  close(): void;
}

/** Sessions kept at hand for their CDR, which mostly follows at once. */
const RECENT_SESSIONS = 1_000;

/** Throws when the target's URL cannot be used. */
export function createInfluxSink(options: InfluxSinkOptions): InfluxSink {
  const { target, site, deadLetter } = options;
  const windowMs = options.windowMs ?? 10_000;
  const writer = createInfluxWriter({
    target,
    deadLetter,
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
  });
  const points = createPoints({
    site,
    meters: options.meters,
    strings: target.mode !== "victoria",
    windowMs,
    ...(options.graceMs !== undefined && { graceMs: options.graceMs }),
  });
  const recent = new Map<string, SessionRecord>();
  const queue: string[] = [];
  let absorbedThrough = 0;
  let gatewayWindow = 0;

  function sessionOf(event: Event): SessionRecord | undefined | Promise<SessionRecord | undefined> {
    if (event.type !== "cdr.issued" && event.type !== "session.revised") return undefined;
    const id = event.body.session_id;
    if (id === undefined) return undefined;
    return recent.get(id) ?? options.findSession(id);
  }

  function remember(session: SessionRecord): void {
    recent.set(session.session_id, session);
    if (recent.size > RECENT_SESSIONS) recent.delete(recent.keys().next().value ?? "");
  }

  function absorb(event: Event, session: SessionRecord | undefined): void {
    if (event.type === "session.ended") remember(event.body);
    absorbedThrough = event.offset;
    try {
      points.apply(event, session, (line) => queue.push(line));
    } catch (error) {
      // One event that no point can be made of must not stop the others for ever.
      deadLetter(`${event.type} ${event.offset}`, error instanceof Error ? error.message : String(error));
    }
  }

  function sampleGateway(): void {
    if (!options.gateway || !options.nowMs) return;
    const startMs = Math.floor(options.nowMs() / windowMs) * windowMs;
    if (startMs === gatewayWindow) return;
    gatewayWindow = startMs;
    for (const sample of options.gateway()) {
      const line = lineOf(
        seriesOf("gateway", { consumer: sample.consumer, site }),
        {
          lag_events: integer(sample.lagEvents),
          oldest_unsent_s: sample.oldestUnsentS,
          rss_mb: sample.rssMb,
          loop_p99_ms: sample.loopP99Ms,
          disk_free_mb: sample.diskFreeMb,
        },
        startMs,
      );
      if (line !== undefined) queue.push(line);
    }
    const share = options.allocator?.();
    if (!share) return;
    const { demandW, offeredW, curtailedW, cycleMs } = share;
    const fields = { demand_w: demandW, offered_w: offeredW, curtailed_w: curtailedW, cycle_ms: cycleMs };
    const line = lineOf(seriesOf("allocator", { site }), fields, startMs);
    if (line !== undefined) queue.push(line);
  }

  return {
    name: options.name ?? "influx",
    types: POINT_TYPES,
    batch: options.batch ?? 5_000,
    lingerMs: options.lingerMs ?? 1_000,
    async deliver(events) {
      const retrying = queue.length > 0;
      for (const event of events) {
        // After a failure the same events come again; what they gave is in the queue already.
        if (event.offset <= absorbedThrough) continue;
        absorb(event, await sessionOf(event));
      }
      if (!retrying) sampleGateway();
      await writer.drain(queue);
      const held = points.heldFrom();
      return held === undefined ? undefined : held - 1;
    },
    close: () => writer.close(),
  };
}
