/**
 * A depot and its charging sessions as a file, for what-if runs and comparisons: format `depot-instance/1`. Times are
 * whole slots from the start; AC rates are A per used phase, DC rates kW. Unknown fields are ignored.
 */
import { z } from "zod";

const Amps3 = z.tuple([z.number(), z.number(), z.number()]);
const Series = z.array(z.number());
const Slot = z.int().nonnegative();

const InstanceCircuit = z.object({
  id: z.string(),
  parent: z.string().nullish(),
  limitA: Amps3.nullish(),
  limitKw: z.number().nullish(),
  /** Limits from a slot on; a limit that a step does not name stays. */
  steps: z.array(z.object({ from: Slot, limitA: Amps3.nullish(), limitKw: z.number().nullish() })).nullish(),
  /** Load besides charging, per line and slot, A. */
  loadA: z.tuple([Series, Series, Series]).nullish(),
  /** Load besides charging, per slot, kW. */
  loadKw: Series.nullish(),
});

const Connector = {
  id: z.string(),
  circuit: z.string().nullish(),
  minA: z.number().nonnegative().nullish(),
  minKw: z.number().nonnegative().nullish(),
  stepA: z.number().nonnegative().nullish(),
  /** Of its current as a phasor, for `phasors`. */
  angleDeg: z.number().nullish(),
};

const InstanceConnector = z.discriminatedUnion("kind", [
  z.object({
    ...Connector,
    kind: z.literal("ac"),
    /** Grid line that each of its terminals is wired to. */
    lines: z.array(z.int().min(0).max(2)).min(1).max(3),
    maxA: z.number().nonnegative(),
  }),
  z.object({ ...Connector, kind: z.literal("dc"), maxKw: z.number().nonnegative() }),
]);

const InstanceSession = z.object({
  id: z.string(),
  connector: z.string(),
  /** It is there from slot `arrive` to the one before `depart`. */
  arrive: Slot,
  depart: Slot,
  energyKwh: z.number().nonnegative(),
  carMaxA: z.number().nonnegative().nullish(),
  carMaxKw: z.number().nonnegative().nullish(),
  carPhases: z.int().min(1).max(3).nullish(),
  estDepart: z.number().nullish(),
  estKwh: z.number().nullish(),
  weight: z.number().positive().nullish(),
});

export const DepotInstance = z.object({
  format: z.literal("depot-instance/1").optional(),
  name: z.string(),
  slotSeconds: z.number().positive(),
  slots: z.int().nonnegative(),
  start: z.string().optional(),
  phaseVoltage: z.number().positive(),
  circuits: z.array(InstanceCircuit).default([]),
  connectors: z.array(InstanceConnector),
  sessions: z.array(InstanceSession),
  /** |sum of coefficient * current at its angle| <= limitA. */
  phasors: z
    .array(
      z.object({ id: z.string(), limitA: z.number(), terms: z.array(z.tuple([z.string(), z.number()])) }),
    )
    .nullish(),
  tariff: z.object({ energyPerKwh: Series, demandPerKw: z.number().nonnegative().nullish() }).nullish(),
});
export type DepotInstance = z.infer<typeof DepotInstance>;
export type InstanceCircuit = z.infer<typeof InstanceCircuit>;

/** What each session was allowed and assumed to draw: a rate per slot from `arrive` on. Format `depot-trace/1`. */
export interface DepotTrace {
  format: "depot-trace/1";
  instance: string;
  rates: Record<string, number[]>;
}
