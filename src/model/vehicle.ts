/** Vehicles as the depot knows them beforehand, and the classes that say whose missing energy counts how much. */

/** A priority class: a kWh missing at departure of one of its vehicles counts `weight` times. */
export interface VehicleClass {
  id: string;
  /** Above 0; 1 for vehicles of no class. */
  weight: number;
}

/** What is known of a vehicle; null where only measurement tells. */
export interface Vehicle {
  /** As token lists and schedules name it; an id, never a person's name. */
  id: string;
  /** Id of a `VehicleClass`. */
  class: string | null;
  batteryKwh: number | null;
  /** Phases its AC charger uses. */
  acPhases: 1 | 2 | 3 | null;
  /** A per phase its AC charger takes at most. */
  acMaxA: number | null;
  /** kW it takes at most from a DC station. */
  dcMaxKw: number | null;
}

/** Limits that a vehicle showed while it charged; they only rise. Absent: not seen yet. */
export interface LearnedLimits {
  ac_phases?: 1 | 2 | 3;
  /** A per phase. */
  ac_max_a?: number;
  dc_max_kw?: number;
}

/** Vehicles and classes of a depot by id. */
export interface Fleet {
  vehicles: ReadonlyMap<string, Vehicle>;
  classes: ReadonlyMap<string, VehicleClass>;
}
