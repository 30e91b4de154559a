import { defineConfig } from "vitest/config";

// Two cores: native threads inside a test are worth more than many test processes.
export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    maxWorkers: 2,
    // Far beyond what any test needs: a busy machine must not look like a fault.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 120_000 } },
  },
});
