import type { Hex } from "../../src/protocol/brand.ts";
import type { Faults } from "./faults.ts";
import type { Mempool, ModelTransaction } from "./mempool.ts";
import { type Block, includable, type ModelChain } from "./modelChain.ts";
import type { Prng } from "./prng.ts";
import type { Trace } from "./trace.ts";
import { modelHash } from "./words.ts";

export type StrangersDeps = {
  readonly chain: ModelChain;
  readonly pool: Mempool;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly trace: Trace;
  /** The keys of this run. */
  readonly signers: readonly Hex[];
};

/** Somebody who has the keys, too. */
export type Strangers = {
  /** Between two blocks: uses a key once, or often. */
  readonly disturb: () => void;
  /** Whether what was just mined of theirs is taken back with its block, for good. */
  readonly isTakenBack: (tip: Block) => boolean;
  /** What a reorg took back. */
  readonly losesIt: (transaction: ModelTransaction) => boolean;
};

const gwei = 1_000_000_000n;

export function createStrangers({ chain, pool, prng, faults, trace, signers }: StrangersDeps): Strangers {
  let count = 0;
  let takesBack = false;

  const put = (from: Hex, nonce: number) => {
    const holder = pool.holder(from, nonce)?.key;
    const maxFee = (holder?.maxFee ?? 50n * gwei) * 2n;
    trace.note(`a stranger uses the key: nonce ${nonce}`);
    pool.put({
      hash: modelHash(0x57, count++),
      action: { type: "transfer" },
      key: { from, nonce, maxFee, tip: (holder?.tip ?? gwei) * 2n, by: "stranger" },
    });
  };
  const nextOf = (signer: Hex) => chain.tip().state.nonces.get(signer) ?? 0;

  /** Each nonce in the place of what the daemon has there, and some after it. */
  const burst = () => {
    const signer = prng.pick(signers);
    const from = nextOf(signer) + prng.between(0, pool.ofAccount(signer).length);
    const times = prng.between(2, 8);
    for (let nonce = from; nonce < from + times; nonce++) put(signer, nonce);
  };

  /** What can never be mined, because what came before it is lost, they give up in the end. */
  const giveUp = () => {
    for (const signer of signers) {
      const alive = includable(pool, chain.tip().state, signer, 0n);
      for (const each of pool.ofAccount(signer))
        if (each.key?.by === "stranger" && !alive.includes(each)) pool.remove(each.hash);
    }
  };

  return {
    disturb: () => {
      if (faults.isOver()) return giveUp();
      if (faults.strikes("stranger")) {
        const signer = prng.pick(signers);
        put(signer, nextOf(signer) + (prng.chance(0.5) ? 0 : pool.ofAccount(signer).length));
      }
      if (faults.strikes("stranger's burst")) burst();
    },
    isTakenBack: (tip) => {
      takesBack = tip.mined.some(isTheirs) && faults.strikes("stranger taken back");
      return takesBack;
    },
    losesIt: (transaction) => takesBack && isTheirs({ transaction }),
  };
}

const isTheirs = ({ transaction }: { readonly transaction: ModelTransaction }): boolean =>
  transaction.key?.by === "stranger";
