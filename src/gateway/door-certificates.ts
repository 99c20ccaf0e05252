/**
 * The TLS files of the broker, taken while it runs: when one of them changes, or when asked. Files that do not belong
 * together leave the old ones in force, and an alert says so.
 */
import { stat } from "node:fs/promises";
import type { Logger } from "pino";
import type { Alerts } from "../model/alert-board.ts";

const LOOK_MS = 2_000;

interface DoorCertificatesOptions {
  /** Everything that is read together. */
  files: readonly string[];
  /** Takes them. Throws when they are no good. */
  take(): void;
  /** Called after they were taken. */
  taken(): void;
  alerts: Alerts;
  log: Logger;
  /** Wire time between two looks at the files, ms. */
  everyMs?: number;
}

export class DoorCertificates {
  readonly #options: DoorCertificatesOptions;
  #timer: NodeJS.Timeout | undefined;
  /** What the files looked like when they were last taken, or tried. */
  #tried = "";
  #last = "";
  #looking = false;

  constructor(options: DoorCertificatesOptions) {
    this.#options = options;
  }

  /** What the broker was started with counts as taken. */
  async start(): Promise<void> {
    const { files, alerts, everyMs = LOOK_MS } = this.#options;
    alerts.clear(ALERT_ID);
    if (files.length === 0) return;
    this.#tried = this.#last = await look(files);
    this.#timer = setInterval(() => void this.#lookAgain(), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes the files as they are. False when they are no good, which an alert says. */
  async renew(): Promise<boolean> {
    const { files, take, taken, alerts, log } = this.#options;
    if (files.length === 0) return true;
    this.#tried = await look(files);
    try {
      take();
    } catch (error) {
      const cause = `the old certificates stay in force: ${(error as Error).message}`;
      log.error({ err: error }, "TLS files were not taken");
      alerts.clear(ALERT_ID);
      alerts.raise({
        id: ALERT_ID,
        kind: "certificates_unusable",
        severity: "critical",
        subject: "mqtt.tls",
        cause,
      });
      return false;
    }
    alerts.clear(ALERT_ID);
    log.info("TLS files taken");
    taken();
    return true;
  }

  /** A key and its certificate are two files: they are read once neither has changed for a turn. */
  async #lookAgain(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const seen = await look(this.#options.files);
    const isSettled = seen === this.#last;
    this.#last = seen;
    if (isSettled && seen !== this.#tried) await this.renew();
    this.#looking = false;
  }
}

const ALERT_ID = "certificates_unusable:mqtt.tls";

async function look(files: readonly string[]): Promise<string> {
  const seen = await Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ ino, mtimeNs, size }) => `${ino} ${mtimeNs} ${size}`,
        (error: NodeJS.ErrnoException) => String(error.code),
      ),
    ),
  );
  return seen.join(", ");
}
