/**
 * Supervises Node-RED: flows may hang, crash, run out of memory or fill their folder, and charging and billing go on.
 * A child that fails is started again, later each time; after three failures within a minute it starts in safe mode
 * (flows loaded, not started) so that they can be repaired in the editor.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, type EditorAccess, launchChild, NOBODY } from "./node-red/child.ts";
import type { ControlLine } from "./node-red/control-line.ts";
import {
  buildPalette,
  endOrphans,
  findGround,
  type Ground,
  giveTo,
  prepareUserDir,
  whyUnreachable,
} from "./node-red/ground.ts";
import type { FlowsLog } from "./node-red/output.ts";
import { freeBytes } from "./node-red/usage.ts";
import { type Watchdog, type WatchLimits, watch } from "./node-red/watchdog.ts";

/** `starting` until flows run; `restarting` between a failure and the next start. */
export type FlowsState = "stopped" | "starting" | "up" | "safe_mode" | "restarting";

/** How far flows are kept from the gateway: by an own user as well, or by Node's permission model alone. */
export type Isolation = "own_user" | "permission_model";

export interface FlowsOptions {
  /**
   * Node-RED's own folder, made when missing. For isolation by an own user every folder above it must be passable for
   * others (mode 0711 will do).
   */
  userDir: string;
  mqtt: { url: string; site: string; username: string; password: string };
  /** Of the editor, on 127.0.0.1; 0 takes a free one. */
  port: number;
  /** MiB of heap; resident memory may reach 192 MiB more. */
  memoryMb: number;
  /** The editor's own user: `scrypt$N$r$p$salt$hash` or bcrypt. */
  admin?: { username: string; passwordHash: string } | undefined;
  /** Whether a user of the gateway may in with a code that is good once; absent: none may. */
  editorAccess?(name: string, code: string): EditorAccess | undefined;
  /** Encrypts what flows store as credentials; losing it loses those. */
  credentialSecret: string;
  /** Of status texts; the editor follows the browser. */
  language?: "en-US" | "sv" | "de";
  log: FlowsLog;
  onState?(state: FlowsState, reason: string): void;
  limits?: Partial<SupervisionLimits>;
  /** Where the parts are, when not beside this file. */
  settingsFile?: string;
  flowFile?: string;
  nodeModulesDir?: string;
}

/** All wire time. */
export interface SupervisionLimits extends WatchLimits {
  stopMs: number;
  /** First wait before a restart; doubled by each failure, up to `backoffMaxMs`. */
  backoffMs: number;
  backoffMaxMs: number;
  /** This many failures within `crashWindowMs` lead to safe mode. */
  crashes: number;
  crashWindowMs: number;
}

export interface Flows {
  /** Resolves when the child is started, not when flows run. Throws when its folder can't be made. */
  start(): Promise<void>;
  /** Asks it to end, then ends it. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends and restarts it, as for a failure: for what only others can see, such as its publish rate. */
  end(reason: string): void;
  /** Signs a user of the gateway out of the editor. */
  forget(name: string): void;
  state(): FlowsState;
  readonly pid: number | undefined;
  /** Undefined while the editor does not listen. */
  readonly editorUrl: string | undefined;
  /** Undefined before the first start. */
  readonly isolation: Isolation | undefined;
}

const DEFAULT_LIMITS = {
  silenceMs: 2_000,
  startMs: 30_000,
  scratchMb: 256,
  freeMb: 256,
  stopMs: 5_000,
  backoffMs: 500,
  backoffMaxMs: 30_000,
  crashes: 3,
  crashWindowMs: 60_000,
};

export function createFlows(options: FlowsOptions): Flows {
  const { log } = options;
  const root = fileURLToPath(new URL("..", import.meta.url));
  const flowFile = options.flowFile ?? path.join(root, "flows", "depot-overview.json");
  const limits = { ...DEFAULT_LIMITS, residentMb: options.memoryMb + 192, ...options.limits };
  const titleOf = (pid: number) => `laddport-flows ${digest(path.resolve(options.userDir))} by ${pid}`;

  let ground: Ground;
  let state: FlowsState = "stopped";
  let child: Child | undefined;
  let dog: Watchdog | undefined;
  let port: number | undefined;
  let run = false;
  let isolation: Isolation | undefined;
  let user: typeof NOBODY | undefined;
  let restart: NodeJS.Timeout | undefined;
  let complaint: string | undefined;
  let failures: number[] = [];
  let gone: (() => void) | undefined;
  let stopping = false;
  let leaving: Promise<void> | undefined;

  const enter = (next: FlowsState, reason: string) => {
    if (next === state) return;
    state = next;
    options.onState?.(next, reason);
  };

  async function chooseUser(): Promise<void> {
    user = undefined;
    isolation = "permission_model";
    if (process.getuid?.() !== 0) return;
    const { userDir, readable, settings, nodeRed } = ground;
    await giveTo(NOBODY, userDir);
    const why = await whyUnreachable(NOBODY, userDir, [...readable, settings, nodeRed]);
    if (why === undefined) {
      user = NOBODY;
      isolation = "own_user";
      return;
    }
    await giveTo({ uid: 0, gid: process.getgid?.() ?? 0 }, userDir);
    log.warn(
      { why },
      "flows: Node-RED runs as the gateway's own user, because another can't reach its files. " +
        "Install outside a private folder, and let every folder above the flows' folder be passable (chmod o+x).",
    );
  }

  async function launch(): Promise<void> {
    const free = await freeBytes(ground.userDir).catch(() => 0);
    if (stopping) return;
    if (free < limits.freeMb * 1_048_576) {
      enter("restarting", "free_space");
      launchIn(limits.backoffMaxMs);
      return;
    }
    const safe = complaint === "scratch_size" || recentFailures().length >= limits.crashes;
    complaint = undefined;
    port = undefined;
    run = false;
    enter("starting", safe ? "safe mode" : "start");
    const mine = launchChild({
      given: {
        nodeRed: ground.nodeRed,
        userDir: ground.userDir,
        port: options.port,
        language: options.language ?? "en-US",
        mqtt: options.mqtt,
        admin: options.admin,
        credentialSecret: options.credentialSecret,
      },
      settingsFile: ground.settings,
      readable: ground.readable,
      memoryMb: options.memoryMb,
      safe,
      user,
      title: titleOf(process.pid),
      log,
      // What its predecessor still had in the pipe says nothing about this one.
      onControl: (line) => child === mine && heard(line),
      onExit: (how) => ended(how),
    });
    child = mine;
    if (mine.pid === undefined) return;
    dog = watch(mine.pid, ground.userDir, limits, !safe, (what) => end(what));
  }

  function launchIn(ms: number): void {
    restart = setTimeout(() => launch().catch((error: Error) => ended(error.message)), ms);
  }

  function heard(line: ControlLine): void {
    dog?.beat();
    if (line.kind === "port") port = line.port;
    if (line.kind === "login") {
      const access = options.editorAccess?.(line.name, line.code) ?? null;
      child?.tell({ login: line.id, access });
    }
    if (line.kind === "beat" || complaint !== undefined || stopping) return;
    if (line.kind === "flows") {
      dog?.ready();
      run = line.state === "started";
      if (run) child?.yield();
      if (line.state === "safe") {
        log.error({ code: "LP702" }, "flows: safe mode. Correct the flow in the editor and deploy it.");
        enter("safe_mode", "flows are stopped");
      }
      if (line.state === "blocked") enter("safe_mode", "flows can't start: see the editor");
    }
    // Flows may run before the editor listens: up is when whoever is told so can open it.
    if (run && port !== undefined) enter("up", "flows run");
  }

  function end(reason: string): void {
    if (!child || complaint !== undefined) return;
    complaint = reason;
    log.error({ code: "LP701", reason, pid: child.pid }, `flows: ended, ${reason}`);
    child.signal("SIGKILL");
  }

  function ended(how: string): void {
    dog?.stop();
    dog = undefined;
    child = undefined;
    port = undefined;
    gone?.();
    if (stopping) return;
    const reason = complaint ?? how;
    failures = [...recentFailures(), performance.now()];
    const wait = Math.min(limits.backoffMaxMs, limits.backoffMs * 2 ** (failures.length - 1));
    log.error({ code: "LP701", reason, restart_ms: wait }, `flows: Node-RED is gone (${reason})`);
    enter("restarting", reason);
    launchIn(wait);
  }

  async function leave(): Promise<void> {
    if (state === "stopped") return;
    stopping = true;
    clearTimeout(restart);
    dog?.stop();
    if (child) {
      const exit = new Promise<void>((resolve) => {
        gone = resolve;
      });
      child.signal("SIGTERM");
      const force = setTimeout(() => child?.signal("SIGKILL"), limits.stopMs);
      await exit;
      clearTimeout(force);
      gone = undefined;
    }
    enter("stopped", "stop");
  }

  function recentFailures(): number[] {
    const since = performance.now() - limits.crashWindowMs;
    return failures.filter((at) => at > since);
  }

  return {
    async start() {
      if (state !== "stopped") return;
      stopping = false;
      failures = [];
      complaint = undefined;
      enter("starting", "start");
      try {
        await prepareUserDir(options.userDir, flowFile);
        ground = findGround({ ...options, root });
        await buildPalette(ground.palette);
        const orphans = await endOrphans(titleOf);
        if (orphans.length > 0) log.warn({ orphans }, "flows: ended a Node-RED that an earlier gateway left");
        await chooseUser();
        await launch();
      } catch (error) {
        enter("stopped", (error as Error).message);
        throw error;
      }
    },
    stop() {
      leaving ??= leave().finally(() => {
        leaving = undefined;
      });
      return leaving;
    },
    end,
    forget: (name) => child?.tell({ forget: name }),
    state: () => state,
    get pid() {
      return child?.pid;
    },
    get editorUrl() {
      return port === undefined ? undefined : `http://127.0.0.1:${port}/`;
    },
    get isolation() {
      return isolation;
    },
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
