/** Programs under measurement: started, pinned, weighed by the operating system's own books, ended by their PID. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export class Program {
  readonly child: ChildProcess;
  output = "";

  /** `cpus`: a list for taskset, such as "1"; free when absent. */
  constructor(command: readonly string[], options: { cpus?: string; env?: Record<string, string> } = {}) {
    const whole = options.cpus ? ["taskset", "-c", options.cpus, ...command] : [...command];
    this.child = spawn(whole[0] as string, whole.slice(1), {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.on("data", (d) => this.#hear(d));
    this.child.stderr?.on("data", (d) => this.#hear(d));
  }

  #hear(data: Buffer): void {
    this.output = `${this.output}${data}`.slice(-50_000);
  }

  async says(pattern: RegExp, ms = 60_000): Promise<RegExpExecArray> {
    for (const until = Date.now() + ms; Date.now() < until; ) {
      const found = pattern.exec(this.output);
      if (found) return found;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${this.child.spawnargs.join(" ")} did not say ${pattern}:\n${this.output}`);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(late);
  }
}

const TICKS_PER_S = Number(execFileSync("getconf", ["CLK_TCK"]).toString());

/** User and system CPU seconds of a process and all its threads (proc(5), stat fields 14 and 15). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

export function rssMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return Number(kb) / 1024;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
