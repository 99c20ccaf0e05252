/** Answers a snapshot with the rules that serve a live depot: demand, plans, turns, allocation. */
import type {
  AllocationSnapshot,
  CircuitShare,
  SnapshotAnswer,
  SnapshotCircuit,
} from "../model/allocation-snapshot.ts";
import { allocate } from "./allocate.ts";
import { boundName, buildTree, type CircuitTree } from "./allocate-tree.ts";
import { type AllocationInput, reasonCode, reasonOf } from "./allocation.ts";
import type { DemandSettings } from "./demand.ts";
import { otherLoad } from "./other-load.ts";
import { TURN_MS, takeTurns } from "./rotation.ts";
import { carWatts, type Outlet, outletOf, SNAPSHOT_MS, turnOf, wishOf } from "./snapshot-outlet.ts";

type Triple = [number, number, number];

/** The snapshot must be free of `snapshotFaults`. */
export function answerSnapshot(snapshot: AllocationSnapshot, settings: DemandSettings): SnapshotAnswer {
  const volts = snapshot.voltage_v;
  const tree = buildTree(
    snapshot.circuits.map((c) => ({ id: c.id, parent: c.parent, limitA: c.limit_a, meter: null })),
  );
  const circuits = tree.circuits.map(
    ({ id }) => snapshot.circuits.find((c) => c.id === id) as SnapshotCircuit,
  );
  const outlets = snapshot.connectors.map((c) => outletOf(c, tree, volts));
  const otherA = otherLoads(snapshot, circuits, tree, outlets);
  const reservedA = sums(tree, outlets, (o, p) => (onLine(o, p) ? o.reservedA : 0));
  /** W of both, by circuit. */
  const takenW = (c: number) => (total(otherA, c) + total(reservedA, c)) * volts;

  const answer = allocate({
    parent: tree.parent,
    roomA: tree.limitA.map((limit, k) => limit - (otherA[k] as number) - (reservedA[k] as number)),
    roomW: Float64Array.from(circuits, (c, i) => wattsOf(c) - takenW(i)),
    voltageV: volts,
    powerReason: Uint8Array.from(circuits, (c) => reasonCode(c.limit_kw_reason)),
    unbalanceA: Float64Array.from(circuits, (c) => c.unbalance_a ?? Number.POSITIVE_INFINITY),
    otherA: otherA.map((a, k) => a + (reservedA[k] as number)),
    ...askedBy(outlets, settings),
  });

  const limitA = outlets.map((o, i) =>
    o.of.state === "offline" ? o.reservedA : (answer.limitA[i] as number),
  );
  const allocatedA = sums(tree, outlets, (o, p, i) => (onLine(o, p) ? (limitA[i] as number) : 0));
  const share = (circuit: SnapshotCircuit): CircuitShare => {
    const c = tree.indexOf.get(circuit.id) as number;
    const watts = wattsOf(circuit);
    return {
      id: circuit.id,
      limit_a: circuit.limit_a,
      other_load_a: triple(otherA, c),
      allocated_a: triple(allocatedA, c),
      limit_w: watts === Number.POSITIVE_INFINITY ? null : watts,
      other_load_w: clean(total(otherA, c) * volts),
      allocated_w: clean(total(allocatedA, c) * volts),
    };
  };
  return {
    format: "laddport-allocation/1",
    setpoints: outlets.map((o, i) => ({
      connector: o.of.id,
      limit_a: limitA[i] as number,
      limit_w: carWatts(o, limitA[i] as number, volts),
      lines: o.lines,
      reason: reasonOf(answer.reason[i] as number),
      bound_by: boundName(tree, answer.boundBy[i] as number),
    })),
    circuits: snapshot.circuits.map(share),
  };
}

function askedBy(outlets: readonly Outlet[], settings: DemandSettings) {
  const asked = outlets.map((o) => wishOf(o, settings));
  const turn = asked.map(({ memory, wish }, i) => turnOf(outlets[i] as Outlet, memory, wish));
  const turns = takeTurns(
    turn.map((t) => t.before),
    turn.map((t) => t.facts),
    TURN_MS,
    SNAPSHOT_MS,
  );
  const column = (of: (o: Outlet, i: number) => number) => Float64Array.from(outlets, of);
  return {
    circuit: Int32Array.from(outlets, (o) => o.circuit),
    lines: Uint8Array.from(outlets, (o) => o.mask),
    minA: column((o) => o.minA),
    capA: column((_, i) => asked[i]?.wish.capA ?? 0),
    capReason: Uint8Array.from(asked, ({ wish }) => reasonCode(wish.capReason)),
    weight: column((o) => o.of.weight),
    classWeight: column((o) => o.of.class_weight),
    rank: turns.rank,
    order: turns.order,
    resting: turns.resting,
    stepA: column((o) => o.of.step_a),
    targetA: column((o) => o.of.target_a ?? 0),
    // Who is not read draws what it may, if it charges at all.
    drawnA: column((o) => o.drawnA ?? (o.of.state === "charging" ? Number.POSITIVE_INFINITY : 0)),
  } satisfies Partial<AllocationInput>;
}

/** A of all but charging, three per circuit. A circuit that says nothing of its own carries what is below it. */
function otherLoads(
  { export_is_room: exportIsRoom }: AllocationSnapshot,
  circuits: readonly SnapshotCircuit[],
  tree: CircuitTree,
  outlets: readonly Outlet[],
): Float64Array {
  const chargingA = sums(tree, outlets, (o, p) => o.measuredA?.[p] ?? 0);
  const otherA = new Float64Array(chargingA.length);
  for (let c = circuits.length - 1; c >= 0; c--) {
    const { other_load_a: other, meter_a: meter, limit_a: limit } = circuits[c] as SnapshotCircuit;
    const up = tree.parent[c] as number;
    for (let p = 0; p < 3; p++) {
      const k = c * 3 + p;
      if (other !== undefined || meter !== undefined) {
        const nowA = other?.[p] ?? (meter?.[p] as number) - (chargingA[k] as number);
        otherA[k] = otherLoad({
          meterA: nowA + (chargingA[k] as number),
          chargingA: chargingA[k] as number,
          unseenRampA: 0,
          limitA: limit[p] as number,
          recentLeastA: nowA,
          recentMostA: nowA,
          exportIsRoom,
        }).forCutsA;
      }
      const says = up >= 0 && (circuits[up]?.other_load_a ?? circuits[up]?.meter_a) !== undefined;
      if (up >= 0 && !says) otherA[up * 3 + p] = (otherA[up * 3 + p] as number) + (otherA[k] as number);
    }
  }
  return otherA.map(clean);
}

/** Of every outlet below each circuit, three per circuit. */
function sums(
  tree: CircuitTree,
  outlets: readonly Outlet[],
  amps: (outlet: Outlet, line: number, index: number) => number,
): Float64Array {
  const sum = new Float64Array(tree.parent.length * 3);
  outlets.forEach((o, i) => {
    for (let c = o.circuit; c >= 0; c = tree.parent[c] as number)
      for (let p = 0; p < 3; p++) sum[c * 3 + p] = (sum[c * 3 + p] as number) + amps(o, p, i);
  });
  return sum;
}

const onLine = (o: Outlet, line: number) => (o.mask & (1 << line)) !== 0;
const wattsOf = ({ limit_kw: kw }: SnapshotCircuit) =>
  kw === undefined ? Number.POSITIVE_INFINITY : clean(kw * 1000);
const total = (amps: Float64Array, c: number) => triple(amps, c).reduce((a, b) => a + b);
const triple = (amps: Float64Array, c: number): Triple =>
  [0, 1, 2].map((p) => clean(amps[c * 3 + p] as number)) as Triple;

/** Without the binary dust of sums. */
function clean(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
