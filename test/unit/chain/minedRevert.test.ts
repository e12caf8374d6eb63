import { describe, expect, it } from "vitest";
import { type HttpRpc, RpcError } from "../../../src/chain/jsonRpc.ts";
import { minedRevert } from "../../../src/chain/minedRevert.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { AccountAddress } from "../../../src/protocol/brand.ts";
import { address, hashOf } from "../../support/fakeChain.ts";

const text = (word: string) => {
  const hex = Buffer.from(word).toString("hex");
  const length = word.length.toString(16).padStart(64, "0");
  return `0x08c379a0${"20".padStart(64, "0")}${length}${hex.padEnd(64, "0")}`;
};
const panic = `0x4e487b71${"11".padStart(64, "0")}`;
const reverted = {
  hash: hashOf(1),
  blockNumber: 16n,
  from: address<AccountAddress>(1),
  to: "0xaa",
  data: "0xbb",
  gas: 100_000n,
} as const;

type Answer = { readonly result: unknown } | { readonly error: Error };
const refused = (message: string, code = -32000, data?: unknown): Answer => ({
  error: new RpcError(message, code, data),
});
const noTraces = refused("the method debug_traceTransaction does not exist", -32601);

function ask(trace: Answer, call: Answer) {
  const asked: (readonly [string, ...unknown[]])[] = [];
  const rpc = {
    name: "node",
    call: async (method: string, ...params: readonly unknown[]) => {
      asked.push([method, ...params]);
      const answer = method === "eth_call" ? call : trace;
      if ("error" in answer) throw answer.error;
      return answer.result;
    },
  } as unknown as HttpRpc;
  return { asked, found: minedRevert(rpc, reverted) };
}

describe("what a mined transaction reverted with", () => {
  const passes: Answer = { result: "0x" };
  it.each<[string, Answer, string]>([
    ["a text", { result: { error: "execution reverted", output: text("AlreadyFinalized") } }, "AlreadyFinalized"],
    ["a panic", { result: { error: "execution reverted", output: panic } }, "Panic(17)"],
    [
      "an error that nobody knows",
      { result: { error: "execution reverted", output: "0xdeadbeef" } },
      "unknown error 0xdeadbeef",
    ],
    ["nothing", { result: { error: "execution reverted" } }, "reverted without a reason"],
    ["no gas left", { result: { error: "out of gas" } }, "out of gas"],
    [
      "a plain trace of a node without tracers",
      { result: { failed: true, returnValue: text("Expired").slice(2) } },
      "Expired",
    ],
  ])("is told by the node's trace: %s", async (_, trace, reason) => {
    const { asked, found } = ask(trace, passes);
    expect(await found).toEqual({ reason, isCertain: true });
    expect(asked.map(([method]) => method)).toEqual(["debug_traceTransaction"]);
  });

  it("is what the same call meets one block before, where the node traces nothing: probably", async () => {
    const { asked, found } = ask(noTraces, refused("execution reverted: Expired", 3, text("Expired")));
    expect(await found).toEqual({ reason: "Expired", isCertain: false });
    const { from, to, data } = reverted;
    expect(asked[1]).toEqual(["eth_call", { from, to, data, gas: "0x186a0" }, "0xf"]);
  });

  it.each<[string, Answer, Answer]>([
    ["the call passes one block before", noTraces, passes],
    ["the node has forgotten that block", noTraces, refused("missing trie node")],
    ["the node says that it did not revert, and the call passes", { result: { output: "0x" } }, passes],
    ["the answer is no trace", { result: null }, passes],
  ])("is unknown where %s", async (_, trace, call) => {
    expect(await ask(trace, call).found).toBeUndefined();
  });

  it("is asked again by whoever wants it, where the endpoint does not answer", async () => {
    const error = new RetryableError("down", { code: "ENDPOINT_UNAVAILABLE" });
    await expect(ask({ error }, passes).found).rejects.toBe(error);
    await expect(ask(noTraces, { error }).found).rejects.toBe(error);
  });
});
