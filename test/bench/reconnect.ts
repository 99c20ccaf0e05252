/**
 * A depot that comes back at once: every station with its own certificate (mutual TLS, P-256) drops its connection and
 * connects again, all in the same moment. A round ends with the last CONNACK 0; whatever ends otherwise is a failure,
 * for nothing is tried twice. The stations share a process of their own.
 * Options: --stations N (1000), --rounds N (5), --tls 1.2|1.3 (1.3), --rsa (RSA-2048 station keys).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { parseArgs } from "node:util";
import * as mqtt from "mqtt-packet";
import { freePorts } from "../../src/gateway/free-port.ts";
import { type Credentials, issueCertificate } from "../../src/identity/certificates.ts";
import { demoDepot, removeDepot } from "../faults/gateway-process.ts";
import { cpuSeconds, median, Program, rssMb } from "./processes.ts";

const { values } = parseArgs({
  options: {
    stations: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    tls: { type: "string", default: "1.3" },
    rsa: { type: "boolean", default: false },
    clients: { type: "string" },
  },
});
const TARGET_MS = 10_000;

interface Fleet {
  port: number;
  ca: string;
  stations: (Credentials & { id: string })[];
}

interface Round {
  ms: number;
  failures: Record<string, number>;
}

async function bench(): Promise<void> {
  const stations = Number(values.stations);
  const depot = await demoDepot({ stations });
  const secrets = join(dirname(depot.config), "secrets");
  const text = (name: string) => readFileSync(join(secrets, name), "utf8");
  const issuer = { keyPem: text("ca.key"), certPem: text("ca.pem") };
  const server = issueCertificate({ name: "depot", purpose: "server", hosts: ["127.0.0.1"], issuer });
  writeFileSync(join(secrets, "mqtt.key"), server.keyPem, { mode: 0o600 });
  writeFileSync(join(secrets, "mqtt.pem"), server.certPem);
  const [port = 0] = await freePorts(1);
  const tls = `tls: {listen: "127.0.0.1:${port}", cert_file: secrets/mqtt.pem, key_file: secrets/mqtt.key, client_ca_file: secrets/ca.pem, crl_file: pki/crl.pem, require_client_cert: true}`;
  writeFileSync(depot.config, readFileSync(depot.config, "utf8").replace(/^mqtt:\n/m, `mqtt:\n  ${tls}\n`));
  const keyType = values.rsa ? ("rsa2048" as const) : ("p256" as const);
  const fleet: Fleet = {
    port,
    ca: issuer.certPem,
    stations: [...depot.passwords.keys()].map((id) => ({
      id,
      ...issueCertificate({ name: id, purpose: "client", issuer, keyType }),
    })),
  };
  const file = join(depot.dir, "fleet.json");
  writeFileSync(file, JSON.stringify(fleet), { mode: 0o600 });
  const run = ["src/cli.ts", "run", "--config", depot.config, "--data", depot.data];
  const gateway = new Program([process.execPath, ...run], { env: { LADDPORT__FLOWS__ENABLED: "false" } });
  try {
    await gateway.says(/gateway up/);
    const cpu = cpuSeconds(gateway.pid);
    const again = [...process.argv.slice(1), "--clients", file];
    const clients = new Program([process.execPath, ...again]);
    const [, found = ""] = await clients.says(/rounds (\[.*\])/, 300_000);
    const rounds = JSON.parse(found) as Round[];
    const times = rounds.map(({ ms }) => ms);
    const failed = rounds.flatMap(({ failures }) => Object.values(failures)).reduce((a, b) => a + b, 0);
    const report = {
      stations,
      rounds: times,
      median_ms: median(times),
      worst_ms: Math.max(...times),
      failures: rounds.map(({ failures }) => failures).filter((f) => Object.keys(f).length > 0),
      gateway_cpu_s: Math.round((cpuSeconds(gateway.pid) - cpu) * 10) / 10,
      gateway_rss_mb: Math.round(rssMb(gateway.pid)),
      target_ms: TARGET_MS,
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    if (failed > 0 || report.worst_ms > TARGET_MS) process.exitCode = 1;
    await clients.stop();
  } finally {
    await gateway.stop();
    removeDepot(depot);
  }
}

async function storm(file: string): Promise<void> {
  const fleet = JSON.parse(readFileSync(file, "utf8")) as Fleet;
  const rounds: Round[] = [];
  for (let i = 0; i < Number(values.rounds); i += 1) {
    const from = performance.now();
    const failures: Record<string, number> = {};
    const sockets = await Promise.all(
      fleet.stations.map((station) =>
        enter(fleet, station).catch((error: NodeJS.ErrnoException) => {
          const why = error.code ?? error.message;
          failures[why] = (failures[why] ?? 0) + 1;
          return undefined;
        }),
      ),
    );
    rounds.push({ ms: Math.round(performance.now() - from), failures });
    for (const socket of sockets) socket?.destroy();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  process.stdout.write(`rounds ${JSON.stringify(rounds)}\n`);
}

/** Resolves with CONNACK 0. */
function enter({ port, ca }: Fleet, { id, keyPem, certPem }: Fleet["stations"][number]): Promise<TLSSocket> {
  const hello = { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true } as const;
  return new Promise((resolve, reject) => {
    const version = values.tls === "1.2" ? "TLSv1.2" : "TLSv1.3";
    const socket = connect(
      { host: "127.0.0.1", port, ca, key: keyPem, cert: certPem, minVersion: version, maxVersion: version },
      () => socket.write(mqtt.generate({ ...hello, clientId: id, keepalive: 60 })),
    );
    socket.setNoDelay(true);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("data", (connack: Buffer) => {
      if (connack[0] === 0x20 && connack[3] === 0) resolve(socket);
      else reject(new Error(`CONNACK ${connack[3]}`));
    });
  });
}

if (values.clients) await storm(values.clients);
else await bench();
