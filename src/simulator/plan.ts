/**
 * What a simulated depot is made of, as plain data: it is drawn or read on one thread and run on another.
 * Currents are integer milliamperes per line on the AC side, energy is integer Wh, instants are depot time in ms.
 */
import type { PerLine, PhaseOrder } from "../model/circuit.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { RegisterMap } from "../model/register-map.ts";

/** A car as its charging looks from the outlet. */
export interface CarPlan {
  /** Lines it draws from. */
  phases: 1 | 3;
  maxMa: number;
  /** It stops by itself when it has taken this much. */
  energyWh: number;
  /** From this much on its current falls towards the minimum; equal to `energyWh` for a car that never tapers. */
  taperFromWh: number;
  batteryWh: number;
  /** State of charge on arrival, percent. */
  socPct: number;
}

/** One stay of one car at one station. */
export interface Visit {
  id: string;
  station: string;
  arrivalMs: number;
  departureMs: number;
  tokenUid: string;
  /** Id of the vehicle of a fleet; absent in a record. */
  vehicle?: string;
  car: CarPlan;
  /** What the record says was delivered; absent for a drawn visit. */
  recordedWh?: number;
  /** The record asks for more than the largest simulated charger gives: it can't finish. */
  clamped?: boolean;
}

/** A station with one EVSE, and what is provisioned in it. */
export interface StationPlan {
  id: string;
  kind: "ac" | "dc";
  phaseOrder: PhaseOrder;
  minMa: number;
  maxMa: number;
  /** What it offers without a valid lease. */
  fallbackMa: number;
  /** DC: delivered watts per AC watt. 1 for AC. */
  efficiency: number;
  /** Lifetime register when it boots. */
  registerWh: number;
  /** Three-phase AC: it charges on as many phases as its limit says, 1 or 3. */
  switchesPhases?: boolean;
  /** Its meter signs the begin and the end of a transaction (OCMF). */
  signs?: boolean;
  username: string;
  password: string;
}

/** A station before the depot gave it credentials and a fallback. */
export type UnnamedStation = Omit<StationPlan, "username" | "password" | "fallbackMa">;

/** Stations and visits of one period of a depot, drawn or recorded. */
export interface Scenario {
  timeZone: string;
  stations: UnnamedStation[];
  visits: Visit[];
  /** Absent in a record, which knows cars by their sessions alone. */
  fleet?: FleetPlan;
}

/** Vehicles as the depot knows them beforehand, and what was said of their departures. */
export interface FleetPlan {
  vehicles: {
    id: string;
    class: string;
    batteryWh: number;
    /** AC; `dcMaxW` for one that charges from DC. */
    phases: 1 | 3;
    maxMa: number;
    dcMaxW: number | null;
    tokenUid: string;
  }[];
  said: SaidDeparture[];
}

/** What somebody said, which need not come true. */
export interface SaidDeparture {
  vehicle: string;
  departMs: number;
  energyWh: number;
  /** A line of the timetable of all days; else said for this day. */
  isDaily: boolean;
}

/** The meter at the grid connection: publishes as station `id`, EVSE 0. */
export interface GridMeterPlan {
  id: string;
  username: string;
  password: string;
}

/** The building's meter, polled over Modbus TCP at this port of 127.0.0.1. */
export interface PolledMeterPlan {
  port: number;
  unit: number;
  map: RegisterMap;
}

/** Load beside the charging, A per line; it swings by `swingA` over a day. */
export interface BuildingPlan {
  baseA: number;
  swingA: number;
}

/** A of the building on each line at `nowMs`. */
export const buildingA = ({ baseA, swingA }: BuildingPlan, nowMs: number): number =>
  baseA + swingA * Math.sin((2 * Math.PI * nowMs) / 86_400_000);

/** What may go wrong, as the chance per visit from 0 to 1. Everything is drawn from `seed`. */
export interface Mischief {
  seed: number;
  /** The link is cut for some minutes; messages are kept and sent again as new packets (DUP=0). */
  drop: number;
  /** Power is lost in mid-session; the transaction goes on after the boot. */
  reboot: number;
  /** Power is lost in mid-session; the transaction is ended after the boot and a second one started. */
  restart: number;
  /** The EVSE faults for some minutes in mid-session. */
  fault: number;
  /** The end of the transaction is reported twice, the second time without a reason. */
  duplicateStop: number;
  /** A message is published twice with the same boot, seq and content. */
  resend: number;
  /** The station's clock stands wrong by up to two minutes for the whole visit. */
  wrongClock: number;
}

export interface DepotPlan {
  site: string;
  mqttUrl: string;
  clock: ClockOrigin;
  /** Line to neutral, V. */
  voltageV: number;
  stations: StationPlan[];
  visits: Visit[];
  gridMeter: GridMeterPlan | null;
  polledMeter?: PolledMeterPlan | null;
  building: BuildingPlan | null;
  /** What the true sum is held against; null when nothing is. */
  siteLimitA: PerLine | null;
  mischief: Mischief | null;
  /** Messages per real second that all stations together may send as samples. */
  samplesPerSecond: number;
}

/** The smallest AC current there is (IEC 61851-1, table A.8): below it the outlet is off. */
export const AC_MINIMUM_MA = 6000;
