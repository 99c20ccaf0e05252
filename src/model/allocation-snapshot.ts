/**
 * A depot at one instant as a file, format `laddport-snapshot/1`: what `laddport allocate` reads, and the answer it
 * writes. Currents are A per line, AC side, also for DC. Unknown fields are refused: a slip of the fingers would else
 * change the answer silently.
 */
import { z } from "zod";
import { PHASE_ORDERS } from "./circuit.ts";
import type { LimitReason } from "./messages.ts";

const Amps = z.number().min(0).max(1e5);
const SignedAmps = z.number().min(-1e5).max(1e5);
const perLine = (amps: z.ZodNumber) =>
  z
    .union([amps, z.tuple([amps, amps, amps])], { error: "Write one number or [L1, L2, L3]." })
    .transform((a): [number, number, number] => (typeof a === "number" ? [a, a, a] : a));
const Seconds = z.number().min(0).max(1e9);

export const SnapshotCircuit = z.strictObject({
  id: z.string().min(1).max(64),
  parent: z
    .string()
    .min(1)
    .max(64)
    .nullable()
    .default(null)
    .describe("Id of the circuit above; null for a root."),
  limit_a: perLine(Amps).describe("Fuse or contract limit: one number, or [L1, L2, L3]."),
  limit_kw: Amps.optional().describe("kW that it may draw, charging and other load together."),
  limit_kw_reason: z
    .enum(["power_limit", "grid_order"])
    .default("power_limit")
    .describe("Why limit_kw is what it is: the reason of who is held by it."),
  unbalance_a: Amps.optional().describe("A by which its highest line may exceed its lowest."),
  other_load_a: perLine(SignedAmps)
    .optional()
    .describe(
      "All but charging; negative for export. Absent: what meter_a leaves, else the sum of the circuits below.",
    ),
  meter_a: perLine(SignedAmps)
    .optional()
    .describe("By its meter, charging and other load together; measured_a below it is taken off."),
});

export const SNAPSHOT_STATES = [
  "available",
  "occupied",
  "charging",
  "suspended_ev",
  "suspended_evse",
  "unavailable",
  "faulted",
  "offline",
] as const;

export const SnapshotConnector = z.strictObject({
  id: z.string().min(1).max(64),
  circuit: z.string().min(1).max(64),
  kind: z.enum(["ac", "dc"]).default("ac"),
  phases: z.int().min(1).max(3).optional().describe("Lines that the car uses; 3 when absent, and for DC."),
  phase_order: z
    .enum(PHASE_ORDERS)
    .default("L1L2L3")
    .describe("Grid lines that its first, second and third conductor are wired to."),
  min_a: Amps.optional().describe("It gets 0 or at least this. 6 for AC and 0 for DC when absent."),
  max_a: Amps.optional().describe("32 for AC when absent; DC needs max_a or max_kw."),
  min_kw: Amps.optional().describe("DC: instead of min_a, kW to the car."),
  max_kw: Amps.optional().describe("DC: instead of max_a, kW to the car."),
  efficiency: z.number().min(0.5).max(1).default(1).describe("DC: kW to the car for each kW from the grid."),
  step_a: z.number().min(0.1).max(10).default(0.1).describe("Smallest change of current that it knows."),
  weight: z.number().positive().max(1e6).default(1).describe("Share of what is left over."),
  class_weight: z
    .number()
    .positive()
    .max(1e6)
    .default(1)
    .describe("Of its priority class: higher goes first when not all minima fit."),
  state: z
    .enum(SNAPSHOT_STATES)
    .describe(
      "A car that is there and does not charge is offered its minimum, so that it can start. Offline: its station cannot be told anything, so what it may draw stays reserved.",
    ),
  for_s: Seconds.optional().describe("For how long it has been in this state; long when it charges, else 0."),
  measured_a: z
    .union([Amps, z.tuple([Amps, Amps, Amps])], { error: "Write one number or [L1, L2, L3]." })
    .optional()
    .describe("On the grid's lines; one number for each line that it uses. Absent: no fresh reading."),
  limit_a: Amps.optional().describe(
    "The limit it was sent last: a car that draws clearly less lends the rest out. Absent: what it draws.",
  ),
  paused_s: Seconds.optional().describe("For how long its car has been paused by a limit of 0."),
  fallback_a: Amps.default(0).describe(
    "What it falls back to offline: reserved when `limit_a` is less or absent.",
  ),
  intent_a: Amps.optional().describe("A limit that a flow or the operator asks for."),
  target_a: Amps.optional().describe("What a plan wants for it, before others share the rest."),
  cap_a: Amps.optional().describe("No more than this by the plan, although there is room."),
  urgent: z
    .boolean()
    .default(false)
    .describe("It misses its departure unless target_a goes before all minima."),
});

export const AllocationSnapshot = z.strictObject({
  format: z.literal("laddport-snapshot/1"),
  voltage_v: z.number().min(50).max(1000).default(230).describe("Line to neutral."),
  export_is_room: z
    .boolean()
    .default(false)
    .describe("Own production beyond other load makes room for charging."),
  circuits: z.array(SnapshotCircuit).min(1),
  connectors: z.array(SnapshotConnector),
});
export type AllocationSnapshot = z.infer<typeof AllocationSnapshot>;
export type SnapshotCircuit = z.infer<typeof SnapshotCircuit>;
export type SnapshotConnector = z.infer<typeof SnapshotConnector>;

export interface Setpoint {
  connector: string;
  /** A on each of `lines`. */
  limit_a: number;
  /** W that the car may take, rounded down. */
  limit_w: number;
  /** Grid lines, 1 to 3. */
  lines: number[];
  reason: LimitReason;
  /** `row-a L2`, `site power`; null when no circuit bound it. */
  bound_by: string | null;
}

export interface CircuitShare {
  id: string;
  limit_a: [number, number, number];
  other_load_a: [number, number, number];
  /** Sum of the setpoints below it. */
  allocated_a: [number, number, number];
  limit_w: number | null;
  other_load_w: number;
  /** W from the grid of the setpoints below it. */
  allocated_w: number;
}

/** What `laddport allocate --json` prints. */
export interface SnapshotAnswer {
  format: "laddport-allocation/1";
  /** In the order of the snapshot, as `circuits`. */
  setpoints: Setpoint[];
  circuits: CircuitShare[];
}
