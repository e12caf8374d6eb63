import { EMPTY } from "rxjs";
import { describe, expect, it } from "vitest";
import { createChain } from "../../../src/chain/createChain.ts";
import type { HttpRpc, RpcCall } from "../../../src/chain/jsonRpc.ts";
import { systemClock } from "../../../src/clock.ts";
import { RetryableError } from "../../../src/errors.ts";
import type { AccountAddress } from "../../../src/protocol/brand.ts";
import { deploymentOn } from "../../../src/protocol/chains.ts";
import { address, headAt, response } from "../../support/fakeChain.ts";

const deployment = deploymentOn(1071);
if (deployment === undefined) throw new TypeError("no deployment to test with");
const account = address<AccountAddress>(0x51);
const head = headAt(100n);

/** A chain whose only node has one block, and answers that to whatever else it is asked. */
const chainThatSays = (said: unknown) => {
  const answer = ({ method }: RpcCall) => ({
    result: method === "eth_getBlockByNumber" ? { ...head, number: "0x64" } : said,
  });
  const rpc: HttpRpc = {
    name: "an endpoint",
    batch: async (calls) => calls.map(answer),
    call: async <T>(method: string, ...params: readonly unknown[]) => answer({ method, params }).result as T,
  };
  return createChain({
    ...{ rpc, socket$: EMPTY, deployment, finality: 1, pollIntervalMs: 60_000 },
    ...{ clock: systemClock, report: () => undefined },
  });
};

describe("an estimate of gas", () => {
  it.each<[string, unknown]>([
    ["what a call to an account without code takes", "0x5498"],
    ["nothing", "0x0"],
    ["more than a transaction may have", "0x1000001"],
    ["all that fits into 63 bits", "0x7fffffffffffffff"],
    ["no number", "0x"],
    ["null", null],
  ])("of %s is not gone by: what were signed with it would revert, or be refused for good", async (_, said) => {
    await expect(chainThatSays(said).simulateConfirm(account, response)).rejects.toThrow(RetryableError);
  });

  it.each([60_000n, 193_688n, 16_777_216n])("of %s is", async (gas) => {
    const said = `0x${gas.toString(16)}`;
    expect(await chainThatSays(said).simulateConfirm(account, response)).toEqual({ ok: true, gas });
  });
});

describe("a count of transactions", () => {
  it.each<[string, unknown]>([
    ["0x", "0x"],
    ["null", null],
    ["a decimal number", "7"],
    ["an empty list", []],
    ["more than a number holds", "0x20000000000000"],
  ])("that is %s is nobody's nonce", async (_, said) => {
    const chain = chainThatSays(said);
    await expect(chain.minedNonce(account)).rejects.toThrow(RetryableError);
    await expect(chain.minedNonce(account, 100n, head)).rejects.toThrow(RetryableError);
    await expect(chain.minedNonceElsewhere(account, 100n)).rejects.toThrow(RetryableError);
    await expect(chain.pendingNonce(account)).rejects.toThrow(RetryableError);
    await expect(chain.minedElsewhere(account, [])).rejects.toThrow(RetryableError);
  });

  it("may be written with zeros in front, or in upper case", async () => {
    expect(await chainThatSays("0x000A").minedNonce(account)).toBe(10);
  });
});

describe.each<[string, unknown]>([
  ["0x", "0x"],
  ["null", null],
  ["a word", "much"],
  ["a fraction", 0.5],
  ["an object", {}],
])("what an account has, or gas costs, is no number where a node says %s", (_, said) => {
  it("and that node has not answered", async () => {
    const node = chainThatSays(said);
    const noAnswer = {
      name: "EndpointError",
      message: expect.stringMatching(/^the endpoint an endpoint did not answer/),
    };
    await expect(node.balance(account)).rejects.toMatchObject(noAnswer);
    await expect(node.fees()).rejects.toMatchObject(noAnswer);
  });
});
