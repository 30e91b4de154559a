/** @file Tests that a run with mutants repeats many times: those beside the sources, which are quick and need no model. */
import { defineConfig } from "vitest/config";

const conditions = ["flashvl-source", "module", "node", "import", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: (process.env.MUTANT_TESTS ?? "src/**/*.test.ts").split(","),
    exclude: ["**/node_modules/**", "**/.stryker/**"],
    testTimeout: 20_000,
  },
});
