import { defineConfig } from "vitest/config";

// Two cores: native threads inside a test are worth more than many test processes.
const MAX_WORKERS = 2;
/** Files that put others in the place of modules: nobody else may meet those. */
const REPLACES_MODULES = ["recipes/tiny/market/canvas.test.ts", "test/processor/remote-image.test.ts"];
// Far beyond what any test needs: a busy machine must not look like a fault.
const patience = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 120_000 } } };

/** Packages of this repository import each other's sources. */
const conditions = ["flashvl-source", "module", "node", "import", "default"];
const sources = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } };

export default defineConfig({
  test: {
    maxWorkers: MAX_WORKERS,
    projects: [
      {
        ...sources,
        // Files of one process share what they import: loading it anew for each took a quarter of the time.
        test: {
          name: "shared",
          include: ["src/**/*.test.ts", "test/**/*.test.ts", "recipes/**/*.test.ts"],
          // Packages of their own inside `test` have tests too.
          exclude: ["**/node_modules/**", ...REPLACES_MODULES],
          isolate: false,
          ...patience,
        },
      },
      { ...sources, test: { name: "apart", include: REPLACES_MODULES, ...patience } },
    ],
  },
});
