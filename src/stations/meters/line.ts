/**
 * One TCP connection to a Modbus device or gateway, shared by all units behind it. One request is in flight at a time:
 * many devices lose or mix up what comes faster, and an RS485 bus has one request anyway. It is opened when somebody
 * reads, and after a failure not before its back-off is over. Runs on wire time.
 */
import { EventEmitter } from "node:events";
import { Socket } from "node:net";
import { ModbusTCPClient } from "jsmodbus";
import { connectFault, exceptionFault, MeterFault } from "./fault.ts";

export type Table = "holding" | "input" | "coil" | "discrete";

export interface ReadRequest {
  unit: number;
  table: Table;
  address: number;
  count: number;
}

export interface LineOptions {
  host: string;
  port: number;
  /** Ids behind this connection, each with how long it may take to answer, ms. */
  units: ReadonlyMap<number, number>;
  connectTimeoutMs?: number;
  /** First and longest wait after a connection failed. */
  backoffMs?: readonly [number, number];
}

/** A device that leaves so many requests in a row unanswered has lost the connection, whatever TCP thinks. */
const SILENT_MOST = 3;
/** Nothing that is asked for is longer than an ADU (260 bytes): more is not Modbus. */
const MOST_BYTES = 1_024;
const BACKOFF_MS = [500, 15_000] as const;
const CONNECT_MS = 3_000;
const WORDS: Record<Table, string> = {
  holding: "holding registers",
  input: "input registers",
  coil: "coils",
  discrete: "discrete inputs",
};

export class ModbusLine {
  readonly place: string;
  readonly #options: LineOptions;
  #socket: Socket | undefined;
  #clients = new Map<number, ModbusTCPClient>();
  /** The last request of the queue. */
  #tail: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #silent = 0;
  #bytes = 0;
  #isGarbled = false;
  #notBeforeMs = 0;
  #lastFault: MeterFault | undefined;
  #isClosed = false;
  /** Connections opened so far. */
  opened = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    const { host, port } = options;
    this.place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  /** The registers, two bytes each as on the wire; of bits one byte each, 0 or 1. Rejects with a MeterFault. */
  read(request: ReadRequest): Promise<Buffer> {
    const answer = this.#tail.then(() => this.#read(request));
    this.#tail = answer.catch(() => undefined);
    return answer;
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  async #read({ unit, table, address, count }: ReadRequest): Promise<Buffer> {
    if (this.#isClosed) throw this.#closed();
    if (!this.#socket) await this.#connect();
    const client = this.#clients.get(unit);
    if (!client) throw new Error(`unit ${unit} is not known to the line ${this.place}`);
    this.#bytes = 0;
    this.#isGarbled = false;
    const what = `${this.place} unit ${unit}, ${count} ${WORDS[table]} from ${address}`;
    let answer: Buffer;
    try {
      answer = await ask(client, table, address, count);
    } catch (error) {
      throw this.#faultOf(error, what, unit);
    }
    if (answer.length !== count * (table === "holding" || table === "input" ? 2 : 1))
      throw this.#failed(garbled(`${what}: the answer has ${answer.length} bytes`));
    this.#silent = 0;
    this.#failures = 0;
    return answer;
  }

  #faultOf(error: unknown, what: string, unit: number): MeterFault {
    const { err, response } = error as { err?: string; response?: { body?: { code?: number } } };
    const timeoutMs = this.#options.units.get(unit);
    if (err === "ModbusException") {
      this.#silent = 0;
      this.#failures = 0;
      return exceptionFault(response?.body?.code ?? 0, what);
    }
    if (err === "Timeout") {
      this.#silent += 1;
      const fault = new MeterFault(
        "silent",
        `${what}: no answer within ${timeoutMs} ms`,
        "Check `unit` (the device's Modbus address); behind a gateway also the RS485 wires, baud rate and parity.",
      );
      return this.#silent < SILENT_MOST ? fault : this.#failed(fault);
    }
    if (err === "Offline" && !this.#isGarbled) return this.#failed(this.#closed());
    if (err === "OutOfSync")
      return this.#failed(
        new MeterFault(
          "silent",
          `${what}: the answer came later than ${timeoutMs} ms`,
          "Write a longer `timeout_s`, or poll less often.",
        ),
      );
    return this.#failed(garbled(`${what}: the answer is not Modbus TCP`));
  }

  #closed(): MeterFault {
    return new MeterFault(
      "closed",
      `${this.place} closed the connection`,
      "See who else is connected: many devices take one or two connections only.",
    );
  }

  async #connect(): Promise<void> {
    if (performance.now() < this.#notBeforeMs && this.#lastFault) throw this.#lastFault;
    const { host, port, units, connectTimeoutMs = CONNECT_MS } = this.#options;
    const socket = new Socket();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    // A unit's client is there from the start: it learns from the event that the connection is open.
    const wire = new Wire(socket);
    this.#clients = new Map(
      [...units].map(([unit, ms]) => [unit, new ModbusTCPClient(wire.asSocket(), unit, ms)]),
    );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(connectFault("ETIMEDOUT", this.place)), connectTimeoutMs);
    socket.once("connect", () => {
      wire.emit("connect");
      resolve();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => reject(connectFault(error.code, this.place)));
    socket.on("close", () => {
      reject(this.#closed());
      if (this.#socket === socket) this.#socket = undefined;
      wire.emit("close");
    });
    socket.on("data", (data) => {
      this.#bytes += data.length;
      // Whoever sends more than anything that is asked for is no Modbus device.
      if (this.#bytes <= MOST_BYTES && wire.takes(data)) return;
      this.#isGarbled = true;
      socket.destroy();
    });
    this.#socket = socket;
    socket.connect({ host, port });
    try {
      await promise;
      this.opened += 1;
      this.#silent = 0;
    } catch (error) {
      throw this.#failed(error as MeterFault);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection; the next one waits, longer each time, and not in step with others. */
  #failed(fault: MeterFault): MeterFault {
    this.#drop();
    this.#lastFault = fault;
    const [first, longest] = this.#options.backoffMs ?? BACKOFF_MS;
    const waitMs = Math.min(longest, first * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#notBeforeMs = performance.now() + waitMs * (0.75 + Math.random() / 2);
    return fault;
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }
}

/** What the library takes for its socket: an answer that makes it throw ends the connection, and not the process. */
class Wire extends EventEmitter {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    // Each unit listens on its own.
    this.setMaxListeners(0);
  }

  /** It uses no more of a socket than its events and `write`. */
  asSocket(): Socket {
    return this as unknown as Socket;
  }

  write(data: Buffer, done: (error?: Error | null) => void): boolean {
    return this.#socket.write(data, done);
  }

  /** False: the library made nothing of it. */
  takes(data: Buffer): boolean {
    try {
      this.emit("data", data);
      return true;
    } catch {
      return false;
    }
  }
}

async function ask(client: ModbusTCPClient, table: Table, address: number, count: number): Promise<Buffer> {
  switch (table) {
    case "holding":
      return (await client.readHoldingRegisters(address, count)).response.body.valuesAsBuffer;
    case "input":
      return (await client.readInputRegisters(address, count)).response.body.valuesAsBuffer;
    case "coil":
      return bits((await client.readCoils(address, count)).response.body.valuesAsArray, count);
    case "discrete":
      return bits((await client.readDiscreteInputs(address, count)).response.body.valuesAsArray, count);
  }
}

/** Bits come in whole bytes, so there may be more than were asked for. */
const bits = (values: ArrayLike<unknown>, count: number) =>
  Buffer.from(Array.from(values).slice(0, count).map(Number));

function garbled(message: string): MeterFault {
  return new MeterFault(
    "garbled",
    message,
    "Check that `port` is Modbus TCP, and not Modbus RTU over TCP or another service.",
  );
}
