import type { Hash, Hex } from "../../src/protocol/brand.ts";
import { createBlockTimes } from "./blockTimes.ts";
import type { Faults } from "./faults.ts";
import type { Mempool, ModelTransaction } from "./mempool.ts";
import { type Block, includable, type ModelChain } from "./modelChain.ts";
import { applyAction, copyState } from "./modelContracts.ts";
import type { PoolWhims } from "./poolWhims.ts";
import type { Prng } from "./prng.ts";
import { createStrangers } from "./strangers.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtualTime.ts";

export type MinerDeps = {
  readonly chain: ModelChain;
  readonly pool: Mempool;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly time: VirtualTime;
  readonly trace: Trace;
  /** The keys of this run. */
  readonly signers: readonly Hex[];
  readonly poolWhims: PoolWhims;
  /** Blocks that a reorg takes back at most. */
  readonly maxReorgDepth: number;
  /** The chain has a base fee. */
  readonly eip1559: boolean;
  /** Whether a confirmation reverts, although it was tried before. */
  readonly isDoomed: () => boolean;
  readonly onTip: (tip: Block) => void;
};

const gwei = 1_000_000_000n;

/** Mines for ever: chooses from the pool, forks, drops transactions, lets the fee jump and a stranger use the key. */
export function startMiner(deps: MinerDeps): void {
  const { chain, pool, prng, faults, time, trace, signers, poolWhims, maxReorgDepth, eip1559, isDoomed, onTip } = deps;
  const fee = createBaseFee(deps);
  const blockTimes = createBlockTimes(prng, faults);
  const strangers = createStrangers(deps);
  let leftOutUntil = 0;

  const choose = (parent: Block, blockTime: number, baseFee: bigint, eagerness: number) => {
    const draft = copyState(parent.state);
    const chosen: ModelTransaction[] = [];
    const doomed = new Set<Hash>();
    const ofTheKeys = () => {
      if (time.now() < leftOutUntil && !faults.isOver()) return;
      for (const signer of signers) ofTheKey(signer);
    };
    const ofTheKey = (signer: Hex) => {
      for (const waiting of includable(pool, parent.state, signer, baseFee)) {
        if (!prng.chance(eagerness)) return;
        const older = pool.olderVersions(waiting).filter(({ key }) => key && key.maxFee >= baseFee);
        const isOlder = older.length > 0 && faults.strikes("an older version is mined");
        const transaction = isOlder ? prng.pick(older) : waiting;
        if (transaction.key?.by === "daemon" && transaction.action.type === "confirm" && isDoomed())
          doomed.add(transaction.hash);
        else applyAction(draft, transaction.action, blockTime);
        chosen.push(transaction);
      }
    };
    const ofTheActors = () => {
      for (const transaction of pool.all()) {
        if (transaction.key || !prng.chance(eagerness)) continue;
        const outcome = applyAction(draft, transaction.action, blockTime);
        // What it needs may still come, or come back after a reorg.
        if (!outcome.ok && (outcome.reason === "NotFound" || outcome.reason === "") && !faults.isOver()) continue;
        if (outcome.ok) chosen.push(transaction);
        else pool.remove(transaction.hash);
      }
    };
    const order = prng.chance(0.2) ? [ofTheKeys, ofTheActors] : [ofTheActors, ofTheKeys];
    for (const choices of order) choices();
    return { transactions: chosen, doomed };
  };

  const ofKeys = () => signers.flatMap((signer) => pool.ofAccount(signer));

  const mineOn = (parent: Block, seconds: number, eagerness: number): Block => {
    const blockTime = blockTimes(parent, seconds);
    const baseFee = fee(parent);
    const { transactions, doomed } = choose(parent, blockTime, baseFee, eagerness);
    for (const { hash } of transactions) pool.remove(hash);
    return chain.build(parent, { time: blockTime, baseFee: eip1559 ? baseFee : undefined, transactions, doomed });
  };

  const adopt = (tip: Block) => {
    const left = chain.adopt(tip);
    for (const { mined } of left) for (const { transaction } of mined) giveBack(transaction, tip);
    for (const { hash, key } of ofKeys()) {
      if (key && key.nonce < (tip.state.nonces.get(key.from) ?? 0)) pool.remove(hash);
    }
    trace.digest(`tip ${tip.number} ${tip.hash} ${tip.mined.length}`);
    onTip(tip);
  };

  /** What a reorg took back waits again, or is lost. */
  const giveBack = (transaction: ModelTransaction, tip: Block) => {
    const { hash, key } = transaction;
    if (chain.find(tip, hash) || pool.has(hash)) return;
    if (key === undefined) {
      if (!faults.strikes("transaction lost in a reorg")) pool.put(transaction);
      return;
    }
    if (key.nonce < (tip.state.nonces.get(key.from) ?? 0) || pool.holder(key.from, key.nonce)) return;
    if (!strangers.losesIt(transaction) && !faults.strikes("ours lost in a reorg")) pool.put(transaction);
  };

  const reorg = () => {
    const tip = chain.tip();
    const depth = Math.min(prng.between(1, maxReorgDepth), tip.number - 1);
    let block = chain.canonical(tip.number - depth) as Block;
    trace.note(`reorg: ${depth} blocks above ${block.number} are taken back`);
    const orphans: Block[] = [];
    for (let each: Block | undefined = tip; each && each !== block; each = each.parent) orphans.unshift(each);
    // The other branch had the same transactions in its pool.
    for (const { mined } of orphans) {
      for (const { transaction } of mined) if (transaction.key === undefined) pool.put(transaction);
    }
    const now = Math.floor(time.now() / 1000);
    for (let built = 0; built <= depth; built++) block = mineOn(block, now - depth + built, 0.5);
    for (const { mined } of orphans) {
      for (const { transaction } of mined) if (transaction.key === undefined) pool.remove(transaction.hash);
    }
    adopt(block);
  };

  const disturb = () => {
    if (faults.strikes("ours left out")) leftOutUntil = time.now() + prng.between(10_000, 60_000);
    strangers.disturb();
    const ours = ofKeys().filter(({ key }) => key?.by === "daemon");
    const dropped = ours.length > 0 && faults.strikes("mempool drop") ? prng.pick(ours) : undefined;
    if (dropped) {
      trace.note(`the pool drops nonce ${dropped.key?.nonce} ${dropped.hash.slice(0, 10)}`);
      pool.remove(dropped.hash);
    }
    poolWhims.disturb(ours);
  };

  const next = () => {
    time.after(faults.isOver() ? 2_000 : prng.pick([600, 1_000, 1_500, 2_000, 3_000, 6_000]), () => {
      disturb();
      const isDeep = maxReorgDepth > 0 && chain.tip().number > maxReorgDepth + 1;
      if (isDeep && (strangers.isTakenBack(chain.tip()) || faults.strikes("reorg"))) reorg();
      else adopt(mineOn(chain.tip(), Math.floor(time.now() / 1000), faults.isOver() ? 1 : 0.85));
      next();
    });
  };
  next();
}

/** A random walk around one gwei, with spikes. */
function createBaseFee({ prng, faults, trace }: MinerDeps): (parent: Block) => bigint {
  let factor = 1n;
  let spikeEnds = 0;
  return (parent) => {
    if (factor > 1n && (parent.number >= spikeEnds || faults.isOver())) factor = 1n;
    if (factor === 1n && faults.strikes("fee spike")) {
      factor = BigInt(prng.pick([3, 20, 100, 230, 900]));
      spikeEnds = parent.number + prng.between(3, 25);
      trace.note(`base fee times ${factor} until block ${spikeEnds}`);
    }
    return gwei * factor + BigInt(prng.between(0, 100_000_000)) * factor;
  };
}
