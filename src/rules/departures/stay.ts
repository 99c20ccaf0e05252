/**
 * How long a car has been plugged in at an EVSE and what it took meanwhile: from what its station says of the connector,
 * and from the sessions of the stay. A stay ends when the car is unplugged, not when a transaction does.
 */
import type { ChargingState, ConnectorState } from "../../model/messages.ts";

/** What is seen of one EVSE. */
export interface Seen {
  /** As the station said last; null until it did. */
  connector: ConnectorState | null;
  charging: ChargingState | null;
  /** Register, Wh; null when it is not known. */
  registerWh: number | null;
  socPct: number | null;
  /** Of the open session, if there is one. */
  session: { id: string; startedMs: number; energyWh: number; asOf: string } | null;
  vehicle: string | null;
  group: string | null;
}

export interface Stay {
  /** Depot time, ms. */
  pluggedMs: number;
  vehicle: string | null;
  group: string | null;
  socPct: number | null;
  /** Wh of the stay's sessions before the open one. */
  earlierWh: number;
  session: { id: string; asOf: string; energyWh: number } | null;
  /** The register when `session` was heard of last, or, before there was any, when the stay began. */
  registerWh: number | null;
  deliveredWh: number;
}

/** Plugged or not as the station says; where it never did, whether a session is open. */
export function isPlugged({ connector, charging, session }: Seen): boolean {
  if (connector === "occupied") return true;
  if (charging !== null && charging !== "idle") return true;
  return connector === null && session !== null;
}

/** The stay after a look at `nowMs`; null when nobody is there. */
export function stayAfter(before: Stay | null, seen: Seen, nowMs: number): Stay | null {
  if (!isPlugged(seen)) return null;
  const { session, registerWh } = seen;
  const stay = before ?? begun(seen, nowMs);
  const another = session !== null && session.id !== stay.session?.id;
  const heard = another || (session !== null && session.asOf !== stay.session?.asOf);
  const earlierWh = another ? stay.earlierWh + (stay.session?.energyWh ?? 0) : stay.earlierWh;
  const told = session ?? stay.session;
  // The register is ahead of what the session was last said to have taken.
  const base = heard ? registerWh : (stay.registerWh ?? registerWh);
  const since = registerWh !== null && base !== null ? Math.max(0, registerWh - base) : 0;
  return {
    pluggedMs: Math.min(stay.pluggedMs, session?.startedMs ?? nowMs),
    vehicle: seen.vehicle ?? stay.vehicle,
    group: seen.group ?? stay.group,
    socPct: seen.socPct ?? stay.socPct,
    earlierWh,
    session: told && { id: told.id, asOf: told.asOf, energyWh: told.energyWh },
    registerWh: base,
    deliveredWh: earlierWh + (told?.energyWh ?? 0) + since,
  };
}

function begun({ vehicle, group, socPct, registerWh }: Seen, nowMs: number): Stay {
  return {
    pluggedMs: nowMs,
    vehicle,
    group,
    socPct,
    earlierWh: 0,
    session: null,
    registerWh,
    deliveredWh: 0,
  };
}
