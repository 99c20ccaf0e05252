import { defineConfig } from "vitest/config";

const rooms = [
  "model",
  "rules",
  "documents",
  "log",
  "workers",
  "identity",
  "stations",
  "control",
  "sinks",
  "web",
  "simulator",
  "nodes",
  "cli",
  "gateway",
];

// Threads and child processes of the tests load the same code again and again.
process.env.NODE_COMPILE_CACHE ??= `${import.meta.dirname}/node_modules/.cache/compiled`;

/** `--mode deep` runs the long forms of property tests and fault campaigns; `npm test` takes a sample of each. */
export default defineConfig(({ mode }) => ({
  test: {
    // Most tests wait for a disk, a socket or a child process: one worker a core leaves no core idle.
    maxWorkers: 2,
    hookTimeout: 120_000,
    env:
      mode === "deep" ? { DEEP: "1", KILLS: process.env.KILLS ?? "50" } : { KILLS: process.env.KILLS ?? "3" },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: [...rooms.map((room) => `test/${room}/**/*.test.ts`), "test/*.test.ts"],
          testTimeout: mode === "deep" ? 900_000 : 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: ["test/system/**/*.test.ts"],
          testTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 1_800_000,
          // In the long form each campaign has the machine to itself; short forms share it.
          fileParallelism: mode !== "deep",
        },
      },
    ],
  },
}));
