/** Who is plugged in where and wants what: control's view of the connectors joined with the open sessions. */
import type { Control } from "../control/loop.ts";
import type { EvseState } from "../control/state.ts";
import type { EvseNeed } from "../model/departure.ts";
import { type EvseId, evseId } from "../model/ids.ts";
import { type Seen, type Stay, stayAfter } from "../rules/departures/stay.ts";
import type { Foundation } from "./parts.ts";

export class DepotNeeds {
  readonly #base: Pick<Foundation, "running" | "occupants">;
  readonly #control: Pick<Control, "state">;
  readonly #stays = new Map<EvseId, Stay>();

  constructor(base: Pick<Foundation, "running" | "occupants">, control: Pick<Control, "state">) {
    this.#base = base;
    this.#control = control;
  }

  /** `nowMs`: depot time. */
  at(nowMs: number): EvseNeed[] {
    this.#look(nowMs);
    return [...this.#stays].map(([evse, stay]) => needOf(evse, stay));
  }

  #look(nowMs: number): void {
    for (const state of this.#control.state().evses) {
      const id = evseId(state.station, state.evse);
      const stay = stayAfter(this.#stays.get(id) ?? null, this.#seen(id, state), nowMs);
      if (stay) this.#stays.set(id, stay);
      else this.#stays.delete(id);
    }
  }

  #seen(id: EvseId, state: EvseState): Seen {
    const cost = this.#base.running.get(id);
    const who = this.#base.occupants.get(id);
    return {
      connector: state.connector_state,
      charging: state.charging_state,
      registerWh: state.energy_import_wh,
      socPct: state.soc_pct,
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
    };
  }
}

function needOf(evse: EvseId, stay: Stay): EvseNeed {
  return {
    evse,
    vehicle: stay.vehicle,
    group: stay.group,
    class: null,
    weight: 1,
    pluggedMs: stay.pluggedMs,
    deliveredWh: stay.deliveredWh,
    departMs: null,
    energyWh: null,
    source: null,
    acPhases: null,
    acMaxA: null,
    dcMaxKw: null,
  };
}
