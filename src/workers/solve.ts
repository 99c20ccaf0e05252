/**
 * Solves a plan's linear program with HiGHS (npm package "highs", HiGHS compiled to WebAssembly). The solver is
 * synchronous and keeps memory outside of JavaScript's heap: it runs on a compute thread, and each model is disposed.
 */
import type { Highs, InitOptions } from "highs";
import type { LinearProgram, Solution } from "../rules/plan/program.ts";

export interface SolveInput {
  program: LinearProgram;
  timeLimitMs: number;
}

export type Solved =
  | ({ status: "optimal"; ms: number } & Solution)
  /** No plan: out of time, contradictory limits, or the solver gave up. */
  | { status: "late" | "infeasible" | "failed"; ms: number; detail: string };

/** Columns. Simplex is faster below; above it may take ten times as long when prices meet tight limits. */
const INTERIOR_POINT_FROM = 8000;

let runtime: Promise<Highs> | undefined;

/** Loaded with the first plan: threads that never plan do without its 20 MB. */
async function load(): Promise<Highs> {
  const module: unknown = await import("highs");
  // The package's types describe its CommonJS form, where this would be `default.default`.
  return (module as { default: (options?: InitOptions) => Promise<Highs> }).default();
}

export async function solve({ program, timeLimitMs }: SolveInput): Promise<Solved> {
  runtime ??= load();
  const highs = await runtime;
  const before = performance.now();
  const model = highs.createModel({
    numCols: program.cost.length,
    numRows: program.rowUpper.length,
    sense: highs.constants.objectiveSense.minimize,
    colCost: program.cost,
    colLower: program.lower,
    colUpper: program.upper,
    rowLower: program.rowLower,
    rowUpper: program.rowUpper,
    matrix: {
      format: "csr",
      numRows: program.rowUpper.length,
      numCols: program.cost.length,
      starts: program.starts,
      indices: program.indices,
      values: program.values,
    },
  });
  try {
    model.options.set({
      output_flag: false,
      time_limit: timeLimitMs / 1000,
      solver: program.cost.length >= INTERIOR_POINT_FROM ? "ipm" : "choose",
    });
    model.run();
    const status = model.getModelStatus();
    const ms = performance.now() - before;
    const { modelStatus } = highs.constants;
    if (status === modelStatus.optimal) {
      const { colValue, rowDual } = model.getSolution();
      return { status: "optimal", ms, value: colValue, rowDual };
    }
    const kind =
      status === modelStatus.timeLimit ? "late" : status === modelStatus.infeasible ? "infeasible" : "failed";
    return { status: kind, ms, detail: `HiGHS model status ${status}` };
  } finally {
    model.dispose();
  }
}
