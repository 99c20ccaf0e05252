/**
 * Who is plugged in where and wants what: control's view of the connectors, joined with the open sessions, what was said
 * of departures and what vehicles were seen to take.
 */
import { type Config, evseSpecs } from "../config.ts";
import type { Control } from "../control/loop.ts";
import type { EvseState } from "../control/state.ts";
import type { EvseSpec } from "../model/circuit.ts";
import type { DepotClock } from "../model/clock.ts";
import type { EvseNeed } from "../model/departure.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import type { Occupant, RunningCost } from "../model/running-cost.ts";
import type { Coming } from "../rules/departures/ahead.ts";
import { type LevelStretch, raised, watchDraw } from "../rules/departures/learn-limits.ts";
import { departureFor, needOf } from "../rules/departures/need.ts";
import { type Seen, type Stay, stayAfter } from "../rules/departures/stay.ts";
import type { DepartureDoor } from "./departure-door.ts";
import { StationWishes } from "./station-wishes.ts";

export interface NeedsGround {
  config: Config;
  clock: Pick<DepotClock, "nowMs" | "realDelayMs">;
  departures: DepartureDoor;
  /** Of the open session at an EVSE: whose it is, and what it costs so far. */
  occupants: ReadonlyMap<EvseId, Occupant>;
  running: ReadonlyMap<EvseId, RunningCost>;
}

/** Depot time between looks, and the least that they are apart in wire time. */
const LOOK_MS = 5_000;
const LEAST_WIRE_MS = 250;

/** A departure that applies to who is plugged in there. */
export interface Applied {
  evse: EvseId;
  stay: Stay;
  departure: Coming;
}

export class DepotNeeds {
  readonly #base: NeedsGround;
  readonly #control: Pick<Control, "state">;
  readonly #specs: ReadonlyMap<EvseId, EvseSpec>;
  readonly #wishes = new StationWishes();
  readonly #stays = new Map<EvseId, Stay>();
  readonly #stretches = new Map<EvseId, LevelStretch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(base: NeedsGround, control: Pick<Control, "state">) {
    this.#base = base;
    this.#control = control;
    this.#specs = new Map(evseSpecs(base.config).map((spec) => [evseId(spec.station, spec.evse), spec]));
  }

  start(): void {
    const { clock } = this.#base;
    this.#timer = setInterval(
      () => this.#look(clock.nowMs()),
      Math.max(LEAST_WIRE_MS, clock.realDelayMs(LOOK_MS)),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A message of a station, which may say what its vehicle wishes. */
  note(message: Parameters<StationWishes["note"]>[0]): void {
    this.#wishes.note(message, this.#base.clock.nowMs());
  }

  /** `nowMs`: depot time. */
  at(nowMs: number): EvseNeed[] {
    this.#look(nowMs);
    const { departures } = this.#base;
    const ahead = departures.ahead(nowMs);
    return this.#taken().map(({ evse, stay }) =>
      needOf(evse, stay, ahead, departures.fleet, learnedOf(departures, stay.vehicle), nowMs),
    );
  }

  /** Where departures apply now, by their id. */
  applied(nowMs: number): Map<string, Applied> {
    this.#look(nowMs);
    const ahead = this.#base.departures.ahead(nowMs);
    return new Map(
      this.#taken().flatMap(({ evse, stay }) => {
        const applies = departureFor(evse, stay, ahead, nowMs);
        return applies ? [[applies.departure.id, { evse, stay, departure: applies.departure }]] : [];
      }),
    );
  }

  /** In the order of the config, whoever came first. */
  #taken(): { evse: EvseId; stay: Stay }[] {
    return [...this.#specs.keys()].flatMap((evse) => {
      const stay = this.#stays.get(evse);
      return stay ? [{ evse, stay }] : [];
    });
  }

  #look(nowMs: number): void {
    for (const state of this.#control.state().evses) {
      const id = evseId(state.station, state.evse);
      const before = this.#stays.get(id) ?? null;
      const stay = stayAfter(before, this.#seen(id, state), nowMs);
      if (stay) {
        this.#stays.set(id, stay);
        if (stay.vehicle !== null) this.#learn(id, stay.vehicle, state, nowMs);
      } else if (before) {
        this.#stays.delete(id);
        this.#stretches.delete(id);
        this.#wishes.forget(id);
        this.#base.departures.unplugged(id);
      }
    }
  }

  #seen(id: EvseId, state: EvseState): Seen {
    const cost = this.#base.running.get(id);
    const who = this.#base.occupants.get(id);
    return {
      connector: state.connector_state,
      charging: state.charging_state,
      registerWh: state.energy_import_wh,
      // What the config names no purpose for is used for none.
      socPct: this.#base.config.identity.purposes.includes("soc") ? state.soc_pct : null,
      session: cost
        ? {
            id: cost.session_id,
            startedMs: Date.parse(cost.started),
            energyWh: cost.energy_wh,
            asOf: cost.as_of,
          }
        : null,
      vehicle: who?.vehicle ?? null,
      group: who?.group ?? null,
      wish: this.#wishes.of(id),
    };
  }

  #learn(id: EvseId, vehicle: string, state: EvseState, nowMs: number): void {
    const spec = this.#specs.get(id);
    const offeredA = state.confirmed_a ?? state.limit_a;
    if (!spec || offeredA === null || state.measured_a === null || state.charging_state !== "charging") {
      this.#stretches.delete(id);
      return;
    }
    const { stretch, seen } = watchDraw(this.#stretches.get(id) ?? null, {
      atMs: nowMs,
      kind: spec.kind,
      wired: spec.phases,
      amps: state.measured_a,
      powerW: state.power_w,
      offeredA,
      offeredKw: (offeredA * 3 * this.#base.config.grid.voltageV * spec.efficiency) / 1000,
    });
    if (stretch) this.#stretches.set(id, stretch);
    else this.#stretches.delete(id);
    const { departures } = this.#base;
    const limits = raised(departures.learned(vehicle), seen);
    if (limits) departures.showed(vehicle, limits);
  }
}

const learnedOf = (departures: DepartureDoor, vehicle: string | null) =>
  vehicle === null ? undefined : departures.learned(vehicle);
