/** "What if": the same depot with other limits, or with more vehicles that come and go as those that are there do. */
import type { DepotInstance, InstanceCircuit } from "../../model/depot-instance.ts";
import { InstanceError } from "./site.ts";

export interface NewLimit {
  circuit: string;
  /** A per line; null leaves it as it is. */
  limitA: [number, number, number] | null;
  /** kW; null leaves it as it is. */
  limitKw: number | null;
}

/** So many more connectors with a vehicle each. */
export interface MoreVehicles {
  count: number;
  /** Connector whose vehicles they are like; null: a sample of all, from those that take little to those that take much. */
  like: string | null;
}

export interface Variant {
  limits: readonly NewLimit[];
  more: readonly MoreVehicles[];
}

/**
 * The instance with the variant in it. A new limit holds at all times. New vehicles stand on the circuit of the one that
 * they are like, their lines rotated one further each, and keep its times and needs.
 * @throws InstanceError naming the option when a circuit or connector is unknown.
 */
export function variantOf(instance: DepotInstance, { limits, more }: Variant): DepotInstance {
  const circuits = instance.circuits.map((c) => limits.reduce(withLimit, c));
  for (const { circuit } of limits)
    if (!circuits.some((c) => c.id === circuit))
      throw new InstanceError("--limit", `there is no circuit "${circuit}"; there are: ${ids(circuits)}`);
  const connectors = [...instance.connectors];
  const sessions = [...instance.sessions];
  let made = 0;
  for (const { count, like } of more) {
    const samples = like === null ? sampleOf(instance, count) : Array<string>(count).fill(like);
    for (const id of samples) {
      const connector = instance.connectors.find((k) => k.id === id);
      if (connector === undefined)
        throw new InstanceError(
          "--more",
          `there is no connector "${id}"; there are: ${ids(instance.connectors)}`,
        );
      made++;
      const copy = `${id}+${made}`;
      connectors.push({ ...connector, id: copy, ...rotated(connector, made) });
      for (const s of instance.sessions)
        if (s.connector === id) sessions.push({ ...s, id: `${s.id}+${made}`, connector: copy });
    }
  }
  return { ...instance, circuits, connectors, sessions };
}

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).join(", ");

function withLimit(c: InstanceCircuit, { circuit, limitA, limitKw }: NewLimit): InstanceCircuit {
  if (c.id !== circuit) return c;
  const steps = (c.steps ?? []).map((step) => ({
    from: step.from,
    ...(limitA === null && step.limitA !== undefined ? { limitA: step.limitA } : {}),
    ...(limitKw === null && step.limitKw !== undefined ? { limitKw: step.limitKw } : {}),
  }));
  return { ...c, limitA: limitA ?? c.limitA, limitKw: limitKw ?? c.limitKw, steps };
}

function rotated(connector: DepotInstance["connectors"][number], by: number) {
  return connector.kind === "ac" ? { lines: connector.lines.map((line) => (line + by) % 3) } : {};
}

/** Connectors at equal distances in the order of the energy that their vehicles asked for. */
function sampleOf({ connectors, sessions }: DepotInstance, count: number): string[] {
  const asked = new Map(connectors.map((k) => [k.id, 0]));
  for (const s of sessions) asked.set(s.connector, (asked.get(s.connector) ?? 0) + s.energyKwh);
  const used = [...asked].filter(([, kwh]) => kwh > 0).sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
  if (used.length === 0) throw new InstanceError("--more", "no session of the instance asks for energy");
  return Array.from(
    { length: count },
    (_, n) => (used[Math.floor(((n + 0.5) * used.length) / count)] as [string, number])[0],
  );
}

/** Reads `main=400`, `main=400/400/350` (A) or `main=250kW`. Null when it is none of them. */
export function newLimit(text: string): NewLimit | null {
  const [, circuit, value = ""] = /^(.+?)=(.+)$/.exec(text) ?? [];
  if (circuit === undefined) return null;
  const kw = /^(\d+(?:\.\d+)?)kW$/i.exec(value)?.[1];
  if (kw !== undefined) return { circuit, limitA: null, limitKw: Number(kw) };
  const amps = value.replace(/A$/, "").split("/");
  if (!amps.every((a) => /^\d+(?:\.\d+)?$/.test(a)) || (amps.length !== 1 && amps.length !== 3)) return null;
  const [l1 = "", l2 = l1, l3 = l1] = amps;
  return { circuit, limitA: [Number(l1), Number(l2), Number(l3)], limitKw: null };
}

/** Reads `12` or `12:CONNECTOR`. Null when it is neither. */
export function moreVehicles(text: string): MoreVehicles | null {
  const [, count, like] = /^(\d{1,4})(?::(.+))?$/.exec(text) ?? [];
  return count === undefined || Number(count) === 0 ? null : { count: Number(count), like: like ?? null };
}
