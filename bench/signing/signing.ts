import { type Hex, keccak256, recoverTransactionAddress, type TransactionSerialized } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { toNonce } from "../../src/protocol/brand.ts";
import { javascriptCurve } from "../../src/signer/javascriptCurve.ts";
import { loadNativeCurve } from "../../src/signer/nativeCurve.ts";
import { keyBytes, privateKeySigner } from "../../src/signer/privateKeySigner.ts";
import type { Signer, UnsignedTransaction } from "../../src/signer/signerPort.ts";
import { threadedSigner } from "../../src/signer/threadedSigner.ts";
import { atLeast, type Benchmark, type Row } from "../harness/benchmark.ts";
import { alternate } from "../harness/rounds.ts";

const privateKey: Hex = `0x${"7".repeat(64)}`;
const count = 500;

const transactions = (from: number): readonly UnsignedTransaction[] =>
  Array.from({ length: count }, (_, index) => ({
    chainId: 1071,
    to: "0x8661f4b9c30e07a04d795a192478dfd905625a1d",
    data: `0x13a8d3a4${"0".repeat(24)}2b0cc6058313801d5feb184a539e3a0c5a87a6a1`,
    nonce: toNonce(from + index),
    gas: 210_000n,
    fees: { type: "eip1559", maxFeePerGas: 30n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n },
  }));

type Work = (asked: readonly UnsignedTransaction[]) => Promise<unknown>;

/** Transactions a second. */
const paced = (work: Work) => async (asked: readonly UnsignedTransaction[]) => {
  const before = performance.now();
  await work(asked);
  return (asked.length / (performance.now() - before)) * 1_000;
};

const oneByOne = (signer: Signer) =>
  paced(async (asked) => {
    for (const each of asked) await signer.sign(each);
  });
const allAtOnce = (signer: Signer) => paced((asked) => Promise.all(asked.map((each) => signer.sign(each))));

/** What viem's user writes: sign, and recover the sender to be sure. */
function viemWork(check: boolean): Work {
  const account = privateKeyToAccount(privateKey);
  return async (asked) => {
    for (const { chainId, to, data, nonce, gas, fees } of asked) {
      const raw = await account.signTransaction({ chainId, to, data, nonce, gas, value: 0n, ...fees });
      if (check) await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized });
    }
  };
}

async function curveAlone(asked: readonly UnsignedTransaction[]): Promise<void> {
  const key = keyBytes(privateKey);
  for (const { nonce } of asked)
    javascriptCurve.sign(keccak256(`0x${nonce.toString(16).padStart(64, "0")}`, "bytes"), key);
}

function nativeSigner(): Signer | undefined {
  try {
    return privateKeySigner(privateKey, loadNativeCurve());
  } catch {
    return undefined;
  }
}

/** Signed and checked transactions a second, by one key. */
export const signing: Benchmark = {
  name: "signing",
  what: "signed and checked transactions a second, one key; the peer is viem, signing and recovering the sender",
  run: async ({ rounds, log }) => {
    const threaded = await threadedSigner({ privateKey });
    const direct = privateKeySigner(privateKey);
    const native = nativeSigner();
    if (native === undefined) log("the native curve is not installed: it is left out");
    const { medians, all } = await alternate(rounds, (number) => transactions(number * count + count), {
      thread: allAtOnce(threaded),
      threadOneByOne: oneByOne(threaded),
      direct: oneByOne(direct),
      viemChecked: paced(viemWork(true)),
      viemUnchecked: paced(viemWork(false)),
      curveAlone: paced(curveAlone),
      ...((native && { native: oneByOne(native) }) as { native: ReturnType<typeof oneByOne> }),
    });
    await threaded.close();
    const row = (label: string, ours: number): Row => ({
      label,
      unit: "tx/s",
      ours,
      peer: medians.viemChecked,
      limit: medians.curveAlone,
    });
    const { native: nativeRate } = medians as Partial<Record<"native", number>>;
    return {
      rows: [
        row("one thread, all at once", medians.thread),
        row("one thread, one by one", medians.threadOneByOne),
        row("no thread", medians.direct),
        ...(nativeRate === undefined ? [] : [row("no thread, native curve", nativeRate)]),
      ],
      goals: [atLeast("without a thread, against viem", medians.viemChecked, medians.direct)],
      detail: { count, viemUnchecked: medians.viemUnchecked, all },
    };
  },
};
