/** A gateway in a process of its own, as `laddport run` starts it, to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { freeDepotPorts, initDemo } from "../../src/cli/init.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

export interface DemoDepot {
  dir: string;
  config: string;
  data: string;
  site: string;
  port: number;
  apiUrl: string;
  passwords: Map<string, string>;
}

/** Runs a command of ours to its end; rejects on a non-zero exit with what it said. */
export function laddport(args: string[], options: { cwd?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "src/cli.ts"), ...args], { cwd: options.cwd ?? ROOT });
    let out = "";
    let err = "";
    child.stdout.on("data", (d) => {
      out += d;
    });
    child.stderr.on("data", (d) => {
      err += d;
    });
    child.on("exit", (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${args.join(" ")}: exit ${code}\n${out}${err}`)),
    );
  });
}

/** A demo config on free ports, with the further `sections` given in YAML. */
export async function demoDepot({ stations = 24, sections = "" } = {}): Promise<DemoDepot> {
  const dir = mkdtempSync(join(tmpdir(), "laddport-fault-"));
  const made = await initDemo(join(dir, "depot"), { ports: await freeDepotPorts(), stations });
  writeFileSync(made.config, `${readFileSync(made.config, "utf8")}\n${sections}\n`);
  const rows = parse(readFileSync(made.credentials_file), { columns: true }) as {
    username: string;
    password: string;
  }[];
  return {
    dir,
    config: made.config,
    data: made.data,
    site: made.site,
    port: Number(new URL(made.mqtt_url).port),
    apiUrl: made.api_url,
    passwords: new Map(rows.map((r) => [r.username, r.password])),
  };
}

export class GatewayProcess {
  readonly #command: string[];
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  output = "";

  constructor(command: string[], env: Record<string, string> = {}) {
    this.#command = command;
    this.#env = env;
  }

  /** Without flows, unless `env` says otherwise. */
  static of(depot: DemoDepot, env: Record<string, string> = {}): GatewayProcess {
    const run = [join(ROOT, "src/cli.ts"), "run", "--config", depot.config, "--data", depot.data];
    return new GatewayProcess(run, { LADDPORT__FLOWS__ENABLED: "false", ...env });
  }

  /** Resolves when it says that it is up. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, this.#command, {
        env: { ...process.env, ...this.#env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.#child = child;
      const hear = (data: Buffer) => {
        this.output = `${this.output}${data}`.slice(-20_000);
        if (/gateway up/.test(String(data))) resolve();
      };
      child.stdout?.on("data", hear);
      child.stderr?.on("data", hear);
      child.once("exit", (code, signal) =>
        reject(new Error(`the gateway ended (${code ?? signal})\n${this.output}`)),
      );
    });
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  ended(): Promise<number | string> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) {
      return Promise.resolve(child?.exitCode ?? child?.signalCode ?? 0);
    }
    return new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal ?? 0)));
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  async kill(): Promise<void> {
    const ended = this.ended();
    this.signal("SIGKILL");
    await ended;
  }

  async stop(): Promise<number | string> {
    const ended = this.ended();
    this.signal("SIGTERM");
    return ended;
  }
}

export function removeDepot(depot: DemoDepot): void {
  rmSync(depot.dir, { recursive: true, force: true });
}
