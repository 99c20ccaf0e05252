/** What the outbox thread needs from the config, secrets read. */
import { readFileSync } from "node:fs";
import { type Config, circuits, readSecret } from "../config.ts";
import { certificateFingerprint } from "../identity/certificates.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { InfluxTarget } from "../sinks/influx-target.ts";
import type { OutboxSettings } from "./outbox.ts";

export function outboxSettings(
  config: Config,
  dir: string,
  clock: ClockOrigin,
  epoch: number,
): OutboxSettings {
  const signer = {
    certPem: readFileSync(config.signer.certFile, "utf8"),
    keyPem: readFileSync(config.signer.keyFile, "utf8"),
  };
  return {
    site: config.site.id,
    gateway: certificateFingerprint(signer.certPem).slice(0, 16),
    dir,
    clock,
    meters: Object.fromEntries(circuits(config).flatMap((c) => (c.meter ? [[c.meter, c.limitA]] : []))),
    influx: influxTarget(config),
    upstream: upstreamOf(config),
    signer,
    epoch,
  };
}

function influxTarget(config: Config): InfluxTarget | null {
  const { influx } = config;
  if (!influx) return null;
  const token = influx.tokenFile ? readSecret(influx.tokenFile) : "";
  if (influx.mode === "v1") return { mode: "v1", url: influx.url, database: influx.database ?? "depot" };
  if (influx.mode === "victoria") return { mode: "victoria", url: influx.url };
  return { mode: "v2", url: influx.url, org: influx.org ?? "", bucket: influx.bucket ?? "", token };
}

function upstreamOf(config: Config): OutboxSettings["upstream"] {
  const { upstream } = config;
  if (!upstream) return null;
  return {
    url: upstream.url,
    ...(upstream.username ? { username: upstream.username } : {}),
    ...(upstream.passwordFile ? { password: readSecret(upstream.passwordFile) } : {}),
    ...(upstream.caFile ? { caPem: readFileSync(upstream.caFile, "utf8") } : {}),
    recipientPems: upstream.recipientCertFiles.map((file) => readFileSync(file, "utf8")),
    intervalS: upstream.intervalS,
    maxCdrs: upstream.maxCdrs,
  };
}
