import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{unit,e2e}/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    expect: { requireAssertions: true },
  },
});
