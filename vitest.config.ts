import { defineConfig } from "vitest/config";

const rooms = [
  "model",
  "rules",
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
];

/** `--mode deep` runs the long forms of property tests and fault campaigns; `npm test` takes a sample of each. */
export default defineConfig(({ mode }) => ({
  test: {
    // On a shared machine a starved process can look like a fault; a fault fails every time.
    retry: process.env.CI ? 2 : 0,
    hookTimeout: 120_000,
    env:
      mode === "deep" ? { DEEP: "1", KILLS: process.env.KILLS ?? "50" } : { KILLS: process.env.KILLS ?? "4" },
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
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 1_800_000,
          fileParallelism: false,
        },
      },
    ],
  },
}));
