/** Reads all values of one meter: finds its registers once a connection, then reads them in few requests. */
import { pointsOf, type RegisterMap, type RegisterPoint } from "../../model/register-map.ts";
import { type RegisterRead, registerReads } from "../../rules/register-reads.ts";
import { type PointValue, pointValue, type RegistersAt } from "../../rules/register-values.ts";
import { MeterFault, NO_SUCH_REGISTER } from "./fault.ts";
import type { ModbusLine } from "./line.ts";
import { type DeviceIdentity, findModel } from "./sunspec.ts";

export interface MeterPoll {
  values: PointValue[];
  /** Every register as read: equal strings, equal registers. */
  registers: string;
}

export class MeterReader {
  readonly #line: ModbusLine;
  readonly #unit: number;
  readonly #map: RegisterMap;
  readonly #instance: number;
  #reads: RegisterRead[] | undefined;
  #points: readonly RegisterPoint[] = [];
  /** Of which connection the layout is; the device may be another one after the next. */
  #connection = -1;
  #identity: DeviceIdentity = {};
  #model: number | undefined;

  constructor(line: ModbusLine, unit: number, map: RegisterMap, instance = 1) {
    this.#line = line;
    this.#unit = unit;
    this.#map = map;
    this.#instance = instance;
  }

  get identity(): DeviceIdentity {
    return this.#identity;
  }

  /** SunSpec model that was found. */
  get model(): number | undefined {
    return this.#model;
  }

  /** Rejects with a MeterFault. */
  async poll(): Promise<MeterPoll> {
    let reads = await this.#layout();
    const answers = new Map<RegisterRead, Buffer>();
    for (const read of reads) {
      try {
        answers.set(read, await this.#read(this.#map.table, read.address, read.count));
      } catch (error) {
        const isLacking =
          error instanceof MeterFault && error.exception === NO_SUCH_REGISTER && read.optional;
        if (!isLacking) throw error;
        reads = reads.filter((other) => other !== read);
        this.#reads = reads;
      }
    }
    const at: RegistersAt = (address, count) => {
      for (const [read, bytes] of answers)
        if (address >= read.address && address + count <= read.address + read.count)
          return Array.from({ length: count }, (_, i) =>
            bytes.readUInt16BE((address - read.address + i) * 2),
          );
      return undefined;
    };
    return {
      values: this.#points.map((point) => pointValue(point, at, this.#map.words)),
      registers: [...answers.values()].map((bytes) => bytes.toString("latin1")).join(""),
    };
  }

  async #layout(): Promise<RegisterRead[]> {
    if (this.#reads && this.#connection === this.#line.opened) return this.#reads;
    const { sunspec } = this.#map;
    if (sunspec) {
      const found = await findModel(
        (address, count) => this.#read("holding", address, count),
        sunspec,
        this.#instance,
      );
      this.#points = found.points;
      this.#identity = found.identity;
      this.#model = found.model;
    } else this.#points = pointsOf(this.#map);
    this.#reads = registerReads(this.#points, this.#map);
    this.#connection = this.#line.opened;
    return this.#reads;
  }

  #read(table: RegisterMap["table"], address: number, count: number): Promise<Buffer> {
    return this.#line.read({ unit: this.#unit, table, address, count });
  }
}
