/**
 * Solves a plan's linear program with HiGHS (npm package "highs", HiGHS compiled to WebAssembly). The solver is
 * synchronous and keeps memory outside of JavaScript's heap: it runs on a compute thread, and each model is disposed.
 */
import highsModule, { type Highs } from "highs";
import type { LinearProgram, Solution } from "../rules/plan/program.ts";

export interface SolveInput {
  program: LinearProgram;
  timeLimitMs: number;
}

export type Solved =
  | ({ status: "optimal"; ms: number } & Solution)
  /** No plan: out of time, contradictory limits, or the solver gave up. */
  | { status: "late" | "infeasible" | "failed"; ms: number; detail: string };

/** The package describes itself as CommonJS, and is loaded as a module. */
const loadHighs = highsModule as unknown as typeof highsModule.default;
let runtime: Promise<Highs> | undefined;

export async function solve({ program, timeLimitMs }: SolveInput): Promise<Solved> {
  runtime ??= loadHighs();
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
    model.options.set({ output_flag: false, time_limit: timeLimitMs / 1000 });
    model.run();
    const status = model.getModelStatus();
    const ms = performance.now() - before;
    const { modelStatus } = highs.constants;
    if (status === modelStatus.optimal) {
      const { colValue, rowDual } = model.getSolution();
      return { status: "optimal", ms, value: colValue, rowDual };
    }
    const kind =
      status === modelStatus.timeLimit
        ? "late"
        : status === modelStatus.infeasible
          ? "infeasible"
          : "failed";
    return { status: kind, ms, detail: `HiGHS model status ${status}` };
  } finally {
    model.dispose();
  }
}
