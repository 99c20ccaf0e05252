/** `laddport simulate`: a depot's sessions under the rules of production, slot by slot. Needs no running gateway. */
import { readFileSync, writeFileSync } from "node:fs";
import { createLogUpdate } from "log-update";
import { z } from "zod";
import { LaddportError } from "../errors.ts";
import { DepotInstance } from "../model/depot-instance.ts";
import type { LinearProgram, Solution } from "../rules/plan/program.ts";
import { type Figures, figuresOf } from "../rules/what-if/figures.ts";
import { runInstance } from "../rules/what-if/run.ts";
import { InstanceError, type Site, siteOf } from "../rules/what-if/site.ts";
import { createComputePool } from "../workers/compute-pool.ts";
import { type CommandIo, EXIT, table } from "./output.ts";

export interface SimulateOptions {
  instance: string;
  trace?: string;
  estimates?: boolean;
  minCurrent?: boolean;
  policy?: "plan" | "fair";
  json?: boolean;
}

/** A plan that is not there by then is done without. */
const TIME_LIMIT_MS = 10_000;
const SHOW_EVERY_MS = 250;

/** Exit code 0; throws LaddportError LP802, LP805 or LP807 naming the file, the field and the value seen. */
export async function simulate(options: SimulateOptions, io: CommandIo): Promise<number> {
  const site = readInstance(options.instance);
  const pool = createComputePool({ deadlineMs: 2 * TIME_LIMIT_MS });
  const progress = progressOf(io, site.slots);
  try {
    const result = await runInstance(site, {
      estimates: options.estimates ?? false,
      minCurrent: options.minCurrent ?? false,
      policy: options.policy ?? "plan",
      progress: progress.at,
      async solve(program: LinearProgram): Promise<Solution | null> {
        const solved = await pool.run("solve", { program, timeLimitMs: TIME_LIMIT_MS }).catch(() => null);
        return solved?.status === "optimal" ? solved : null;
      },
    });
    progress.done();
    if (options.trace !== undefined) write(options.trace, JSON.stringify(result.trace));
    const figures = figuresOf(site, result);
    io.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : shown(figures));
    return EXIT.ok;
  } finally {
    progress.done();
    await pool.stop();
  }
}

function readInstance(file: string): Site {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new LaddportError("LP805", `${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, {
      cause,
    });
  }
  const refuse = (problem: string, cause: unknown) =>
    new LaddportError("LP807", `${file}: ${problem}.`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw refuse(`not JSON: ${(cause as Error).message}`, cause);
  }
  const parsed = DepotInstance.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = z.core.toDotPath(issue?.path ?? []);
    throw refuse(`${path || "the file"}: ${issue?.message}`, parsed.error);
  }
  try {
    return siteOf(parsed.data);
  } catch (cause) {
    if (cause instanceof InstanceError) throw refuse(cause.message, cause);
    throw cause;
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new LaddportError(
      "LP802",
      `${file} cannot be written (${(cause as NodeJS.ErrnoException).code}).`,
      {
        cause,
      },
    );
  }
}

/** How far it is, redrawn in place on a terminal; elsewhere nothing. */
function progressOf({ stderr }: CommandIo, slots: number) {
  const terminal = stderr as Partial<NodeJS.WriteStream>;
  const redraw =
    terminal.isTTY && terminal.columns !== 0 ? createLogUpdate(stderr as NodeJS.WriteStream) : null;
  let shownAt = 0;
  return {
    at(slot: number): void {
      if (redraw === null || performance.now() < shownAt + SHOW_EVERY_MS) return;
      shownAt = performance.now();
      redraw(`slot ${slot} of ${slots}, ${Math.floor((100 * slot) / slots)} %`);
    },
    done: () => redraw?.clear(),
  };
}

function shown(f: Figures): string {
  const rows: [string, string, string][] = [
    ["", "", ""],
    ["energy", f.deliveredKwh.toFixed(1), "kWh"],
    ["of what was asked", f.servedPercent.toFixed(2), "%"],
    ["sessions filled", String(f.filled), `of ${f.sessions}`],
    ["share at 5th percentile", f.shareP05.toFixed(3), ""],
    ["share at 25th percentile", f.shareP25.toFixed(3), ""],
    ["starts per session", f.startsPerSession.toFixed(2), ""],
    ["peak", f.peakKw.toFixed(1), "kW"],
  ];
  if (f.cost !== null) rows.push(["cost", f.cost.toFixed(2), ""]);
  rows.push(["plans", String(f.plans), f.plansMissed > 0 ? `${f.plansMissed} without an answer` : ""]);
  return `${f.instance}\n${table(rows).trimStart()}\n`;
}
