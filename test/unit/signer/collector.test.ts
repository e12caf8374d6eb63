import { runInNewContext } from "node:vm";
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
