/** HiGHS as it is, except for what `SOLVER_FATE` says: see mortal-solver.ts. */
import { existsSync, readFileSync } from "node:fs";
import type { Highs, InitOptions } from "highs";

export type SolverFate = "lives" | "dies" | "hangs" | "eats";

const fate = (): SolverFate => {
  const file = process.env.SOLVER_FATE ?? "";
  return existsSync(file) ? (readFileSync(file, "utf8") as SolverFate) : "lives";
};

function meet(): void {
  const now = fate();
  if (now === "dies") process.exit(1);
  if (now === "hangs") for (;;);
  if (now === "eats")
    for (const kept: number[][] = []; ; ) kept.push(new Array<number>(100_000).fill(kept.length));
}

export default async function load(options?: InitOptions): Promise<Highs> {
  const real: unknown = await import("highs");
  const highs = await (real as { default: (options?: InitOptions) => Promise<Highs> }).default(options);
  return new Proxy(highs, {
    get(target, name) {
      if (name !== "createModel") return Reflect.get(target, name, target);
      return (...args: Parameters<Highs["createModel"]>) => {
        meet();
        return target.createModel(...args);
      };
    },
  });
}
