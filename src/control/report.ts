/** Builds what the control loop shows of itself. */
import { LIMITING_REASONS } from "../model/messages.ts";
import type { CircuitTree } from "../rules/allocate-tree.ts";
import { NO_CURRENT_A } from "../rules/currents.ts";
import type { Envelopes } from "./envelopes.ts";
import type { Evses, LiveEvse } from "./evses.ts";
import type { Gate, Proposal } from "./gate.ts";
import type { HeldTargets } from "./held-targets.ts";
import type { Look } from "./look.ts";
import type { Meters } from "./meters.ts";
import type { PhaseModes } from "./phase-modes.ts";
import type { PowerLimits } from "./power-limits.ts";
import type { RoomBook, Rooms } from "./rooms.ts";
import type { CircuitState, ControlState, EvseState, EvseWord } from "./state.ts";

interface Parts {
  powers: PowerLimits;
  targets: HeldTargets;
  modes: PhaseModes;
  tree: CircuitTree;
  evses: Evses;
  meters: Meters;
  envelopes: Envelopes;
  gate: Gate;
  rooms: RoomBook;
}

const tenths = (a: number) => Math.round(a * 10) / 10;

export function createReport({
  tree,
  evses,
  meters,
  envelopes,
  gate,
  rooms: book,
  powers,
  targets,
  modes,
}: Parts) {
  const word = (e: LiveEvse, p: Proposal | undefined, drawnA: number): EvseWord => {
    if (p && !p.reachable) return "offline";
    if (evses.faulted(e)) return "faulted";
    const limited = p !== undefined && LIMITING_REASONS.has(p.reason);
    if (drawnA >= NO_CURRENT_A) return limited ? "limited" : "charging";
    if (evses.plugged(e) === false) return "available";
    return (gate.sent(e.index)?.limitA ?? 0) > 0 ? "standby" : "waiting";
  };

  const evseState = (e: LiveEvse, p: Proposal | undefined, look: Look | null, nowMs: number): EvseState => {
    const reading = evses.fresh(e, nowMs);
    const sent = gate.sent(e.index);
    // What was sent may lag behind what is wanted: the gate's reason then says more than the allocation's.
    const held = sent?.reason === "awaiting_confirmation" && p && sent.limitA < p.targetA - 0.05;
    const waits = p?.waits && (sent?.limitA ?? 0) < p.targetA - 0.05;
    const unknown = envelopes.isUnknown(e.index, nowMs);
    return {
      station: e.spec.station,
      evse: e.spec.evse,
      state: word(e, p, reading === null ? 0 : Math.max(...reading)),
      limit_a: sent?.limitA ?? null,
      confirmed_a: envelopes.confirmedA(e.index, nowMs),
      envelope_a: envelopes.mostA(e.index, nowMs),
      measured_a: reading && [...reading],
      connector_state: e.connector,
      charging_state: e.charging,
      ...e.shown,
      lines: [0, 1, 2].filter((line) => e.lines.mask & (1 << line)).map((line) => line + 1),
      min_a: e.spec.minA,
      max_a: look?.mayA[e.index] ?? 0,
      phases: modes.told(e) ?? e.spec.phases,
      target_a: targets.of(e.id, nowMs)?.targetA ?? null,
      plan: targets.of(e.id, nowMs) === null ? null : targets.source(nowMs),
      class: targets.of(e.id, nowMs)?.class ?? null,
      reason: waits
        ? "start_delay"
        : unknown
          ? "safe_start"
          : held
            ? sent.reason
            : (p?.reason ?? "safe_start"),
      bound_by: p?.boundBy ?? null,
    };
  };

  const circuitState = (
    c: number,
    rooms: Rooms | null,
    allocated: Float64Array,
    nowMs: number,
  ): CircuitState => {
    const m = meters.all[c] ?? null;
    const state = meters.state(c, nowMs);
    const measured = m?.currentA && state !== "stale" ? [...m.currentA] : null;
    const triple = (from: Float64Array | undefined) => [0, 1, 2].map((p) => tenths(from?.[c * 3 + p] ?? 0));
    const limit = triple(tree.limitA);
    const envelope = triple(rooms?.committedA);
    const other = triple(rooms?.otherA);
    return {
      id: tree.circuits[c]?.id ?? "",
      limit_a: limit,
      measured_a: measured,
      other_load_a: other,
      allocated_a: triple(allocated),
      envelope_a: envelope,
      headroom_a: limit.map((a, p) =>
        tenths(a - (measured?.[p] ?? (envelope[p] as number) + (other[p] as number))),
      ),
      limit_w: powers.of(c)?.limitW ?? null,
      limit_reason: powers.of(c)?.why ?? null,
      other_load_w: rooms && Math.round(rooms.otherW[c] as number),
      envelope_w: rooms && Math.round(rooms.committedW[c] as number),
      unbalance_a: tree.circuits[c]?.unbalanceA ?? null,
      power_w: measured && m ? Math.round(m.watts) : null,
      meter: state,
      meter_age_s: m && Number.isFinite(m.atMs) ? Math.round((nowMs - m.atMs) / 100) / 10 : null,
    };
  };

  return (
    proposals: readonly Proposal[],
    look: Look | null,
    nowMs: number,
    atMs: number,
  ): Omit<ControlState, "ticks" | "power"> => {
    const allocated = new Float64Array(tree.parent.length * 3);
    for (const e of evses.all) {
      const a = gate.sent(e.index)?.limitA ?? 0;
      for (let c = book.circuitOf[e.index] as number; c >= 0; c = tree.parent[c] as number)
        for (let p = 0; p < 3; p++)
          if (e.lines.mask & (1 << p)) allocated[c * 3 + p] = (allocated[c * 3 + p] as number) + a;
    }
    return {
      at_ms: atMs,
      circuits: tree.circuits.map((_, c) => circuitState(c, look?.rooms ?? null, allocated, nowMs)),
      evses: evses.all.map((e) => evseState(e, proposals[e.index], look, nowMs)),
    };
  };
}
