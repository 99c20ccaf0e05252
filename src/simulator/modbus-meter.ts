/**
 * A Modbus TCP device with meters and contacts, which misbehaves on request. It speaks the protocol by itself, so that
 * it shares no mistake with the library that polls it (Modbus Messaging on TCP/IP Implementation Guide 1.0b).
 */
import { createServer, type Server, type Socket } from "node:net";
import type { RegisterMap } from "../model/register-map.ts";
import { type MeterTruth, type Registers, type RegisterWriting, registersOf } from "./modbus-registers.ts";

export interface SimulatedUnit extends RegisterWriting {
  map?: RegisterMap;
  /** What flows now. */
  truth?: () => MeterTruth;
  /** Coils and discrete inputs, by address. */
  bits?: () => ReadonlyMap<number, boolean>;
}

/** What goes wrong; a number is an exception code that every request gets. */
export type ModbusMischief =
  | "none"
  | "silent"
  | "garbage"
  | "wrong_unit"
  | "drops"
  | "frozen"
  | { exception: number }
  | { slowMs: number };

export interface ModbusMeter {
  /** Resolves to the port on 127.0.0.1. */
  start(port?: number): Promise<number>;
  stop(): Promise<void>;
  mischief: ModbusMischief;
  /** Requests so far: unit, function, address, count. */
  readonly requests: { unit: number; function: number; address: number; count: number }[];
  readonly connections: number;
}

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_COUNT = 3;
const NO_PATH = 10;
const HEADER = 7;

export function createModbusMeter(units: ReadonlyMap<number, SimulatedUnit>): ModbusMeter {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let connections = 0;
  const frozen = new Map<number, Registers>();
  const meter: ModbusMeter = {
    mischief: "none",
    requests: [],
    get connections() {
      return connections;
    },
    async start(port = 0) {
      server = createServer((socket) => {
        connections += 1;
        sockets.add(socket);
        serve(socket);
        socket.on("close", () => sockets.delete(socket));
        socket.on("error", () => undefined);
      });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
      await promise;
      return (server.address() as { port: number }).port;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
      server = undefined;
    },
  };
  return meter;

  function serve(socket: Socket): void {
    let waiting: Buffer = Buffer.alloc(0);
    socket.on("data", (data) => {
      waiting = Buffer.concat([waiting, data]);
      while (waiting.length >= HEADER && waiting.length >= 6 + waiting.readUInt16BE(4)) {
        const length = 6 + waiting.readUInt16BE(4);
        answer(socket, waiting.subarray(0, length));
        waiting = waiting.subarray(length);
      }
    });
  }

  function answer(socket: Socket, request: Buffer): void {
    const [unit = 0, code = 0] = request.subarray(6, 8);
    const address = request.readUInt16BE(8);
    const count = request.readUInt16BE(10);
    meter.requests.push({ unit, function: code, address, count });
    const { mischief } = meter;
    if (mischief === "silent") return;
    if (mischief === "drops") {
      socket.destroy();
      return;
    }
    if (mischief === "garbage") {
      socket.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".repeat(40));
      return;
    }
    const exception =
      typeof mischief === "object" && "exception" in mischief ? mischief.exception : undefined;
    const body = exception ?? bodyOf(unit, code, address, count);
    const pdu =
      typeof body === "number"
        ? Buffer.from([code | 0x80, body])
        : Buffer.concat([Buffer.from([code, body.length]), body]);
    const header = Buffer.alloc(HEADER);
    request.copy(header, 0, 0, 4);
    header.writeUInt16BE(pdu.length + 1, 4);
    header.writeUInt8(mischief === "wrong_unit" ? (unit + 1) & 0xff : unit, 6);
    const reply = Buffer.concat([header, pdu]);
    const delayMs = typeof mischief === "object" && "slowMs" in mischief ? mischief.slowMs : 0;
    if (delayMs === 0) socket.write(reply);
    else setTimeout(() => socket.destroyed || socket.write(reply), delayMs);
  }

  /** The data, or an exception code. */
  function bodyOf(id: number, code: number, address: number, count: number): Buffer | number {
    const unit = units.get(id);
    if (!unit) return NO_PATH;
    if (code === 1 || code === 2) {
      const bits = unit.bits?.();
      if (!bits) return ILLEGAL_FUNCTION;
      const bytes = Buffer.alloc(Math.ceil(count / 8));
      for (let i = 0; i < count; i++) {
        const bit = bits.get(address + i);
        if (bit === undefined) return ILLEGAL_ADDRESS;
        if (bit) bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7));
      }
      return bytes;
    }
    const { map, truth } = unit;
    if (!map || !truth || code !== (map.table === "holding" ? 3 : 4)) return ILLEGAL_FUNCTION;
    if (count < 1 || count > map.longest) return ILLEGAL_COUNT;
    const now = meter.mischief === "frozen" ? frozen.get(id) : undefined;
    const registers = now ?? registersOf(map, truth(), unit);
    frozen.set(id, registers);
    const bytes = Buffer.alloc(count * 2);
    // As real devices do: between its values it shows zeros, before the first and after the last it refuses.
    const [first, last] = [Math.min(...registers.keys()), Math.max(...registers.keys())];
    if (address < first || address + count - 1 > last) return ILLEGAL_ADDRESS;
    for (let i = 0; i < count; i++) bytes.writeUInt16BE(registers.get(address + i) ?? 0, i * 2);
    return bytes;
  }
}
