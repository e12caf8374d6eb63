import { beforeEach, describe, expect, it } from "vitest";
import { RefusedError } from "../../../src/client/errors.ts";
import { type PrepareDeps, prepare } from "../../../src/client/lane/prepare.ts";
import type { Transaction } from "../../../src/client/lane/transaction.ts";
import { wei } from "../../../src/protocol/brand.ts";
import { fakeChain } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";

/** What was asked, in order. */
let asked: string[];
beforeEach(() => {
  asked = [];
});

const gas = 51_500n;
const transaction: Transaction = {
  what: "a call",
  to: "0x00000000000000000000000000000000DeaDBeef",
  data: "0x",
  check: async () => void asked.push("check"),
  before: async () => void asked.push("before"),
};
const prepared = (prices: { readonly price: bigint; readonly balance: bigint }, changes: Partial<Transaction> = {}) => {
  const deps: PrepareDeps = {
    chain: fakeChain({
      fees: async () => {
        asked.push("fees");
        return { type: "legacy", gasPrice: prices.price };
      },
      balance: async () => wei(prices.balance),
    }),
    rpc: { name: "node", call: async <T>() => "0x5208" as T, batch: async () => [] },
    signer: signerOfKey("1"),
    maxFeePerGas: 1_000n,
  };
  return prepare(deps, { ...transaction, ...changes });
};

describe("what a call of the library takes", () => {
  it("is had at the ceiling of gas, and by an account that has just enough", async () => {
    const balance = 1_000n * gas;
    expect(await prepared({ price: 1_000n, balance })).toEqual({ gas, fees: { type: "legacy", gasPrice: 1_000n } });
  });

  it("is refused where gas costs more than the ceiling", async () => {
    const balance = 10n ** 18n;
    await expect(prepared({ price: 1_001n, balance })).rejects.toMatchObject({ code: "FEES_TOO_HIGH" });
  });

  it("is refused where the account lacks a wei of the gas, with what to send it", async () => {
    const balance = 1_000n * gas - 1n;
    await expect(prepared({ price: 1_000n, balance })).rejects.toMatchObject({
      code: "GAS_UNFUNDED",
      remedy: "send it 0.000000000000000001 OGPU or more",
    });
  });

  it("is asked for only once its own checks have passed", async () => {
    const balance = 10n ** 18n;
    await prepared({ price: 1n, balance });
    expect(asked).toEqual(["check", "before", "fees"]);
    const refuse = async () => {
      throw new RefusedError("it would revert", { code: "REVERTED" });
    };
    for (const changes of [{ check: refuse }, { before: refuse }]) {
      asked = [];
      await expect(prepared({ price: 1n, balance }, changes)).rejects.toMatchObject({ code: "REVERTED" });
      expect(asked).not.toContain("fees");
    }
  });
});
