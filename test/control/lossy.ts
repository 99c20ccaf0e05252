/**
 * A depot whose limits jump while its link delays and loses messages, and how often a circuit stays overloaded: with the
 * control loop, or with a sender that knows all there is to know but sends everything at once and once.
 */
import type { Control, ControlOptions } from "../../src/control/loop.ts";
import type { Circuit, EvseSpec, PerLine } from "../../src/model/circuit.ts";
import { linesOf, PHASE_ORDERS } from "../../src/model/circuit.ts";
import { allocate, RANK, reasonCode } from "../../src/rules/allocate.ts";
import { buildTree, lineMask } from "../../src/rules/allocate-tree.ts";
import { circuit, evseSpec, seeded } from "../rules/allocation-cases.ts";
import { createDepot, type Depot } from "./depot.ts";

export interface LossyRun {
  loss: number;
  ticks: number;
  seed: number;
  sender: "gate" | "naive";
}

export interface LossyResult {
  jumps: number;
  /** Ticks with an overload later than the reaction time after the last jump, and later than twice that. */
  late: number;
  lasting: number;
  /** Ticks with any overload, those right after a jump included. */
  overloaded: number;
  /** Of what all would draw if every limit were followed at once, %. */
  drawnPct: number;
}

/** Seconds between jumps of a limit or of the building's load. */
const JUMP_EVERY_S = 60;
const REACTION_S = 10;
/** Less than this beyond a limit is dust of readings rounded to a tenth. */
const OVER_A = 0.5;
const STATIONS = 12;

const LIMITS: Record<string, number> = { site: 160, "row-a": 90, "row-b": 90 };

function circuits(): Circuit[] {
  return [
    { ...circuit("site", null, LIMITS.site ?? 0), meter: "grid" },
    circuit("row-a", "site", LIMITS["row-a"] ?? 0),
    circuit("row-b", "site", LIMITS["row-b"] ?? 0),
  ];
}

function specs(): EvseSpec[] {
  return Array.from({ length: STATIONS }, (_, i) =>
    evseSpec(`cp-${i + 1}`, {
      circuit: i % 2 ? "row-a" : "row-b",
      phaseOrder: PHASE_ORDERS[i % 3] ?? "L1L2L3",
      phases: i % 4 === 3 ? 1 : 3,
      fallbackA: 6,
    }),
  );
}

/** What all would draw now if every limit were followed at once: the share of who is plugged in. */
function ideal(depot: Depot, evses: readonly EvseSpec[]): Float64Array {
  const tree = buildTree(circuits());
  const roomA = tree.limitA.map((_, k) => {
    const id = tree.circuits[Math.floor(k / 3)]?.id ?? "";
    return (depot.limitOf(id)[k % 3] ?? 0) - (depot.otherOf(id)[k % 3] ?? 0);
  });
  const cars = evses.map((e) => depot.station(`${e.station}/1`).car);
  return allocate({
    parent: tree.parent,
    roomA,
    circuit: Int32Array.from(evses, (e) => tree.indexOf.get(e.circuit) ?? 0),
    lines: Uint8Array.from(evses, (e, i) => lineMask(e.phaseOrder, cars[i]?.phases ?? e.phases)),
    minA: Float64Array.from(evses, (e) => e.minA),
    capA: Float64Array.from(evses, (e, i) => Math.min(e.maxA, cars[i]?.maxA ?? 0)),
    capReason: new Uint8Array(evses.length).fill(reasonCode("station_max")),
    weight: new Float64Array(evses.length).fill(1),
    rank: new Uint8Array(evses.length).fill(RANK.running),
    stepA: new Float64Array(evses.length).fill(0.1),
  }).limitA;
}

/** Knows limits, cars and building exactly; sends what changed, raises and cuts alike, and never again. */
function naive(options: ControlOptions, depot: () => Depot): Control {
  const told = new Map<string, number>();
  let rev = 1;
  return {
    start() {},
    stop() {},
    note() {},
    subscribed() {},
    intent: () => ({ accepted: false, limitA: null, untilMs: null, reason: "none" }),
    setCircuitLimit() {},
    setCircuitPower() {},
    setTargets() {},
    confirmedLimitA: () => null,
    state: () => {
      throw new Error("it shows nothing");
    },
    async tick() {
      ideal(depot(), options.evses).forEach((limitA, i) => {
        const spec = options.evses[i] as EvseSpec;
        if (told.get(spec.station) === limitA) return;
        told.set(spec.station, limitA);
        options.send(spec.station, 1, {
          ts: new Date(options.clock.nowMs()).toISOString(),
          rev: rev++,
          limit_a: limitA,
          phases: spec.phases,
          valid_for_s: 1e9,
          fallback_a: spec.fallbackA,
          reason: "fair_share",
        });
      });
    },
  };
}

export async function lossy({ loss, ticks, seed, sender }: LossyRun): Promise<LossyResult> {
  const random = seeded(seed);
  const evses = specs();
  const depot: Depot = createDepot({
    circuits: circuits(),
    evses,
    loss,
    seed,
    delayMs: 2000,
    settings: { minOffS: 60, minOnS: 60 },
    ...(sender === "naive" ? { control: (options) => naive(options, () => depot) } : {}),
  });
  const all = [...depot.stations.values()];
  const plug = (s: (typeof all)[number]) => {
    const phases = s.spec.phases === 1 ? 1 : random() < 0.3 ? 1 : 3;
    s.plug({ maxA: 16 + Math.floor(random() * 17), phases });
  };
  const around = (mean: number, swing: number): number => mean + swing * (2 * random() - 1);
  depot.setOther("site", [30, 20, 25]);
  depot.startGateway();
  all.slice(0, 9).forEach(plug);
  // Until stations are known, what they hold of an earlier run may add up to anything.
  const settleS = 180;
  let lastJumpS = 0;
  const left = new Map<unknown, number>();
  const result = { jumps: 0, late: 0, lasting: 0, overloaded: 0 };
  let drawn = 0;
  let wanted = 0;
  for (let s = 0; s < ticks + settleS; s++) {
    if (s % JUMP_EVERY_S === 0 && s >= settleS) {
      result.jumps++;
      lastJumpS = s;
      if (random() < 0.5) {
        const lines: PerLine = [around(40, 40), around(40, 40), around(40, 40)];
        depot.setOther("site", [...lines]);
      } else {
        const id = ["site", "row-a", "row-b"][Math.floor(random() * 3)] ?? "site";
        const a = Math.round((LIMITS[id] ?? 0) * around(0.75, 0.25));
        depot.setLimit(id, [a, a, a]);
      }
    }
    if (random() < 0.01) {
      const station = all[Math.floor(random() * all.length)];
      if (station?.car) {
        station.unplug();
        left.set(station, s);
      } else if (station && s - (left.get(station) ?? Number.NEGATIVE_INFINITY) > 15) plug(station);
    }
    await depot.run(1);
    depot.sent.length = 0;
    depot.recorded.length = 0;
    depot.alerts.length = 0;
    for (const station of all) station.received.length = 0;
    if (s < settleS) continue;
    if (depot.drawnExcess().some((x) => x.a > x.limitA + OVER_A)) {
      result.overloaded++;
      if (s - lastJumpS > REACTION_S) result.late++;
      if (s - lastJumpS > 2 * REACTION_S) result.lasting++;
    }
    if (s % 10 !== 0) continue;
    ideal(depot, evses).forEach((a, i) => {
      const station = all[i];
      if (!station?.car) return;
      wanted += a * linesOf(station.spec.phaseOrder, station.car.phases).length;
      drawn += station.drawA * station.car.phases;
    });
  }
  if (depot.failures.length > 0) throw depot.failures[0];
  return { ...result, drawnPct: Math.round((1000 * drawn) / wanted) / 10 };
}
