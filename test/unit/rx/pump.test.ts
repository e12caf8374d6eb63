import { setImmediate } from "node:timers/promises";
import { lastValueFrom, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { pump$ } from "../../../src/rx/pump.ts";

const few = async () => {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
};

describe("reading step by step", () => {
  it("stores each step in order, with one read ahead and no more", async () => {
    const order: string[] = [];
    async function* steps() {
      for (const step of [1, 2, 3]) {
        order.push(`read ${step}`);
        yield step;
      }
    }
    const store = async (step: number) => {
      await few();
      order.push(`stored ${step}`);
      return [step, -step];
    };
    expect(await lastValueFrom(pump$(steps, store).pipe(toArray()))).toEqual([1, -1, 2, -2, 3, -3]);
    expect(order).toEqual(["read 1", "read 2", "stored 1", "read 3", "stored 2", "stored 3"]);
  });

  it("ends with what a read threw once the step before it is stored, and the error is nobody else's", async () => {
    const stored: number[] = [];
    async function* steps() {
      yield 1;
      throw new Error("the node is down");
    }
    const store = async (step: number) => {
      await few();
      stored.push(step);
      return [step];
    };
    await expect(lastValueFrom(pump$(steps, store))).rejects.toThrow("the node is down");
    await few();
    expect(stored).toEqual([1]);
  });

  it("reads and stores nothing more once nobody listens", async () => {
    let read = 0;
    const stored: number[] = [];
    async function* steps() {
      for (;;) yield ++read;
    }
    const store = async (step: number) => {
      await setImmediate();
      stored.push(step);
      return [step];
    };
    const listening = pump$(steps, store).subscribe(() => listening.unsubscribe());
    await few();
    expect([read, stored]).toEqual([2, [1]]);
  });
});
