import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, it } from "vitest";
import type { ClientContext } from "../../../src/client/context.ts";
import type { Entry } from "../../../src/client/lane/transaction.ts";
import type { WaitingNonce } from "../../../src/client/nonce/getNonceInfo.ts";
import { ownIn, ownStep } from "../../../src/client/nonce/ownStep.ts";
import type { Attempt } from "../../../src/journal/journal.ts";
import { toNonce } from "../../../src/protocol/brand.ts";
import { hashOf } from "../../support/fakeChain.ts";

const account = privateKeyToAccount(`0x${"1".repeat(64)}`);
const nonce = toNonce(7);
const signed = async (kind: Attempt["kind"], maxFeePerGas: bigint, digit: number): Promise<Attempt> => {
  const fees = { type: "eip1559", chainId: 1071, maxFeePerGas, maxPriorityFeePerGas: 1n } as const;
  const raw = await account.signTransaction({ ...fees, to: account.address, nonce, gas: 21_000n });
  return { kind, hash: hashOf(digit), raw, nonce, signedAt: 0 };
};
let checks = 0;
const entryOf = (...attempts: Attempt[]): Entry => ({
  transaction: {
    what: "a call",
    to: account.address,
    data: "0x",
    check: async () => {
      checks += 1;
    },
  },
  ...{ nonce, attempts, mined: undefined, sentAt: 0, answer: undefined, refusal: undefined, fate: undefined },
});
const waiting = (state: WaitingNonce["state"], hash?: Attempt["hash"]) =>
  ({
    what: "a call",
    nonce,
    state,
    hash,
    fees: undefined,
    gas: 21_000n,
    raw: undefined,
    since: 0,
  }) satisfies WaitingNonce;
const context = (entry?: Entry) =>
  ({
    maxFeePerGas: 1_000n,
    lanes: () => [{ address: account.address, holder: () => entry }],
  }) as unknown as ClientContext;
const now = { type: "eip1559", maxFeePerGas: 20n, maxPriorityFeePerGas: 1n } as const;
const stepOf = (entry: Entry, state: WaitingNonce["state"], baseFee = 10n) =>
  ownStep(context(), entry, waiting(state), { now, baseFee });

describe("what is done about a nonce that the client has signed in itself", () => {
  it("is a dearer cancel, where it is called off already and offers too little: it is no call any more", async () => {
    checks = 0;
    const entry = entryOf(await signed("confirm", 4n, 1), await signed("cancel", 8n, 2));
    expect(await stepOf(entry, "underpriced")).toMatchObject({ action: "cancel", why: "it offers too little" });
    expect(await stepOf(entry, "gap")).toMatchObject({ action: "cancel", why: "it offers too little" });
    expect(checks).toBe(0);
  });

  it("is the same cancel once more, where the pool has dropped one that offers enough", async () => {
    const cancel = await signed("cancel", 10n, 2);
    expect(await stepOf(entryOf(cancel), "gap")).toMatchObject({ action: "resend", raw: cancel.raw });
    expect(await stepOf(entryOf(cancel), "gap", 11n)).toMatchObject({ action: "cancel" });
  });

  it("is the call for more gas, where that offers too little and would still be taken", async () => {
    checks = 0;
    expect(await stepOf(entryOf(await signed("confirm", 8n, 1)), "underpriced")).toMatchObject({ action: "reprice" });
    expect(checks).toBe(1);
  });

  it("is nothing of the client's, where another's transaction waits in it", async () => {
    const entry = entryOf(await signed("confirm", 8n, 1));
    expect(ownIn(context(entry), account.address, waiting("underpriced", hashOf(1)))).toBe(entry);
    expect(ownIn(context(entry), account.address, waiting("gap"))).toBe(entry);
    expect(ownIn(context(entry), account.address, waiting("underpriced", hashOf(2)))).toBeUndefined();
  });
});
