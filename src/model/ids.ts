/**
 * Identifiers that appear in topics, config and the log. The same pattern everywhere means an id never needs
 * escaping in a topic, a file name, a metric label or a shell.
 */
import { z } from "zod";

/** Lower case letters, digits and `-`, 1 to 36 characters (OCPP 2.0.1 identity fits after lower-casing). */
export const ID_PATTERN = /^[a-z0-9-]{1,36}$/;

/** A site, station, meter, circuit, tariff-independent id. */
export const Id = z.string().regex(ID_PATTERN, "use 1 to 36 lower case letters, digits or '-'");

/** Name of a price series, such as a bidding zone (`SE3`) or `spot-de`. */
export const SeriesId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "use 1 to 64 letters, digits, '.', '_' or '-'");

/** `station/evse`, the name of one EVSE in reasons, envelopes and the allocation. */
export type EvseId = `${string}/${number}`;

export function evseId(station: string, evse: number): EvseId {
  return `${station}/${evse}`;
}
