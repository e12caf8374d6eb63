import { expect, test } from "vitest";
import { createGate } from "../../../src/payload/gate.ts";

test("runs no more than its width at once, in order, and goes on after a failure", async () => {
  const gate = createGate(2);
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const task = (id: number) => async () => {
    most = Math.max(most, ++running);
    order.push(id);
    await new Promise(setImmediate);
    running--;
    if (id === 1) throw new Error("one fails");
    return id;
  };
  const settled = await Promise.allSettled([0, 1, 2, 3, 4].map((id) => gate(task(id))));
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
  expect(order).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});
