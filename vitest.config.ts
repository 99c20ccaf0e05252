import { defineConfig } from "vitest/config";

const unitFolders = [
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

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [...unitFolders.map((f) => `test/${f}/**/*.test.ts`), "test/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "system",
          include: ["test/system/**/*.test.ts"],
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 1_200_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
