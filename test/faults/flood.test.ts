/** Strangers that pour bytes into every door: each is cut at 4 KiB, and the gateway's memory stays where it was. */
import { readFileSync, writeFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { freePorts } from "../../src/gateway/free-port.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { rssMb } from "../bench/processes.ts";
import { type DemoDepot, demoDepot, GatewayProcess, removeDepot } from "./gateway-process.ts";

const SOCKETS = 20;
/** What is not cut at 4 KiB is hundreds of megabytes within a second. */
const FLOOD_MS = process.env.DEEP === "1" ? 8_000 : 2_500;
const CHUNK = Buffer.alloc(64 * 1024, 0x61);
/** A CONNECT that announces 50 MB. */
const HALF_CONNECT = Buffer.from([0x10, 0x80, 0xe1, 0xeb, 0x17]);

/** Adds a TLS door. Resolves to its port. */
async function withTls(depot: DemoDepot): Promise<number> {
  const secrets = join(dirname(depot.config), "secrets");
  const issuer = {
    keyPem: readFileSync(join(secrets, "ca.key"), "utf8"),
    certPem: readFileSync(join(secrets, "ca.pem"), "utf8"),
  };
  const server = issueCertificate({ name: "depot", purpose: "server", hosts: ["127.0.0.1"], issuer });
  writeFileSync(join(secrets, "mqtt.key"), server.keyPem, { mode: 0o600 });
  writeFileSync(join(secrets, "mqtt.pem"), server.certPem);
  const [port = 0] = await freePorts(1);
  const tls = `tls: {listen: "127.0.0.1:${port}", cert_file: secrets/mqtt.pem, key_file: secrets/mqtt.key, client_ca_file: secrets/ca.pem}`;
  writeFileSync(depot.config, readFileSync(depot.config, "utf8").replace(/^mqtt:\n/m, `mqtt:\n  ${tls}\n`));
  return port;
}

/** Floods until `stop`, with a new socket for each that is cut. */
class Flood {
  sent = 0;
  cut = 0;
  #on = true;
  readonly #sockets = new Set<Socket>();
  readonly #open: () => Socket;
  readonly #ready: "connect" | "secureConnect";

  constructor(open: () => Socket, ready: "connect" | "secureConnect", first: Buffer) {
    this.#open = open;
    this.#ready = ready;
    for (let i = 0; i < SOCKETS; i += 1) this.#one(first);
  }

  #one(first: Buffer): void {
    if (!this.#on) return;
    const socket = this.#open();
    this.#sockets.add(socket);
    const pour = () => {
      while (this.#on && socket.writable && socket.write(CHUNK)) this.sent += CHUNK.length;
    };
    socket.on("error", () => undefined);
    socket.once(this.#ready, () => {
      socket.write(first);
      pour();
    });
    socket.on("drain", pour);
    socket.once("close", () => {
      this.cut += 1;
      this.#sockets.delete(socket);
      setTimeout(() => this.#one(first), 5);
    });
  }

  stop(): void {
    this.#on = false;
    for (const socket of this.#sockets) socket.destroy();
  }
}

test.skipIf(process.platform !== "linux")(
  "20 unauthenticated sockets that flood the plain and the TLS door raise the memory by at most 50 MB",
  async () => {
    const depot = await demoDepot({ stations: 4 });
    const tls = await withTls(depot);
    const gateway = GatewayProcess.of(depot);
    await gateway.start();
    try {
      const plain = () => connectTcp({ host: "127.0.0.1", port: depot.port });
      const secure = () => connectTls({ host: "127.0.0.1", port: tls, rejectUnauthorized: false });
      const kinds = [
        ["half CONNECT, plain", plain, "connect", HALF_CONNECT],
        ["half CONNECT, TLS", secure, "secureConnect", HALF_CONNECT],
        [
          "garbage in place of a handshake",
          () => connectTcp({ host: "127.0.0.1", port: tls }),
          "connect",
          CHUNK,
        ],
      ] as const;
      // What the first connections of each kind load is there before they are weighed.
      for (const [, open, ready, first] of kinds) await flood(open, ready, first, 500);
      const figures: string[] = [];
      for (const [name, open, ready, first] of kinds) {
        const before = rssMb(gateway.pid);
        const { highest, cut, sent } = await flood(open, ready, first, FLOOD_MS, gateway.pid);
        figures.push(
          `${name}: +${(highest - before).toFixed(1)} MB, ${cut} cut, ${(sent / 2 ** 20).toFixed(0)} MB sent`,
        );
        expect(highest - before, figures.join("\n")).toBeLessThanOrEqual(50);
        expect(cut).toBeGreaterThanOrEqual(SOCKETS);
      }
      process.stdout.write(`${figures.join("\n")}\n`);
      const health = await fetch(`${depot.apiUrl}/health`);
      expect(health.ok).toBe(true);
    } finally {
      await gateway.kill();
      removeDepot(depot);
    }
  },
);

async function flood(
  open: () => Socket,
  ready: "connect" | "secureConnect",
  first: Buffer,
  ms: number,
  pid?: number,
): Promise<{ highest: number; cut: number; sent: number }> {
  const run = new Flood(open, ready, first);
  let highest = 0;
  for (const until = performance.now() + ms; performance.now() < until; ) {
    if (pid) highest = Math.max(highest, rssMb(pid));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  run.stop();
  return { highest, cut: run.cut, sent: run.sent };
}
