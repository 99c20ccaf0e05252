/**
 * Whether the host's clock is known to follow a reference. The gateway does not measure time itself: it asks whoever
 * disciplines the clock, and says that it does not know where nobody does.
 */
import { execFile } from "node:child_process";
import { access } from "node:fs/promises";

/** True or false as the operating system says; null when it cannot tell. */
export type Synchronised = boolean | null;

/** How the operating system is asked. */
export interface ClockSources {
  /** The output of a command; rejects when it is missing, fails or takes too long. */
  run(command: string, args: readonly string[]): Promise<string>;
  exists(path: string): Promise<boolean>;
}

/** For an operator whose clock is not known to be right. */
export const CLOCK_FIX =
  "run systemd-timesyncd or chrony on the host (sessions priced by time are held until then); where something else keeps its clock right, set site.clock: trusted";

const PATIENCE_MS = 2_000;
/** systemd-timesyncd makes it once its clock has been set (systemd-timesyncd.service(8)). */
const TIMESYNC_FLAG = "/run/systemd/timesync/synchronized";

const HOST: ClockSources = {
  run: (command, args) =>
    new Promise((resolve, reject) => {
      execFile(command, args, { timeout: PATIENCE_MS }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
    }),
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
};

/** Asks timedatectl(1), else chronyc(1), else systemd-timesyncd's flag. Never rejects. */
export async function askClock(sources: ClockSources = HOST): Promise<Synchronised> {
  const asked = await sources
    .run("timedatectl", ["show", "-p", "NTPSynchronized", "--value"])
    .then(yesOrNo, () => null);
  if (asked !== null) return asked;
  const tracked = await sources.run("chronyc", ["-c", "tracking"]).then(leapStatus, () => null);
  if (tracked !== null) return tracked;
  return (await sources.exists(TIMESYNC_FLAG)) ? true : null;
}

function yesOrNo(output: string): Synchronised {
  const word = output.trim();
  return word === "yes" ? true : word === "no" ? false : null;
}

/** The last of chronyc's comma-separated fields; "Not synchronised" until it has a source. */
function leapStatus(output: string): Synchronised {
  const last = output.trim().split(",").at(-1) ?? "";
  if (last === "") return null;
  return last !== "Not synchronised";
}

const UNKNOWN = 0;
const YES = 1;
const NO = 2;

/** One word that the main thread writes and the ledger thread reads at its ticks. */
export type ClockState = SharedArrayBuffer;

export function clockState(synchronised: Synchronised): ClockState {
  const state = new SharedArrayBuffer(4);
  setClockState(state, synchronised);
  return state;
}

function setClockState(state: ClockState, synchronised: Synchronised): void {
  Atomics.store(new Int32Array(state), 0, synchronised === null ? UNKNOWN : synchronised ? YES : NO);
}

const ASK_MS = 60_000;

/** Keeps the state up to date, once a minute of wire time. */
export class ClockWatch {
  readonly state: ClockState;
  readonly #ask: (() => Promise<Synchronised>) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `trusted`: somebody vouches for the host's clock, and nobody is asked. */
  constructor(source: "ntp" | "trusted", ask: () => Promise<Synchronised> = askClock) {
    this.state = clockState(source === "trusted" ? true : null);
    this.#ask = source === "trusted" ? undefined : ask;
  }

  /** Resolves when the clock has been asked for the first time. */
  async start(): Promise<void> {
    const ask = this.#ask;
    if (!ask) return;
    const look = async () => setClockState(this.state, await ask());
    await look();
    this.#timer = setInterval(() => void look(), ASK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
