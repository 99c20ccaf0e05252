/** Why an EVSE may draw what it may: from what is known around a time to the answer as data. */
import { type Circuit, type EvseSpec, linesOf } from "../../model/circuit.ts";
import { evseId } from "../../model/ids.ts";
import { NO_CURRENT_A, onGridLines, ownCurrents } from "../currents.ts";
import type { Bound, DepotKnown, ReadingSeen, SetpointSeen, Why, WhyFacts } from "./facts.ts";

const iso = (ms: number) => new Date(ms).toISOString();
const tenths = (a: number) => Math.round(a * 10) / 10;

/** The setpoint in force at a time: the last one of `changes` that was sent by then. */
export function inForce(changes: readonly SetpointSeen[], atMs: number): SetpointSeen | undefined {
  return changes.findLast((c) => c.atMs <= atMs);
}

/** Null when no limit had been sent by then. */
export function explainLimit(facts: WhyFacts, depot: DepotKnown | null): Why | null {
  const { station, evse, atMs, live } = facts;
  const sent = inForce(facts.changes, atMs);
  if (!sent) return null;
  const { body } = sent;
  const spec = depot?.evses.find((e) => e.station === station && e.evse === evse);
  const apart = outOfReach(facts, sent);
  const { limitA, reason, boundBy } = decided(facts, sent, apart);
  const maxA = spec?.maxA ?? null;
  const reading = facts.readings[evseId(station, evse)] ?? null;
  const measured = live?.measuredA
    ? { at: iso(atMs), current_a: tenths(Math.max(...live.measuredA)), power_w: null }
    : reading && measuredOf(reading);
  return {
    station,
    evse,
    at: iso(atMs),
    vehicle: facts.vehicle,
    limit_a: limitA,
    max_a: maxA,
    percent: maxA === null || maxA === 0 ? null : Math.round((100 * limitA) / maxA),
    reason,
    bound_by: boundBy,
    bound: boundBy === null ? null : boundOf(boundBy, facts, depot),
    since: iso(sent.atMs),
    fallback_a: body.fallback_a,
    class: live ? live.class : (body.class ?? null),
    target_a: live ? live.targetA : (body.target_a ?? null),
    plan: live ? live.plan : (body.plan ?? null),
    out_of_reach: apart,
    measured,
    connector_state: facts.status?.connector ?? null,
    charging_state: facts.status?.charging ?? null,
    alerts: facts.alerts.map(({ kind, subject, cause, since_ms }) => ({
      kind,
      subject,
      cause,
      since: iso(since_ms),
    })),
    departure: facts.departure && {
      id: facts.departure.id,
      at: iso(facts.departure.atMs),
      energy_wh: facts.departure.energyWh,
      soc_pct: facts.departure.socPct,
    },
    orders: facts.orders.map(({ id, kind, circuit, power_w, from, until, source }) => {
      return { id, kind, circuit, power_w, from, until, source };
    }),
    changes: facts.changes.map((c) => ({
      at: iso(c.atMs),
      limit_a: c.body.limit_a,
      reason: c.body.reason,
      bound_by: c.body.bound_by ?? null,
      in_force: c === sent,
    })),
  };
}

/** What held, and why: the word of the control loop, of the limit that was sent, or of what came after it. */
function decided({ live, gateway }: WhyFacts, { atMs, body }: SetpointSeen, apart: Why["out_of_reach"]) {
  if (apart) {
    const limitA = apart.lapsed ? body.fallback_a : body.limit_a;
    return { limitA, reason: "station_offline" as const, boundBy: null };
  }
  if (live) return { limitA: live.limitA ?? body.limit_a, reason: live.reason, boundBy: live.boundBy };
  // A gateway that has started says something new to each station as soon as it may.
  if (gateway && gateway.atMs > atMs)
    return { limitA: body.limit_a, reason: "safe_start" as const, boundBy: null };
  return { limitA: body.limit_a, reason: body.reason, boundBy: body.bound_by ?? null };
}

function measuredOf({ atMs, currentA, powerW }: ReadingSeen): Why["measured"] {
  return { at: iso(atMs), current_a: currentA && tenths(Math.max(...currentA)), power_w: powerW };
}

/**
 * A lease that was renewed just before the link broke ends `valid_for_s` after that, at the latest: renewals of the
 * same limit are not in the log.
 */
function outOfReach({ connection, gateway, atMs }: WhyFacts, { body }: SetpointSeen): Why["out_of_reach"] {
  const gone = (because: "station" | "gateway", sinceMs: number) => {
    const untilMs = sinceMs + body.valid_for_s * 1000;
    return { because, since: iso(sinceMs), lease_until: iso(untilMs), lapsed: atMs >= untilMs };
  };
  if (gateway && !gateway.running) return gone("gateway", gateway.atMs);
  return connection && !connection.connected ? gone("station", connection.atMs) : null;
}

function boundOf(boundBy: string, facts: WhyFacts, depot: DepotKnown | null): Bound {
  const [, circuit = boundBy, word = ""] = /^(\S+) (L[123]|power)$/.exec(boundBy) ?? [];
  const line = word.startsWith("L") ? Number(word[1]) : null;
  const known = depot?.circuits.find((c) => c.id === circuit);
  const below = depot && known ? circuitsBelow(depot.circuits, circuit) : null;
  let sharers = 0;
  let chargingA = 0;
  for (const [id, { body }] of Object.entries(facts.setpoints)) {
    const spec = depot?.evses.find((e) => evseId(e.station, e.evse) === id);
    // Without the config only those are known to share that were bound by the same.
    const shares =
      below && spec
        ? below.has(spec.circuit) && (line === null || mayLoad(spec, line - 1, facts, depot))
        : body.bound_by === boundBy;
    if (!shares || body.limit_a <= 0) continue;
    sharers += 1;
    chargingA += body.limit_a;
  }
  const now = facts.live?.circuits.find((c) => c.id === circuit);
  const index = (line ?? 1) - 1;
  return {
    circuit,
    line,
    limit_a: line === null ? null : (now?.limitA[index] ?? known?.limitA[index] ?? null),
    limit_kw: line === null && known?.limitW !== undefined ? known.limitW / 1000 : null,
    other_load_a:
      line === null
        ? null
        : now
          ? tenths(now.otherA[index] ?? 0)
          : otherLoadA(known, index, facts, depot, below),
    sharers,
    charging_a: tenths(chargingA),
  };
}

function circuitsBelow(circuits: readonly Circuit[], root: string): Set<string> {
  const byId = new Map(circuits.map((c) => [c.id, c]));
  const leads = (c: Circuit | undefined): boolean =>
    c !== undefined && (c.id === root || leads(byId.get(c.parent ?? "")));
  return new Set(circuits.filter(leads).map((c) => c.id));
}

/** Wired to the line, and not seen to draw on others alone: single-phase cars charge at three-phase stations, too. */
function mayLoad(spec: EvseSpec, line: number, facts: WhyFacts, depot: DepotKnown | null): boolean {
  if (!linesOf(spec.phaseOrder, spec.phases).includes(line)) return false;
  const drawn = depot === null ? null : drawnA(spec, facts, depot);
  return drawn === null || Math.max(...drawn) < NO_CURRENT_A || (drawn[line] ?? 0) >= NO_CURRENT_A;
}

/** A on each line of the grid, by its last reading; null without one. */
function drawnA(spec: EvseSpec, { readings }: WhyFacts, { nominalV }: DepotKnown): readonly number[] | null {
  const reading = readings[evseId(spec.station, spec.evse)];
  if (!reading) return null;
  const own = ownCurrents(
    spec,
    {
      ts: "",
      context: "other",
      ...(reading.currentA ? { current_a: [...reading.currentA] } : {}),
      ...(reading.powerW === null ? {} : { power_w: reading.powerW }),
    },
    nominalV,
  );
  return own ? onGridLines(spec, own) : null;
}

/** The meter's line less what EVSEs below it measured; what is stated where there is no meter. */
function otherLoadA(
  circuit: Circuit | undefined,
  line: number,
  facts: WhyFacts,
  depot: DepotKnown | null,
  below: ReadonlySet<string> | null,
): number | null {
  if (!circuit || !depot || !below) return null;
  if (circuit.meter === null) return circuit.worstOtherA?.[line] ?? null;
  const metered = facts.readings[evseId(circuit.meter, 0)]?.currentA?.[line];
  if (metered === undefined) return null;
  let chargingA = 0;
  for (const spec of depot.evses) {
    if (below.has(spec.circuit)) chargingA += drawnA(spec, facts, depot)?.[line] ?? 0;
  }
  return tenths(metered - chargingA);
}
