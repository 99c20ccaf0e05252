/**
 * What production and storage do now, for people: the newest reading of each meter of such a role, by whatever way it
 * came. The load balance sees their effect in the meter of the grid connection.
 */
import type { Config } from "../config.ts";
import type { DepotClock } from "../model/clock.ts";
import { Meter } from "../model/messages.ts";
import type { InKind } from "../model/topics.ts";

/** Missing means unknown, never 0. */
export interface RoleState {
  /** Production, W; feeding the depot is positive. */
  pv_w?: number;
  /** W; charging the battery is positive. */
  battery_w?: number;
  /** Mean of the batteries that say it. */
  battery_soc_pct?: number;
}

export interface RoleMeters {
  note(message: { station: string; evse: number; kind: InKind; payload: Uint8Array }): void;
  now(): RoleState;
}

/** A reading that is older says nothing of now. Depot time. */
const FRESH_MS = 60_000;

interface Slot {
  role: "pv" | "battery";
  payload: Uint8Array | null;
  atMs: number;
}

export function createRoleMeters(
  { meters }: Pick<Config, "meters">,
  clock: Pick<DepotClock, "monoMs">,
): RoleMeters {
  const slots = new Map<string, Slot>(
    meters.flatMap(({ id, role }) =>
      role === "pv" || role === "battery" ? [[id, { role, payload: null, atMs: 0 }]] : [],
    ),
  );
  return {
    note({ station, evse, kind, payload }) {
      const slot = kind === "meter" && evse === 0 ? slots.get(station) : undefined;
      if (slot === undefined) return;
      slot.payload = payload;
      slot.atMs = clock.monoMs();
    },
    now() {
      const powers = { pv: [] as number[], battery: [] as number[] };
      const socs: number[] = [];
      for (const slot of slots.values()) {
        const reading = clock.monoMs() - slot.atMs > FRESH_MS ? null : parsed(slot.payload);
        // A sum without one of its parts would pass for the whole.
        powers[slot.role].push(reading?.power_w ?? Number.NaN);
        if (slot.role === "battery" && reading?.soc_pct !== undefined) socs.push(reading.soc_pct);
      }
      const pvW = -sum(powers.pv);
      const batteryW = sum(powers.battery);
      return {
        ...(Number.isFinite(pvW) && powers.pv.length > 0 ? { pv_w: Math.round(pvW) + 0 } : {}),
        ...(Number.isFinite(batteryW) && powers.battery.length > 0
          ? { battery_w: Math.round(batteryW) + 0 }
          : {}),
        ...(socs.length > 0 ? { battery_soc_pct: Math.round((10 * sum(socs)) / socs.length) / 10 } : {}),
      };
    },
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

function parsed(payload: Uint8Array | null): Meter | null {
  if (payload === null) return null;
  try {
    const result = Meter.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
}
