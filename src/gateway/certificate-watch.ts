/**
 * Certificates that end: those of the config, and those that stations came with. Each stage is an alert of its own,
 * raised once; a renewal clears it. Runs on real time, as certificates do.
 */
import type { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";
import { oneLine } from "../identity/certificates.ts";
import { certificatesIn } from "../identity/client-trust.ts";
import type { AlertBoard } from "../model/alert-board.ts";
import { EXPIRY_STAGES, expirySeverity, expiryStage } from "../rules/certificate-expiry.ts";

const LOOK_MS = 60 * 60_000;

/** A certificate that somebody has to renew in time. */
export interface Ending {
  /** The setting that names it, with its first eight digits where a file may hold several; or the station. */
  subject: string;
  notAfterMs: number;
  /** Whose it is, what happens when it ends, what to do. */
  what: string;
}

type Sources = readonly (readonly [setting: string, files: readonly string[], remedy: string])[];

/** Those that the config names. What cannot be read is left out: `check` and the door's own alert tell of it. */
export function configuredEndings({ mqtt, signer, upstream }: Config): Ending[] {
  const files = (file: string | undefined) => (file === undefined ? [] : [file]);
  const sources: Sources = [
    [
      "mqtt.tls.cert_file",
      files(mqtt.tls?.certFile),
      "stations then refuse to connect: laddport pki renew --server",
    ],
    [
      "mqtt.tls.client_ca_file",
      files(mqtt.tls?.clientCaFile),
      "station certificates of it then end too: laddport pki renew --ca",
    ],
    [
      "signer.cert_file",
      files(signer.certFile),
      "receivers may then refuse summaries: agree on a new one with them",
    ],
    [
      "upstream.ca_file",
      files(upstream?.caFile),
      "summaries are then kept, not sent: ask the receiver for a new one",
    ],
    [
      "upstream.recipient_cert_files",
      upstream?.recipientCertFiles ?? [],
      "summaries are then kept, not sealed: ask the recipient for a new one",
    ],
  ];
  return sources.flatMap(([setting, names, remedy]) => {
    const certs = names.flatMap(readable);
    // Of a server's file only the first: the rest is its chain, and named as an authority already.
    const own = setting === "mqtt.tls.cert_file" ? certs.slice(0, 1) : certs;
    return own.map((cert) => ({
      subject: certs.length > 1 && own.length > 1 ? `${setting}/${cert.serialNumber.slice(0, 8)}` : setting,
      notAfterMs: cert.validToDate.getTime(),
      what: `${setting} (${oneLine(cert.subject)}); ${remedy}`,
    }));
  });
}

function readable(file: string): X509Certificate[] {
  try {
    return certificatesIn(readFileSync(file));
  } catch {
    return [];
  }
}

export class CertificateWatch {
  readonly #configured: () => Ending[];
  readonly #stations: ReadonlySet<string>;
  readonly #alerts: AlertBoard;
  readonly #nowMs: () => number;
  readonly #seen = new Map<string, Ending>();
  #timer: NodeJS.Timeout | undefined;

  /** `stations`: who may come with a certificate. `nowMs`: real time. */
  constructor(
    configured: () => Ending[],
    stations: ReadonlySet<string>,
    alerts: AlertBoard,
    nowMs: () => number = Date.now,
  ) {
    this.#configured = configured;
    this.#stations = stations;
    this.#alerts = alerts;
    this.#nowMs = nowMs;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A station came with this certificate. The one that it came with last counts. */
  seen(station: string, certificate: X509Certificate): void {
    if (!this.#stations.has(station)) return;
    const ending = {
      subject: station,
      notAfterMs: certificate.validToDate.getTime(),
      what: `${station} (serial ${certificate.serialNumber}); it then cannot connect: laddport pki renew --station ${station}`,
    };
    this.#seen.set(station, ending);
    this.#tell(ending);
  }

  look(): void {
    const configured = this.#configured();
    const subjects = new Set([...configured.map(({ subject }) => subject), ...this.#stations]);
    for (const { id, kind, subject } of this.#alerts.active())
      if (kind === "certificate_expires" && !subjects.has(subject)) this.#alerts.clear(id);
    for (const ending of [...configured, ...this.#seen.values()]) this.#tell(ending);
  }

  #tell({ subject, notAfterMs, what }: Ending): void {
    const stage = expiryStage(notAfterMs, this.#nowMs());
    const id = (days: number) => `certificate_expires:${subject}:${days}`;
    for (const days of EXPIRY_STAGES) if (days !== stage) this.#alerts.clear(id(days));
    if (stage === undefined) return;
    const day = new Date(notAfterMs).toISOString().slice(0, 10);
    this.#alerts.raise({
      id: id(stage),
      kind: "certificate_expires",
      severity: expirySeverity(stage),
      subject,
      cause: `the certificate ${stage === 0 ? "ended" : "ends"} ${day}: ${what}`,
    });
  }
}

/** The watch of a gateway. */
export function certificateWatch(config: Config, alerts: AlertBoard): CertificateWatch {
  const stations = new Set([...config.stations, ...config.meters].map(({ id }) => id));
  return new CertificateWatch(() => configuredEndings(config), stations, alerts);
}
