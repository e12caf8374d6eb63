import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { guardOutputs } from "../../../src/cli/guardOutputs.ts";

/** An output whose every write fails with a code, and that is not destroyed by it: as the process's own are. */
const failing = (code: string) =>
  new Writable({
    autoDestroy: false,
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("it failed"), { code })),
  });

describe("guardOutputs", () => {
  it("takes no offence at an output that nobody reads any more, nor at errors that cannot be told", async () => {
    const [stdout, stderr] = [failing("EPIPE"), failing("ENOSPC")];
    const requireOutput = guardOutputs(stdout, stderr);
    for (const output of [stdout, stderr, stdout]) output.write("text");
    await expect(requireOutput()).resolves.toBeUndefined();
  });

  it("says so, once the work is done, where the output is not complete", async () => {
    const stdout = failing("ENOSPC");
    const requireOutput = guardOutputs(stdout, failing("EPIPE"));
    stdout.write("the last text");
    await expect(requireOutput()).rejects.toMatchObject({
      code: "OUTPUT_LOST",
      exitCode: 1,
      message: expect.stringContaining("(ENOSPC)"),
    });
  });
});
