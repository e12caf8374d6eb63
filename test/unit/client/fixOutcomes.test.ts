import { expect, it } from "vitest";
import type { ClientContext } from "../../../src/client/context.ts";
import { fixOutcomes } from "../../../src/client/nonce/fixOutcomes.ts";
import { toNonce } from "../../../src/protocol/brand.ts";
import { fakeChain, hashOf, headAt } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

it("a malformed answer is waited out as any other failure is: the replacement is on its way", async () => {
  const { clock, pass } = createVirtualTime();
  let heads = 0;
  const chain = fakeChain({
    // As the reader of a block fails on one without its fields.
    head: async () => (heads++ === 0 ? { ...headAt(100n), number: BigInt(undefined as never) } : headAt(100n)),
    minedNonce: async () => toNonce(8),
    receipt: async (hash) => ({
      ...{ hash, blockNumber: 100n, blockHash: hashOf(100), succeeded: true, gasUsed: 1n, gasPrice: 1n },
    }),
  });
  const sent = [{ nonce: 7, hash: hashOf(7), action: "cancel", refusal: undefined } as const];
  const context = { chain, clock, pollIntervalMs: 100 } as unknown as ClientContext;
  const outcomes = fixOutcomes(context, signerOfKey("1"), sent, 1_000);
  outcomes.catch(() => undefined);
  await pass(200);
  expect(await outcomes).toMatchObject([{ nonce: 7, outcome: "mined" }]);
});
