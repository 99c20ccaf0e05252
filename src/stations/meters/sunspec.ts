/**
 * Finds a model in a SunSpec device. SunSpec Device Information Model Specification, 6.2: the marker `SunS` at holding
 * register 40000, 50000 or 0, then models one after the other, each with its id and length, until id FFFFh.
 */
import type { RegisterPoint, SunSpecModel } from "../../model/register-map.ts";
import { MeterFault } from "./fault.ts";

/** Reads holding registers; two bytes each. */
export type ReadHolding = (address: number, count: number) => Promise<Buffer>;

export interface DeviceIdentity {
  vendor?: string;
  model?: string;
  firmware?: string;
  meter_serial?: string;
}

export interface FoundModel {
  model: number;
  /** Of the register that holds the model's id. */
  address: number;
  /** At addresses of the wire; those beyond the model's own length are left out. */
  points: RegisterPoint[];
  identity: DeviceIdentity;
}

const BASES = [40_000, 50_000, 0] as const;
const MARKER = 0x53756e53;
const END = 0xffff;
const COMMON = 1;
/** A chain that is longer is none. */
const MOST_MODELS = 60;

/** The `instance`th (from 1) of the models wanted. Rejects with a MeterFault. */
export async function findModel(
  read: ReadHolding,
  wanted: readonly SunSpecModel[],
  instance: number,
): Promise<FoundModel> {
  const base = await findMarker(read);
  const seen: number[] = [];
  let identity: DeviceIdentity = {};
  let left = instance;
  let address = base + 2;
  while (seen.length < MOST_MODELS && address < 65_500) {
    const head = await read(address, 2);
    const model = head.readUInt16BE(0);
    const length = head.readUInt16BE(2);
    if (model === END) break;
    // Each device behind a data manager begins with a common block of its own.
    if (model === COMMON) identity = identityIn(await read(address + 2, Math.min(length, 64)));
    const layout = wanted.find(({ models }) => models.includes(model));
    if (layout && --left === 0)
      return { model, address, points: placed(layout.points, address, length), identity };
    seen.push(model);
    address += 2 + length;
  }
  const all = wanted.flatMap(({ models }) => models);
  const which = instance > 1 ? `the ${instance}. of the models` : "none of the models";
  throw new MeterFault(
    "unsuitable",
    `the device lists the SunSpec models ${seen.join(", ") || "none"}; ${which} ${all.join(", ")} is missing`,
    "Take the map for what it is (sunspec-meter, sunspec-inverter), or connect the meter to the device.",
  );
}

async function findMarker(read: ReadHolding): Promise<number> {
  for (const base of BASES) {
    try {
      if ((await read(base, 2)).readUInt32BE(0) === MARKER) return base;
    } catch (error) {
      if (!(error instanceof MeterFault) || error.kind !== "exception") throw error;
    }
  }
  throw new MeterFault(
    "unsuitable",
    `no SunSpec marker at ${BASES.join(", ")}`,
    "Switch SunSpec on in the device (Fronius, SMA and others ask for it), or take the map of its own registers.",
  );
}

function placed(points: readonly RegisterPoint[], address: number, length: number): RegisterPoint[] {
  return points
    .filter((point) => Math.max(point.address, point.factor ?? 0) < length + 2)
    .map((point) => ({
      ...point,
      address: point.address + address,
      ...(point.factor === undefined ? {} : { factor: point.factor + address }),
    }));
}

/** Common model (1): manufacturer, model, options, version, serial number, all text. */
function identityIn(body: Buffer): DeviceIdentity {
  const text = (register: number, registers: number) =>
    body
      .subarray(register * 2, (register + registers) * 2)
      .toString("latin1")
      .replace(/[^\x20-\x7e].*$/s, "")
      .trim();
  const found = {
    vendor: text(0, 16),
    model: text(16, 16),
    firmware: text(40, 8),
    meter_serial: text(48, 16),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ""));
}
