/** `laddport simulate`: a depot's sessions under the rules of production, slot by slot. Needs no running gateway. */
import { writeFileSync } from "node:fs";
import { createLogUpdate } from "log-update";
import { LaddportError } from "../errors.ts";
import { DepotInstance, type DepotTrace } from "../model/depot-instance.ts";
import type { Language } from "../rules/explain-texts.ts";
import type { LinearProgram, Solution } from "../rules/plan/program.ts";
import { figuresOf } from "../rules/what-if/figures.ts";
import { outcomeOf } from "../rules/what-if/outcome.ts";
import { runInstance } from "../rules/what-if/run.ts";
import { InstanceError, type Site, siteOf } from "../rules/what-if/site.ts";
import { moreVehicles, newLimit, type Variant, variantOf } from "../rules/what-if/variant.ts";
import { createComputePool } from "../workers/compute-pool.ts";
import { textOf } from "./input-file.ts";
import { instanceFaults } from "./instance-faults.ts";
import { type CommandIo, EXIT, table } from "./output.ts";
import { type SimulatedRun, simulatePage } from "./simulate-html.ts";

export interface SimulateOptions {
  instance: string;
  trace?: string;
  estimates?: boolean;
  minCurrent?: boolean;
  policy?: "plan" | "fair";
  /** Other limits: `CIRCUIT=400` (A per line), `CIRCUIT=400/400/350`, `CIRCUIT=250kW`. */
  limit?: readonly string[];
  /** More vehicles: `12`, or `12:CONNECTOR` for such as come to that one. */
  more?: readonly string[];
  /** Write a page with plots. */
  html?: string;
  lang?: Language;
  json?: boolean;
}

/** A plan that is not there by then is done without. */
const TIME_LIMIT_MS = 10_000;
const SHOW_EVERY_MS = 250;
/** Stretches that plots of load are drawn with. */
const SPANS = 480;

/**
 * Exit code 0. With `limit` or `more` the instance runs twice, as it is and changed; the trace is of the changed one.
 * Throws LaddportError LP802, LP803, LP805 or LP807 naming the file or option, the field and the value seen.
 */
export async function simulate(options: SimulateOptions, io: CommandIo): Promise<number> {
  const instance = readInstance(options.instance);
  const variant = variantIn(options);
  const base = siteIn(options.instance, instance);
  const changed = variant && siteIn(options.instance, changedBy(variant, instance));
  const pool = createComputePool({ deadlineMs: 2 * TIME_LIMIT_MS });
  const run = async (site: Site, name: string): Promise<{ shown: SimulatedRun; trace: DepotTrace }> => {
    const progress = progressOf(io, site.slots, name);
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
      const outcome = outcomeOf(site, result, SPANS);
      return { shown: { site, figures: figuresOf(site, result), outcome }, trace: result.trace };
    } finally {
      progress.done();
    }
  };
  try {
    const first = await run(base, changed ? "as it is: " : "");
    const second = changed && (await run(changed, "what if: "));
    const last = second ?? first;
    if (options.trace !== undefined) write(options.trace, JSON.stringify(last.trace));
    if (options.html !== undefined) {
      const page = {
        name: base.name,
        start: instance.start ?? null,
        base: first.shown,
        variant: second?.shown ?? null,
        changes: changesIn(options),
      };
      write(options.html, simulatePage(page, options.lang ?? "en"));
    }
    io.stdout.write(
      options.json
        ? `${JSON.stringify(second ? { as_it_is: first.shown.figures, what_if: second.shown.figures } : first.shown.figures)}\n`
        : shown(base.name, [first.shown, ...(second ? [second.shown] : [])], changesIn(options)),
    );
    return EXIT.ok;
  } finally {
    await pool.stop();
  }
}

const changesIn = ({ limit = [], more = [] }: SimulateOptions): string[] => [
  ...limit.map((text) => `limit ${text}`),
  ...more.map((text) => `${text.replace(":", " more like ")}${text.includes(":") ? "" : " more vehicles"}`),
];

function variantIn({ limit = [], more = [] }: SimulateOptions): Variant | null {
  if (limit.length + more.length === 0) return null;
  const read = <T>(option: string, text: string, value: T | null, forms: string): T => {
    if (value === null)
      throw new LaddportError("LP803", `${option} "${text}" is not understood.`, { fix: `Write ${forms}.` });
    return value;
  };
  return {
    limits: limit.map((text) =>
      read("--limit", text, newLimit(text), "CIRCUIT=400 (A), CIRCUIT=400/400/350 or CIRCUIT=250kW"),
    ),
    more: more.map((text) => read("--more", text, moreVehicles(text), "12 or 12:CONNECTOR")),
  };
}

function readInstance(file: string): DepotInstance {
  const text = textOf(file);
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
    const faults = instanceFaults(parsed.error.issues, json);
    throw new LaddportError("LP807", `${file} is no depot-instance/1:\n${faults}.`, {
      cause: parsed.error,
      fix: "Correct what is named.",
    });
  }
  return parsed.data;
}

/** The instance as the options want it: what is unknown of theirs is their fault, not the file's. */
function changedBy(variant: Variant, instance: DepotInstance): DepotInstance {
  try {
    return variantOf(instance, variant);
  } catch (cause) {
    if (cause instanceof InstanceError)
      throw new LaddportError("LP803", `${cause.message}.`, { cause, fix: "Correct the option." });
    throw cause;
  }
}

function siteIn(file: string, instance: DepotInstance): Site {
  try {
    return siteOf(instance);
  } catch (cause) {
    if (cause instanceof InstanceError)
      throw new LaddportError("LP807", `${file}: ${cause.message}.`, { cause });
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
function progressOf({ stderr }: CommandIo, slots: number, name: string) {
  const terminal = stderr as Partial<NodeJS.WriteStream>;
  const redraw =
    terminal.isTTY && terminal.columns !== 0 ? createLogUpdate(stderr as NodeJS.WriteStream) : null;
  let shownAt = 0;
  return {
    at(slot: number): void {
      if (redraw === null || performance.now() < shownAt + SHOW_EVERY_MS) return;
      shownAt = performance.now();
      redraw(`${name}slot ${slot} of ${slots}, ${Math.floor((100 * slot) / slots)} %`);
    },
    done: () => redraw?.clear(),
  };
}

/** A row a figure, a column a run. */
function shown(name: string, runs: readonly SimulatedRun[], changes: readonly string[]): string {
  const row = (label: string, unit: string, value: (run: SimulatedRun) => string) => [
    label,
    ...runs.map(value),
    unit,
  ];
  const sessions = (run: SimulatedRun) => run.figures.sessions;
  const same = new Set(runs.map(sessions)).size === 1;
  const rows = [
    ["", ...(runs.length > 1 ? ["as it is", "what if"] : [""]), ""],
    row("energy", "kWh", ({ figures }) => figures.deliveredKwh.toFixed(1)),
    row("of what was asked", "%", ({ figures }) => figures.servedPercent.toFixed(2)),
    ...(same ? [] : [row("sessions", "", (run) => String(sessions(run)))]),
    row("sessions filled", same ? `of ${runs[0]?.figures.sessions}` : "", ({ figures }) =>
      String(figures.filled),
    ),
    row("share at 5th percentile", "", ({ figures }) => figures.shareP05.toFixed(3)),
    row("share at 25th percentile", "", ({ figures }) => figures.shareP25.toFixed(3)),
    row("starts per session", "", ({ figures }) => figures.startsPerSession.toFixed(2)),
    row("peak", "kW", ({ figures }) => figures.peakKw.toFixed(1)),
  ];
  if (runs.some(({ figures }) => figures.cost !== null))
    rows.push(row("cost", "", ({ figures }) => figures.cost?.toFixed(2) ?? ""));
  rows.push(row("plans", "", ({ figures }) => String(figures.plans)));
  if (runs.some(({ figures }) => figures.plansMissed > 0))
    rows.push(row("plans without an answer", "", ({ figures }) => String(figures.plansMissed)));
  const what = changes.map((change) => `what if: ${change}\n`).join("");
  return `${name}\n${what}${runs.length > 1 ? table(rows) : table(rows).trimStart()}\n\n${circuitsShown(runs.at(-1) as SimulatedRun)}`;
}

/** How near each circuit came to its limit. */
function circuitsShown({ outcome: { circuits } }: SimulatedRun): string {
  if (circuits.length === 0) return "";
  const rows = circuits.map((c) => [
    `${c.id} ${c.line === null ? c.unit : `L${c.line + 1}`}`,
    Math.max(...c.spans.map((s) => s.most)).toFixed(1),
    c.unit,
    (100 * c.mostPart).toFixed(0),
    (100 * c.fullPart).toFixed(1),
  ]);
  return `${table([["circuit", "peak", "", "% of limit", "% of time full"], ...rows])}\n`;
}
