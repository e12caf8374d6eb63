import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../../src/chain/endpoints/retryAfter.ts";
import { createTokenBucket } from "../../../src/chain/endpoints/tokenBucket.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const open = (options: Partial<Parameters<typeof createTokenBucket>[0]> = {}) => {
  const { clock, pass } = createVirtualTime();
  const bucket = createTokenBucket({ name: "a", ratePerSecond: 10, burst: 1, clock, maxWaitMs: 5_000, ...options });
  const done: (string | number)[] = [];
  const take = (name: string, urgent = false) =>
    bucket.take(urgent).then(
      () => done.push(`${name}@${clock.now()}`),
      (error) => done.push(`${name}: ${error.code}`),
    );
  return { bucket, take, done, pass };
};

describe("a token bucket", () => {
  it("lets requests pass at its rate, in the order in which they came", async () => {
    const { take, done, pass } = open();
    for (const name of ["a", "b", "c"]) void take(name);
    await pass(1_000);
    expect(done).toEqual(["a@0", "b@100", "c@200"]);
  });

  it("lets a burst pass after a quiet time, and no more", async () => {
    const { take, done, pass } = open({ burst: 2 });
    await pass(10_000);
    for (const name of ["a", "b", "c"]) void take(name);
    await pass(1_000);
    expect(done).toEqual(["a@10000", "b@10000", "c@10100"]);
  });

  it("never lets more pass in a second than its rate and one burst", async () => {
    const { take, done, pass } = open({ ratePerSecond: 25, burst: 5 });
    for (let number = 0; number < 100; number++) void take(String(number));
    await pass(1_000);
    expect(done.length).toBeGreaterThanOrEqual(25);
    expect(done.length).toBeLessThanOrEqual(30);
  });

  it("lets an urgent request pass before all that wait", async () => {
    const { take, done, pass } = open();
    for (const name of ["a", "b", "c"]) void take(name);
    void take("urgent", true);
    await pass(1_000);
    expect(done).toEqual(["a@0", "urgent@100", "b@200", "c@300"]);
  });

  it("holds everything back while it is paused", async () => {
    const { bucket, take, done, pass } = open({ ratePerSecond: 0 });
    void take("before");
    await pass(0);
    bucket.pause(2_000);
    void take("after");
    await pass(1_950);
    expect([done, bucket.pausedForMs()]).toEqual([["before@0"], 50]);
    await pass(100);
    expect(done).toEqual(["before@0", "after@2000"]);
  });

  it("lets nothing pass on a part of its turn", async () => {
    const { take, done, pass } = open();
    void take("a");
    await pass(50);
    void take("b");
    await pass(1_000);
    expect(done).toEqual(["a@0", "b@100"]);
  });

  it("keeps who waits already through a pause, and the longest of several pauses", async () => {
    const { bucket, take, done, pass } = open();
    for (const name of ["a", "b"]) void take(name);
    await pass(0);
    bucket.pause(2_000);
    bucket.pause(300);
    await pass(1_950);
    expect(done).toEqual(["a@0"]);
    await pass(100);
    expect(done).toEqual(["a@0", "b@2000"]);
  });

  it("refuses at once who would wait too long for its turn after a pause", async () => {
    const { bucket, take, done, pass } = open({ ratePerSecond: 1, maxWaitMs: 1_500 });
    bucket.pause(1_000);
    for (const name of ["a", "b"]) void take(name);
    await pass(3_000);
    expect(done).toEqual(["b: RATE_LIMITED", "a@1000"]);
  });

  it("refuses at once who would wait too long, and those who already wait when the pause is too long", async () => {
    const { bucket, take, done, pass } = open({ maxWaitMs: 150 });
    for (const name of ["a", "b", "c"]) void take(name);
    await pass(0);
    expect(done).toEqual(["a@0", "c: RATE_LIMITED"]);
    bucket.pause(60_000);
    await pass(0);
    expect(done).toEqual(["a@0", "c: RATE_LIMITED", "b: RATE_LIMITED"]);
  });

  it("has a queue with an end, which an urgent request does not see", async () => {
    const { bucket, take, done, pass } = open({ maxQueued: 2, maxWaitMs: 1e9 });
    for (const name of ["a", "b", "c", "d"]) void take(name);
    await pass(0);
    expect([done, bucket.queued()]).toEqual([["a@0", "d: RATE_LIMITED"], 2]);
    void take("urgent", true);
    await pass(100);
    expect(done).toEqual(["a@0", "d: RATE_LIMITED", "urgent@100"]);
  });
});

it.each([
  ["2", 2_000],
  ["0", 0],
  ["1.5", 1_500],
  ["Thu, 01 Jan 1970 00:01:40 GMT", 40_000],
  ["Thu, 01 Jan 1970 00:00:10 GMT", 0],
  ["86400", 300_000],
  ["soon", undefined],
  ["", undefined],
  [undefined, undefined],
])("reads Retry-After: %s", (header, milliseconds) => {
  expect(retryAfterMs(header, 60_000)).toBe(milliseconds);
});
