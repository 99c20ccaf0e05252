/**
 * One run of Node-RED as a confined child process. Confinement, from the inside out: Node's permission model (no files
 * but its own, no programs, threads, add-ons), no node:sqlite (which ignores that model), an empty environment, and its
 * own user when the gateway is root. The network stays open to it.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { type ControlLine, readControl } from "./control-line.ts";
import { type FlowsLog, forwardOutput } from "./output.ts";

/** The account that owns nothing (`nobody` on Linux). */
export const NOBODY = { uid: 65534, gid: 65534 };

/** What flows/settings.cjs is given, over a pipe that no other process can read. */
export interface Given {
  /** Path of node-red's package.json: its own modules are resolved from there. */
  nodeRed: string;
  userDir: string;
  port: number;
  language: string;
  mqtt: { url: string; site: string; username: string; password: string };
  /** Of the editor's own user; absent: only users of the gateway get in. */
  admin?: { username: string; passwordHash: string } | undefined;
  credentialSecret: string;
}

/** The answer to a `login`, or that whoever was let in is to be let in no more. */
export type ToChild = { login: number; access: EditorAccess | null } | { forget: string };

/** To look at flows, or to change them too. */
export type EditorAccess = "read" | "write";

export interface ChildOptions {
  given: Given;
  settingsFile: string;
  /** Files and folders that it may read, beside its own. */
  readable: string[];
  /** MiB of V8 heap. */
  memoryMb: number;
  /** Starts with the flows stopped, so that they can be repaired. */
  safe: boolean;
  user: { uid: number; gid: number } | undefined;
  /** Distinguishes this gateway's Node-RED in the process list. */
  title: string;
  log: FlowsLog;
  onControl(line: ControlLine): void;
  onExit(how: string): void;
}

export interface Child {
  readonly pid: number | undefined;
  signal(name: "SIGTERM" | "SIGKILL"): void;
  /** One line on the control pipe. */
  tell(line: ToChild): void;
  /** Lowers its priority: for when it has started, which is soon over and wanted soon. */
  yield(): void;
}

/** Starts it. `onExit` is called exactly once, also when it could not be started. */
export function launchChild(options: ChildOptions): Child {
  const { given } = options;
  const args = [
    "--permission",
    ...[...options.readable, given.userDir].map((p) => `--allow-fs-read=${p}`),
    `--allow-fs-write=${given.userDir}`,
    "--no-experimental-sqlite",
    `--max-old-space-size=${options.memoryMb}`,
    path.join(path.dirname(given.nodeRed), "red.js"),
    ...["--settings", options.settingsFile, "--userDir", given.userDir, "--title", options.title],
    ...(options.safe ? ["--safe"] : []),
  ];
  const child = spawn(process.execPath, args, {
    cwd: given.userDir,
    env: cleanEnvironment(given.userDir),
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    // A session of its own: Ctrl-C in the gateway's terminal reaches the gateway only, which then stops its flows.
    detached: true,
    ...options.user,
  });

  let ended = false;
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const end = (how: string) => {
    if (ended) return;
    ended = true;
    process.removeListener("exit", endWithUs);
    options.onExit(how);
  };
  child.on("error", (error) => end(error.message));
  child.on("exit", (code, signal) => end(signal ? `signal ${signal}` : `exit code ${code}`));

  if (child.stdout) forwardOutput(child.stdout, options.log);
  if (child.stderr) forwardOutput(child.stderr, options.log);
  const control = child.stdio[3] as Duplex | null;
  if (control) {
    // EPIPE or ECONNRESET when it ends early: its exit tells more.
    control.on("error", () => {});
    readControl(control, options.onControl);
    control.write(`${JSON.stringify(given)}\n`);
  }
  // When the machine runs out of memory the kernel takes this one first (proc(5); Linux).
  if (child.pid !== undefined) writeFile(`/proc/${child.pid}/oom_score_adj`, "500").catch(() => {});
  return {
    pid: child.pid,
    signal: (name) => child.kill(name),
    tell: (line) => void control?.write(`${JSON.stringify(line)}\n`),
    yield: () => lowerPriority(child.pid),
  };
}

function cleanEnvironment(userDir: string): NodeJS.ProcessEnv {
  const { TZ } = process.env;
  return { HOME: userDir, PATH: "/usr/bin:/bin", LANG: "C.UTF-8", NODE_ENV: "production", ...(TZ && { TZ }) };
}

function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    os.setPriority(pid, 5);
  } catch {
    // It ended already, or the system refuses: neither stops the flows.
  }
}
