/** Where stations are let in: what the config says, and the addresses that came of it. */
import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";
import type { BrokerOptions, TlsFiles } from "../stations/broker.ts";
import type { Listening } from "./gateway.ts";

export function listenOptions(config: Config): BrokerOptions["listen"] {
  const { tcp, tls, ws } = config.mqtt;
  // Flows always need a door on loopback; stations may have none but TLS.
  const door = tcp ?? (config.flows?.enabled ? { host: "127.0.0.1", port: 0 } : undefined);
  return {
    ...(door ? { tcp: door } : {}),
    ...(ws ? { ws } : {}),
    ...(tls ? { tls: { ...tls.listen, ...tlsFiles(config), requireClientCert: tls.requireClientCert } } : {}),
  };
}

/** Whose change is news to the broker. */
export function tlsFileNames({ mqtt: { tls } }: Config): string[] {
  return [tls?.certFile, tls?.keyFile, tls?.clientCaFile, tls?.crlFile].filter((file) => file !== undefined);
}

/** As they are on disk. Throws when the config has no TLS, or one cannot be read. */
export function tlsFiles({ mqtt: { tls } }: Config): TlsFiles {
  if (!tls) throw new Error("mqtt.tls is not configured");
  return {
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    ...(tls.clientCaFile ? { ca: readFileSync(tls.clientCaFile) } : {}),
    ...(tls.crlFile ? { crl: readFileSync(tls.crlFile) } : {}),
  };
}

/** The doors of stations as URLs; `ports` are those that the broker got. */
export function urlsOf(config: Config, ports: { tcp?: number; tls?: number; ws?: number }): Listening {
  const { tcp, tls, ws } = config.mqtt;
  return {
    ...(tcp && ports.tcp ? { mqtt: `mqtt://${tcp.host}:${ports.tcp}` } : {}),
    ...(tls && ports.tls ? { mqtts: `mqtts://${tls.listen.host}:${ports.tls}` } : {}),
    ...(ws && ports.ws ? { ws: `ws://${ws.host}:${ports.ws}` } : {}),
  };
}
