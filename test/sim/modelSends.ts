import { keccak256, parseTransaction } from "viem";
import type { Hex } from "../../src/protocol/brand.ts";
import { senderOf } from "./actors.ts";
import type { ModelTransaction } from "./mempool.ts";
import { type NodeAnswer, refusal } from "./modelAnswers.ts";
import { confirmedBy } from "./modelCalls.ts";
import type { Block } from "./modelChain.ts";
import type { NodeDeps, NodeOptions } from "./modelNode.ts";

/** Reads a raw transaction of one of the daemon's keys. */
export function readRaw(raw: Hex): ModelTransaction {
  const {
    nonce = 0,
    data = "0x",
    gas = 0n,
    gasPrice,
    maxFeePerGas = 0n,
    maxPriorityFeePerGas = 0n,
  } = parseTransaction(raw);
  const response = confirmedBy(data);
  const hash = keccak256(raw);
  const sender = senderOf(hash);
  return {
    hash,
    action: response === undefined ? { type: "transfer" } : { type: "confirm", response, sender },
    key: {
      from: sender,
      nonce,
      maxFee: gasPrice ?? maxFeePerGas,
      tip: gasPrice ?? maxPriorityFeePerGas,
      gas,
      by: "daemon",
    },
  };
}

/** `eth_sendRawTransaction`: the pool's rules, and the answers that mean something else than they say. */
export function createSendAnswers(
  { chain, pool, faults, refuses, poolWhims }: NodeDeps,
  { replacementPerMille, refusesBelowBaseFee }: NodeOptions,
  head: () => Block,
): (raw: Hex) => NodeAnswer {
  const own = poolWhims.ofNode();
  return (raw) => {
    const transaction = readRaw(raw);
    const { hash, key } = transaction;
    if (key === undefined) return refusal("invalid sender");
    const signer = key.from;
    if (pool.has(hash) || own.has(hash)) return refusal("already known");
    if (key.nonce < (head().state.nonces.get(signer) ?? 0)) {
      return refusal(`nonce too low: next nonce ${head().state.nonces.get(signer)}, tx nonce ${key.nonce}`);
    }
    // What another node has mined already cannot come back into the pool that all nodes share here.
    if (chain.find(chain.tip(), hash)) return refusal("already known");
    if (key.nonce < (chain.tip().state.nonces.get(signer) ?? 0)) return { result: hash };
    if (refuses(transaction)) return refusal("exceeds block gas limit");
    if (faults.strikes("pool is full")) return refusal("txpool is full");
    if (faults.strikes("underpriced")) return refusal("transaction underpriced");
    if (refusesBelowBaseFee && key.maxFee < (head().baseFee ?? 0n)) {
      return refusal("max fee per gas less than block base fee");
    }
    const before = pool.holder(signer, key.nonce);
    const holder = before?.key;
    if (holder && !(isRaised(key.maxFee, holder.maxFee) && isRaised(key.tip, holder.tip))) {
      return refusal("replacement transaction underpriced");
    }
    if (own.keeps(hash)) return { result: hash };
    pool.put(transaction);
    const word = poolWhims.taken(transaction, before);
    if (word !== undefined) return refusal(word);
    return faults.strikes("already known") ? refusal("already known") : { result: hash };
  };

  function isRaised(now: bigint, before: bigint): boolean {
    return now * 1000n >= before * replacementPerMille;
  }
}
