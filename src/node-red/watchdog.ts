/** Looks at a running child and says when it must end: no heartbeat, too much memory, too much on the disk. */
import { folderBytes, freeBytes, processorMs, residentBytes } from "./usage.ts";

/** Wire time throughout: a hung flow is hung at any depot speed. */
export interface WatchLimits {
  /** Longest silence while flows run, ms. */
  silenceMs: number;
  /** Longest start, ms: the first flow must be starting by then. */
  startMs: number;
  residentMb: number;
  /** Largest size of the flows' folder. */
  scratchMb: number;
  /** Least space left on its file system. */
  freeMb: number;
}

export type Complaint = "start_timeout" | "no_heartbeat" | "memory" | "scratch_size" | "free_space";

const LOOK_MS = 250;
/** However little processor time it got, a child silent for this many times the limit is ended. */
const STARVED_FACTOR = 5;
const WEIGH_MS = 1_000;
const MIB = 1_048_576;

export interface Watchdog {
  beat(): void;
  /** From here on silence counts as a hang. */
  ready(): void;
  stop(): void;
}

/** Starts to watch. `complain` is called at most once. `scratch` says whether the folder's size counts. */
export function watch(
  pid: number,
  folder: string,
  limits: WatchLimits,
  scratch: boolean,
  complain: (what: Complaint) => void,
): Watchdog {
  const startedAt = performance.now();
  let beatAt = startedAt;
  let lookedAt = startedAt;
  let workAtBeat = 0;
  let isReady = false;
  let over = false;
  let weighing = false;

  const stop = () => {
    over = true;
    clearInterval(looking);
    clearInterval(weighingTimer);
  };
  const say = (what: Complaint) => {
    if (over) return;
    stop();
    complain(what);
  };

  const look = async () => {
    const now = performance.now();
    // When this process was late itself, heartbeats may still wait in the pipe: give the child a new period.
    if (now - lookedAt > 3 * LOOK_MS) beatAt = now;
    lookedAt = now;
    const [since, allowed] = isReady ? [beatAt, limits.silenceMs] : [startedAt, limits.startMs];
    const silence = now - since;
    if (isReady && silence < LOOK_MS * 2) {
      workAtBeat = (await processorMs(pid)) ?? 0;
      return;
    }
    if (silence < allowed) return;
    // A hung loop burns processor time. A child that got none is waiting for its turn on a busy machine.
    const work = await processorMs(pid);
    const starved =
      work !== undefined && work - workAtBeat < allowed / 2 && silence < allowed * STARVED_FACTOR;
    if (!starved && since === (isReady ? beatAt : startedAt)) say(isReady ? "no_heartbeat" : "start_timeout");
  };

  const weigh = async () => {
    if (weighing) return;
    weighing = true;
    try {
      if (((await residentBytes(pid)) ?? 0) > limits.residentMb * MIB) return say("memory");
      if ((await freeBytes(folder)) < limits.freeMb * MIB) return say("free_space");
      if (scratch && (await folderBytes(folder)) > limits.scratchMb * MIB) return say("scratch_size");
    } catch {
      // The folder can't be read just now; the next look decides.
    } finally {
      weighing = false;
    }
  };

  const looking = setInterval(() => void look(), LOOK_MS);
  const weighingTimer = setInterval(() => void weigh(), WEIGH_MS);
  return {
    beat: () => {
      beatAt = performance.now();
    },
    ready: () => {
      if (!isReady) beatAt = performance.now();
      isReady = true;
    },
    stop,
  };
}
