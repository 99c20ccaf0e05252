/** One connection against devices that send whatever they like. */
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { MeterFault } from "../../../src/stations/meters/fault.ts";
import { ModbusLine } from "../../../src/stations/meters/line.ts";
import { seeded } from "../../rules/allocation-cases.ts";

let server: Server | undefined;
let line: ModbusLine | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  line?.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server?.close(resolve));
});

async function lineTo(answer: (request: Buffer) => Buffer | null, timeoutMs: number): Promise<ModbusLine> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (request) => {
      const reply = answer(request);
      if (reply) socket.write(reply);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  line = new ModbusLine({
    host: "127.0.0.1",
    port,
    units: new Map([[1, timeoutMs]]),
    backoffMs: [0, 0],
  });
  return line;
}

const frame = (request: Buffer, ...pdu: number[]) => {
  const header = Buffer.from(request.subarray(0, 7));
  header.writeUInt16BE(pdu.length + 1, 4);
  return Buffer.concat([header, Buffer.from(pdu)]);
};
const read = (over: ModbusLine, count = 1) => over.read({ unit: 1, table: "holding", address: 0, count });

it("an exception that Modbus does not define ends the request, and not the process", async () => {
  let code = 77;
  const over = await lineTo(
    (request) => (code === 0 ? frame(request, 3, 2, 0, 42) : frame(request, 0x83, code)),
    2_000,
  );
  await expect(read(over)).rejects.toMatchObject({ name: "MeterFault", kind: "garbled" });
  code = 0;
  expect([...(await read(over))]).toEqual([0, 42]);
});

it("an answer with other registers than were asked for is none", async () => {
  const over = await lineTo((request) => frame(request, 3, 2, 0, 42), 2_000);
  await expect(read(over, 2)).rejects.toMatchObject({ kind: "garbled" });
});

it("whatever a device sends, each request ends with its registers or a fault, and good answers come through", async () => {
  const random = seeded(7);
  const byte = () => Math.floor(random() * 256);
  let isGood = false;
  const over = await lineTo((request) => {
    if (isGood) return frame(request, 3, 2, 0, 42);
    const body = Array.from({ length: Math.floor(random() * 30) }, byte);
    if (random() < 0.2) return Buffer.from(body);
    const reply = frame(request, random() < 0.3 ? 0x83 : random() < 0.3 ? byte() : 3, ...body);
    if (random() < 0.3) reply.writeUInt16BE(Math.floor(random() * 70), 4);
    if (random() < 0.1) reply[1] = byte();
    return reply;
  }, 10);
  for (let i = 0; i < 200; i++) {
    const ended = await read(over).catch((error: unknown) => error);
    if (ended instanceof Buffer) expect(ended).toHaveLength(2);
    else expect(ended).toBeInstanceOf(MeterFault);
  }
  expect(over.opened).toBeGreaterThan(20);
  isGood = true;
  await expect
    .poll(
      () =>
        read(over).then(
          (b) => [...b],
          () => null,
        ),
      { timeout: 10_000 },
    )
    .toEqual([0, 42]);
});
