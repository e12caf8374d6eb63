import { expect, it } from "vitest";
import { eventReads } from "../../../src/chain/eventReads.ts";
import type { HttpRpc, RpcAnswer, RpcCall } from "../../../src/chain/jsonRpc.ts";
import { RetryableError } from "../../../src/errors.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { hashOf } from "../../support/fakeChain.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");

const blockAt = (number: number) => ({
  number: `0x${number.toString(16)}`,
  hash: hashOf(number),
  parentHash: hashOf(0),
  timestamp: "0x1",
});
const readsOn = (answer: (call: RpcCall) => RpcAnswer) => {
  const rpc: HttpRpc = {
    name: "an endpoint",
    batch: async (calls) => calls.map(answer),
    call: async () => {
      throw new TypeError("nothing is asked by itself");
    },
  };
  const missing = (what: string, block: bigint) => new RetryableError(`${what} of ${block}`, { code: "NODE_BEHIND" });
  return eventReads({ rpc, deployment, report: () => undefined }, missing);
};

it("does not take what a node has of a range for all of it, where the node takes blocks in while it answers", async () => {
  let newest = 50;
  const asked: string[] = [];
  const { events } = readsOn(({ method, params: [first] }) => {
    asked.push(method);
    const wanted = Number(first);
    const result = method === "eth_getLogs" ? [] : wanted <= newest ? blockAt(wanted) : null;
    // It works through the batch in order, and the rest of the chain comes in after the first answer.
    newest = 100;
    return { result };
  });
  await expect(events(11n, 100n)).rejects.toMatchObject({ code: "NODE_BEHIND" });
  expect(asked).toEqual(["eth_getBlockByNumber", "eth_getLogs"]);
  expect((await events(11n, 100n)).last.number).toBe(100n);
});

it("does not move on to another block than the one that was asked for", async () => {
  const { events } = readsOn(({ method }) => ({ result: method === "eth_getLogs" ? [] : blockAt(9_000) }));
  await expect(events(11n, 2_010n)).rejects.toMatchObject({ code: "NODE_BEHIND" });
});
