/** What the outbox thread needs from the config, secrets read. */
import { readFileSync } from "node:fs";
import { type Config, circuits, readSecret } from "../config.ts";
import { certificateFingerprint } from "../identity/certificates.ts";
import type { ClockOrigin } from "../model/clock.ts";
import type { InfluxTarget } from "../sinks/influx-target.ts";
import type { OutboxSettings, TimeSeries } from "./outbox.ts";

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
    meters: {
      ...Object.fromEntries(config.meters.map((m) => [m.id, null])),
      ...Object.fromEntries(circuits(config).flatMap((c) => (c.meter ? [[c.meter, c.limitA]] : []))),
    },
    timeSeries: timeSeries(config),
    upstream: upstreamOf(config),
    signer,
    kekFile: config.identity.kekFile,
    epoch,
  };
}

const WINDOW_MS = { raw: 10_000, "1m": 60_000, "15m": 900_000 } as const;

/** Names of the sinks that write time series. */
export function timeSeriesNames({ influx }: Pick<Config, "influx">): string[] {
  return influx ? ["influx", ...influx.aggregates.map(({ every }) => `influx_${every}`)] : [];
}

/** The raw series and each aggregate are sinks of their own: one that is late holds up no other. */
function timeSeries({ influx }: Config): TimeSeries[] {
  if (!influx) return [];
  const raw = { name: "influx", target: influxTarget(influx), windowMs: WINDOW_MS.raw };
  const aggregates = influx.aggregates.map(({ every, into }) => ({
    name: `influx_${every}`,
    target: influxTarget({ ...influx, bucket: into, database: into }),
    windowMs: WINDOW_MS[every],
  }));
  return [raw, ...aggregates];
}

function influxTarget(influx: NonNullable<Config["influx"]>): InfluxTarget {
  const { mode, url, database = "depot", org = "", bucket = "" } = influx;
  if (mode === "v2")
    return { mode, url, org, bucket, token: influx.tokenFile ? readSecret(influx.tokenFile) : "" };
  const { username, passwordFile } = influx;
  const login = username && passwordFile ? { username, password: readSecret(passwordFile) } : {};
  return mode === "v1" ? { mode, url, database, ...login } : { mode, url, ...login };
}

function upstreamOf(config: Config): OutboxSettings["upstream"] {
  const { upstream } = config;
  if (!upstream) return null;
  return {
    url: upstream.url,
    ...(upstream.username ? { username: upstream.username } : {}),
    ...(upstream.passwordFile ? { password: readSecret(upstream.passwordFile) } : {}),
    ...(upstream.caFile ? { caPem: readFileSync(upstream.caFile, "utf8") } : {}),
    profile: upstream.profile,
    recipients: {
      certPems: upstream.recipientCertFiles.map((file) => readFileSync(file, "utf8")),
      ...(upstream.escrowCertFile ? { escrowPem: readFileSync(upstream.escrowCertFile, "utf8") } : {}),
      revoked: upstream.revokedCerts,
    },
    ...(upstream.receiptCertFile ? { receiptCertsPem: readFileSync(upstream.receiptCertFile, "utf8") } : {}),
    keepDays: upstream.keepDays,
    intervalS: upstream.intervalS,
    maxCdrs: upstream.maxCdrs,
  };
}
