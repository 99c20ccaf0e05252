/**
 * How long a car has been plugged in at an EVSE and what it took meanwhile: from what its station says of the connector,
 * and from the sessions of the stay. A stay ends when the car is unplugged, not when a transaction does.
 */
import type { ChargingState, ConnectorState } from "../../model/messages.ts";

/** What the vehicle itself said through its station, numbered as it came. */
export interface Wish {
  number: number;
  departMs: number | null;
  /** Wh that it still wanted then. */
  requestWh: number | null;
}

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
  wish: Wish | null;
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
  /** `energyWh` counts from plug-in. */
  wish: { number: number; departMs: number | null; energyWh: number | null } | null;
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
  const deliveredWh = earlierWh + (told?.energyWh ?? 0) + since;
  return {
    pluggedMs: Math.min(stay.pluggedMs, session?.startedMs ?? nowMs),
    vehicle: seen.vehicle ?? stay.vehicle,
    group: seen.group ?? stay.group,
    socPct: seen.socPct ?? stay.socPct,
    earlierWh,
    session: told && { id: told.id, asOf: told.asOf, energyWh: told.energyWh },
    registerWh: base,
    deliveredWh,
    wish: wishOf(seen.wish, stay.wish, deliveredWh),
  };
}

/** A new wish counts on from what was delivered when it came. */
function wishOf(said: Wish | null, known: Stay["wish"], deliveredWh: number): Stay["wish"] {
  if (said === null || said.number === known?.number) return known;
  const { number, departMs, requestWh } = said;
  return { number, departMs, energyWh: requestWh === null ? null : Math.round(deliveredWh) + requestWh };
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
    wish: null,
  };
}
