import { EMPTY } from "rxjs";
import { describe, expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import { createScanner } from "../../../src/chain/scanner.ts";
import { toQuantity } from "../../../src/chain/wire.ts";
import { systemClock } from "../../../src/clock.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { answering, openEndpointStage, type Reply, refusing } from "../../support/endpointStage.ts";
import { hashOf, headAt } from "../../support/fakeChain.ts";
import type { RpcRequest } from "../../support/rpcServer.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");

const head = 100n;
const wire = (number: bigint) => ({
  ...{ number: toQuantity(number), hash: hashOf(number), parentHash: hashOf(number - 1n), timestamp: "0x65000000" },
});
const tag = ({ params: [block] }: RpcRequest) => (block === "safe" || block === "finalized" ? block : undefined);
/** A node at block 100, without events, that says of the tag what it is told to. */
const saying = (final: unknown): Reply =>
  answering((call) => {
    const { method, params } = call;
    if (method === "eth_blockNumber") return toQuantity(head);
    if (method === "eth_getLogs") return [];
    if (tag(call) !== undefined) return final;
    const number = params[0] === "latest" ? head : BigInt(params[0] as string);
    return number <= head ? wire(number) : null;
  });

const open = async (replies: readonly Reply[], finality: number | "safe" | "finalized" = "finalized") => {
  const stage = await openEndpointStage(replies);
  const { endpoints: rpc } = stage;
  const chain = createChain({
    ...{ rpc, socket$: EMPTY, deployment, finality, pollIntervalMs: 60_000 },
    ...{ clock: systemClock, report: () => undefined },
  });
  return { ...stage, chain };
};

describe("a node that tells of a final block above its head", () => {
  it("calls nothing final that comes after the head", async () => {
    const { chain } = await open([saying(wire(140n))]);
    expect(await chain.finalBlock(headAt(head))).toBe(head);
  });

  it("does not keep the scanner from reading up to the head", async () => {
    const { chain } = await open([saying(wire(140n))]);
    const scanner = createScanner(chain, {
      ...{ maxBlockRange: 2_000, rewind: 64 },
      ...{ onDeepReorg: () => undefined, onHeadBehind: () => undefined },
    });
    const from = { number: 90n, hash: hashOf(90) };
    expect((await scanner.step({ cursor: from, known: [from] }))?.cursor).toEqual({ number: head, hash: hashOf(head) });
  });
});

describe("a node that does not know the tag, beside one that does", () => {
  it.each<[string, Reply]>([
    ["answers null", saying(null)],
    [
      "takes it for a malformed number",
      (calls) => {
        const isTag = calls.some((call) => tag(call) !== undefined);
        return (isTag ? refusing("invalid argument 0: hex string without 0x prefix", -32602) : saying(null))(calls);
      },
    ],
  ])(
    "is no reason for nothing to be final, and stays the one that is asked for the rest: it %s",
    async (_, ignorant) => {
      for (const finality of ["safe", "finalized"] as const) {
        const { chain, endpoints, names } = await open([ignorant, saying(wire(97n))], finality);
        for (let turn = 0; turn < 3; turn++) expect(await chain.finalBlock(await chain.head())).toBe(97n);
        expect(endpoints.name).toBe(names[0]);
      }
    },
  );
});

it("nothing is final where no node knows of anything that is", async () => {
  const { chain } = await open([saying(null), saying(null)]);
  expect(await chain.finalBlock(headAt(head))).toBe(0n);
});
