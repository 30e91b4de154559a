import { defineConfig } from "vitest/config";

// Two cores: native threads inside a test are worth more than many test processes.
export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
