import { defineConfig } from "vitest/config";

// Two cores: native threads inside a test are worth more than many test processes.
const MAX_WORKERS = 2;
/** Files that put others in the place of modules: nobody else may meet those. */
const REPLACES_MODULES = ["src/tasks/market/canvas.test.ts", "test/processor/remote-image.test.ts"];
// Far beyond what any test needs: a busy machine must not look like a fault.
const patience = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 120_000 } } };

export default defineConfig({
  test: {
    maxWorkers: MAX_WORKERS,
    projects: [
      {
        // Files of one process share what they import: loading it anew for each took a quarter of the time.
        test: {
          name: "shared",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: REPLACES_MODULES,
          isolate: false,
          ...patience,
        },
      },
      { test: { name: "apart", include: REPLACES_MODULES, ...patience } },
    ],
  },
});
