/** A real TLS client: `openssl s_client`, which sends an MQTT CONNECT when the handshake is done. */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as mqtt from "mqtt-packet";
import type { Credentials } from "../../src/identity/certificates.ts";

export interface Login {
  clientId: string;
  username?: string;
  password?: string;
}

export interface Outcome {
  /** CONNACK's return code; undefined when none came. */
  connack: number | undefined;
  /** What openssl says of the handshake. */
  talk: string;
}

const PATIENCE_MS = 10_000;

/** Resolves when CONNACK came or the connection ended. */
export function sClient(port: number, args: readonly string[], login: Login): Promise<Outcome> {
  const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-quiet", ...args]);
  const hello = mqtt.generate({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: login.clientId,
    ...(login.username ? { username: login.username } : {}),
    ...(login.password ? { password: Buffer.from(login.password) } : {}),
  });
  child.stdin.on("error", () => undefined);
  child.stdin.write(hello);
  let talk = "";
  let bytes = Buffer.alloc(0);
  child.stderr.on("data", (chunk) => {
    talk += chunk;
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill(), PATIENCE_MS);
    child.stdout.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 4) child.kill();
    });
    child.once("close", () => {
      clearTimeout(timer);
      resolve({ connack: bytes[0] === 0x20 ? bytes[3] : undefined, talk });
    });
  });
}

/** Writes a key and its certificate for `-key` and `-cert`. */
export async function clientFiles(dir: string, name: string, made: Credentials): Promise<string[]> {
  const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
  await writeFile(key, made.keyPem, { mode: 0o600 });
  await writeFile(cert, made.certPem);
  return ["-key", key, "-cert", cert];
}
