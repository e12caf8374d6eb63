import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Daemons and commands are started hundreds of times; what they are made of is compiled once.
process.env.NODE_COMPILE_CACHE ??= `${import.meta.dirname}/node_modules/.cache/node`;

/** What takes a minute is not begun last: it would be waited for while nothing else is left to do. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      /\/(chaos|sim)\.test\.ts$/.test(moduleId) ? 0 : Number(!moduleId.includes("/e2e/")) + 1;
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/{unit,e2e}/**/*.test.ts"],
    // Two loaded cores are slow; a time-out is for what hangs.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // One waits for blocks as often as not, so three keep two cores at work.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    expect: { requireAssertions: true, poll: { timeout: 20_000 } },
  },
});
