import { beforeEach, describe, expect, it } from "vitest";
import { createReadAhead, type ReadAhead } from "../../../src/chain/readAhead.ts";

let now = 0;
let reads = 0;
let ahead: ReadAhead<number>;
beforeEach(() => {
  now = 0;
  reads = 0;
  ahead = createReadAhead(() => now);
});
const read = async () => ++reads;

describe("what is read before anybody asks", () => {
  it("is given to the first who asks, and to nobody after", async () => {
    ahead.begin("a", read);
    ahead.begin("a", read);
    expect(await ahead.take("a")).toBe(1);
    expect([ahead.take("a"), ahead.take("b"), reads]).toEqual([undefined, undefined, 1]);
  });

  it("is too old soon", () => {
    ahead.begin("a", read);
    now = 250;
    expect(ahead.take("a")).toBeUndefined();
  });

  it("fails for whoever takes it, and for nobody else", async () => {
    const fails = () => Promise.reject(new Error("no answer"));
    ahead.begin("a", fails);
    ahead.begin("b", fails);
    await expect(ahead.take("a")).rejects.toThrow("no answer");
    await new Promise((resolve) => setImmediate(resolve));
    expect(ahead.take("a")).toBeUndefined();
  });

  it("is begun for a few at a time, and again when those are old", () => {
    for (let key = 0; key < 20; key++) ahead.begin(String(key), read);
    expect(reads).toBe(16);
    now = 250;
    ahead.begin("new", read);
    expect([reads, ahead.take("0")]).toEqual([17, undefined]);
    expect(ahead.take("new")).toBeDefined();
  });
});
