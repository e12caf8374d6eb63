import { beforeEach, describe, expect, it } from "vitest";
import { createForesight } from "../../../src/chain/foresight.ts";
import { type HttpRpc, type RpcAnswer, RpcError } from "../../../src/chain/jsonRpc.ts";
import { createSnapshotReader } from "../../../src/chain/snapshotReader.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { Hex, ResponseAddress } from "../../../src/protocol/brand.ts";
import { address, response, source, task } from "../../support/fakeChain.ts";

let newest = 0n;
let now = 0;
let requests = 0;
const rpc: HttpRpc = {
  name: "node",
  call: async () => undefined as never,
  batch: async (calls) => {
    requests += 1;
    return calls.map((): RpcAnswer => ({ error: new RpcError("header not found", -32000, undefined) }));
  },
};
let reader: ReturnType<typeof createSnapshotReader>;
beforeEach(() => {
  [newest, now, requests] = [100n, 0, 0];
  reader = createSnapshotReader({
    rpc,
    now: () => now,
    foresight: createForesight(address<Hex>(0xc), () => now),
    newest: () => newest,
    head: async () => {
      newest = 100n;
    },
    missing: (what, block) => new RetryableError(`${what} in ${block}`, { code: "NODE_BEHIND" }),
  });
});
/** Requests that a snapshot costs, from when it is asked for. */
const costOf = async (responses: readonly ResponseAddress[], block?: bigint) => {
  const before = requests;
  await reader.snapshot(task, source, responses, block).catch(() => undefined);
  return requests - before;
};
const other = address<ResponseAddress>(0x99);

describe("a snapshot that was looked ahead for", () => {
  it("is under way when it is asked for, and is used once", async () => {
    const whole = await costOf([response]);
    expect(whole).toBeGreaterThan(0);
    now = 100_000;
    reader.lookAhead(task, source, [response]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await costOf([response])).toBe(0);
    expect(await costOf([response])).toBeGreaterThan(0);
  });

  it.each<[string, () => Promise<number>]>([
    ["other responses are asked for", () => costOf([response, other])],
    ["another block is asked for", () => costOf([response], 99n)],
    [
      "there is a newer block",
      () => {
        newest += 1n;
        return costOf([response]);
      },
    ],
    [
      "it was a while ago",
      () => {
        now += 250;
        return costOf([response]);
      },
    ],
  ])("is read anew when %s", async (_, cost) => {
    reader.lookAhead(task, source, [response]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await cost()).toBeGreaterThan(0);
  });

  it("fails as it would have failed, where it is asked for", async () => {
    reader.lookAhead(task, source, [response]);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(reader.snapshot(task, source, [response])).rejects.toBeInstanceOf(Error);
  });

  it("is not read while no block was heard of", () => {
    newest = 0n;
    reader.lookAhead(task, source, [response]);
    expect(requests).toBe(0);
  });
});
