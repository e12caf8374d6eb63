import { once } from "node:events";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { createCollector } from "../../../src/signer/thread/collector.ts";

it("collects what nothing holds any more, and leaves the means to nobody else", async () => {
  const collect = createCollector();
  const held = { something: true };
  const [gone, kept] = [new WeakRef({ something: true }), new WeakRef(held)];
  // A reference that was just made holds its object until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect([gone.deref(), kept.deref()]).toEqual([undefined, held]);
  expect(runInNewContext("typeof gc")).toBe("undefined");
  expect("gc" in globalThis).toBe(false);
});

it("is given to each of several threads that ask for it in the same moment", async () => {
  const file = JSON.stringify(new URL("../../../src/signer/thread/collector.ts", import.meta.url).href);
  const program = `
    import(${file}).then(({ createCollector }) => {
      for (let n = 0; n < 300; n++) if (typeof createCollector() !== "function") throw new Error("none");
    });`;
  const ends = Array.from({ length: 4 }, async () => {
    const worker = new Worker(program, { eval: true, execArgv: ["--disable-warning=ExperimentalWarning"] });
    const [code] = await once(worker, "exit");
    return code;
  });
  expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
});
