/** What was understood of a departure, in words; and whose vehicle nobody knows. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, fleet } from "../config.ts";
import { SubjectStore } from "../identity/subject-store.ts";
import { readTokenList } from "../identity/token-list.ts";
import { readKek, Vault } from "../identity/vault.ts";
import type { DepartureRecord } from "../model/departure.ts";
import type { ReadDepartures } from "../rules/departures/read.ts";

/** `bus-14 leaves Thu 26 Nov 06:30 (Europe/Stockholm), wants 120.0 kWh`. `zone`: IANA name. */
export function leavesText(one: DepartureRecord, zone: string): string {
  const who = one.vehicle ?? `whoever is at ${one.evse}`;
  const wants = [
    ...(one.energy_wh === undefined ? [] : [`${(one.energy_wh / 1000).toFixed(1)} kWh`]),
    ...(one.soc_pct === undefined ? [] : [`${one.soc_pct} %`]),
  ];
  const parts = [
    `${who} leaves ${dayAndTime(one.depart, zone)} (${zone})`,
    ...(wants.length > 0 ? [`wants ${wants.join(" and ")}`] : []),
    ...(one.class === undefined ? [] : [`class ${one.class}`]),
  ];
  return parts.join(", ");
}

/** `Thu 26 Nov 06:30` */
function dayAndTime(instant: string, zone: string): string {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const part = Object.fromEntries(
    format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]),
  );
  return `${part.weekday} ${part.day} ${part.month} ${part.hour}:${part.minute}`;
}

/** Vehicles of `read` that neither the config nor the token list has: they may come to it later. */
export function strangersIn({ departures, lines }: ReadDepartures, config: Config, data: string): string[] {
  const named = [...departures, ...lines].flatMap(({ vehicle }) => (vehicle === undefined ? [] : [vehicle]));
  const { vehicles } = fleet(config);
  const strange = [...new Set(named)].filter((id) => !vehicles.has(id));
  if (strange.length === 0) return [];
  const listed = listedVehicles(config, data);
  return listed === null ? [] : strange.filter((id) => !listed.has(id));
}

/** Null when the token list may not be read by who asks. */
function listedVehicles({ tokens, identity }: Config, data: string): ReadonlySet<string> | null {
  try {
    if (tokens.file !== undefined)
      return new Set(readTokenList(tokens.file).flatMap(({ vehicle }) => vehicle ?? []));
    const file = join(data, "subjects.db");
    if (!existsSync(file)) return new Set();
    const store = new SubjectStore(file, new Vault(readKek(identity.kekFile)));
    const found = store.known.vehicles();
    store.close();
    return found;
  } catch {
    return null;
  }
}
