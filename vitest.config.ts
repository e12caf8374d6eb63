import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{unit,e2e}/**/*.test.ts"],
    // Two loaded cores are slow; a time-out is for what hangs.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    expect: { requireAssertions: true, poll: { timeout: 20_000 } },
  },
});
