/** Where stations are let in: what the config says, and the addresses that came of it. */
import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";
import type { BrokerOptions } from "../stations/broker.ts";
import type { Listening } from "./gateway.ts";

export function listenOptions(config: Config): BrokerOptions["listen"] {
  const { tcp, tls, ws } = config.mqtt;
  // Flows always need a door on loopback; stations may have none but TLS.
  const door = tcp ?? (config.flows?.enabled ? { host: "127.0.0.1", port: 0 } : undefined);
  return {
    ...(door ? { tcp: door } : {}),
    ...(ws ? { ws } : {}),
    ...(tls
      ? {
          tls: {
            ...tls.listen,
            cert: readFileSync(tls.certFile),
            key: readFileSync(tls.keyFile),
            ...(tls.clientCaFile ? { ca: readFileSync(tls.clientCaFile) } : {}),
          },
        }
      : {}),
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
