import type { TriedAnswer } from "../../src/chain/callsFrom.ts";
import type { RpcCall } from "../../src/chain/jsonRpc.ts";
import type { Hash, Hex } from "../../src/protocol/brand.ts";
import type { Deployment } from "../../src/protocol/chains.ts";
import type { RpcLog } from "../../src/protocol/events.ts";
import type { FarHead } from "./farHeads.ts";
import type { Faults } from "./faults.ts";
import type { Lies } from "./lies.ts";
import type { Mempool, ModelTransaction } from "./mempool.ts";
import { type NodeAnswer, refusal, reverted } from "./modelAnswers.ts";
import { callView, confirmedBy, isContract, revertBytes } from "./modelCalls.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import { type Action, applyAction, copyState, type ModelState } from "./modelContracts.ts";
import { createLogAnswers } from "./modelLogs.ts";
import { createReceiptAnswers, gasOfConfirm, traceOf } from "./modelReceipts.ts";
import { createSendAnswers } from "./modelSends.ts";
import { readCalls, writeAnswers } from "./modelTries.ts";
import type { PoolWhims } from "./poolWhims.ts";
import type { Prng } from "./prng.ts";
import { quantity } from "./words.ts";

/** What all nodes of a run have in common. */
export type NodeOptions = {
  readonly chainId: number;
  readonly deployment: Deployment;
  /** Logs that one `eth_getLogs` over a range of blocks answers at most. */
  readonly logLimit: number;
  /** Lists of the contracts revert past their end. */
  readonly strictPages: boolean;
  /** Blocks below the head that `finalized` is; half of it is `safe`. */
  readonly finalizedDepth: number;
  /** Per mille of the fee that a replacement must offer. */
  readonly replacementPerMille: bigint;
  /** Nodes answer `eth_call` with an account's code replaced; others pass over that. */
  readonly takesOverrides: boolean;
  /** Nodes trace what was mined. */
  readonly takesTraces: boolean;
  /** Nodes refuse what offers less than the base fee. */
  readonly refusesBelowBaseFee: boolean;
};

export type NodeDeps = {
  readonly chain: ModelChain;
  readonly pool: Mempool;
  readonly prng: Prng;
  readonly faults: Faults;
  /** Logs of this block were withheld from somebody. */
  readonly onLie: (block: Block) => void;
  /** Logs that no node ever answers: a planted loss. */
  readonly isHidden: (log: RpcLog) => boolean;
  /** What this node says where it lies. */
  readonly lies: Lies;
  /** What this node says of its head. */
  readonly farHead: FarHead;
  readonly poolWhims: PoolWhims;
  readonly now: () => number;
  /** Whether this node calls a transaction hopeless. */
  readonly refuses: (transaction: ModelTransaction) => boolean;
};

export type ModelNode = {
  /** Newest block that this node knows of, or says it does. */
  readonly head: () => Block;
  /** What it calls its head. */
  readonly told: () => Block["wire"];
  readonly follow: (block: Block) => void;
  readonly answer: (call: RpcCall) => NodeAnswer;
};

/** One node: what it answers follows from its own head, which may lag behind, or stand on a branch that others left. */
export function createModelNode(deps: NodeDeps, options: NodeOptions): ModelNode {
  const { chain, pool, prng, faults, lies, farHead } = deps;
  let head = chain.tip();
  /** When it first told of a block, in virtual milliseconds. */
  const seenAt = new Map<Hash, number>([[head.hash, deps.now()]]);

  const blockAt = (tag: unknown): Block | undefined => {
    if (tag === "latest" || tag === "pending" || tag === undefined) return head;
    if (tag === "earliest") return chain.at(head, 0);
    if (tag === "finalized") return chain.at(head, Math.max(0, head.number - options.finalizedDepth));
    if (tag === "safe") return chain.at(head, Math.max(0, head.number - (options.finalizedDepth >> 1)));
    if (typeof tag === "object" && tag !== null && "blockHash" in tag) return known(tag.blockHash as Hash);
    return chain.at(head, Number(tag));
  };

  /** A node knows the branches that it was on; a block above its head it does not. */
  const known = (hash: Hash): Block | undefined => {
    const block = chain.byHash(hash);
    return block && block.number <= head.number ? block : undefined;
  };

  const view = (state: ModelState, asked: { readonly to: Hex; readonly data: Hex }) => {
    const truth = () => callView(state, options.deployment, asked, options.strictPages);
    return lies.ofTask(state, asked, truth) ?? truth();
  };
  /** When a confirmation that is tried on a block would be mined. */
  const minedAt = ({ state, time }: Block, response: Hex): number =>
    lies.ofExpiry(state, response) ? 2 ** 33 : time + 1;

  const call = ({ from, to, data }: { from?: Hex; to?: Hex; data?: Hex }, tag: unknown): NodeAnswer => {
    const block = blockAt(tag);
    if (block === undefined) return refusal("header not found");
    if (data !== undefined && confirmedBy(data) !== undefined) {
      const tried = estimate({ ...(from && { from }), data }, tag);
      return "error" in tried ? tried : { result: "0x" };
    }
    if (to === undefined || data === undefined) return refusal("execution reverted", 3, "0x");
    const answer = view(block.state, { to, data });
    return answer.ok ? { result: answer.data } : reverted(answer.reason);
  };

  /** The calls of `callsFrom`, one after the other, on a state that each may change. */
  const tries = (account: Hex, data: Hex, tag: unknown): NodeAnswer => {
    const block = blockAt(tag);
    if (block === undefined) return refusal("header not found");
    const draft = copyState(block.state);
    const answers = readCalls(data).map(({ to, data: its, gas = 0n }): TriedAnswer => {
      const response = confirmedBy(its);
      if (response === undefined) {
        const seen = view(draft, { to, data: its });
        return seen.ok ? seen : { ok: false, data: seen.reason === "" ? "0x" : revertBytes(seen.reason) };
      }
      if (gas < BigInt(gasOfConfirm - 21_000)) return { ok: false, data: "0x" };
      const outcome = applyAction(draft, { type: "confirm", response, sender: account }, minedAt(block, response));
      return outcome.ok ? { ok: true, data: "0x" } : { ok: false, data: revertBytes(outcome.reason) };
    });
    return { result: writeAnswers(answers) };
  };

  const estimate = ({ from, data = "0x" }: { from?: Hex; to?: Hex; data?: Hex }, tag: unknown): NodeAnswer => {
    const block = blockAt(tag);
    if (block === undefined) return refusal("header not found");
    const response = confirmedBy(data);
    if (response === undefined || from === undefined) return { result: quantity(21_000) };
    const action: Action = { type: "confirm", response, sender: from.toLowerCase() as Hex };
    const outcome = applyAction(copyState(block.state), action, minedAt(block, response));
    return outcome.ok ? { result: quantity(gasOfConfirm) } : reverted(outcome.reason);
  };

  const count = (account: Hex, tag: unknown): NodeAnswer => {
    const block = blockAt(tag);
    if (block === undefined) return refusal("header not found");
    let next = block.state.nonces.get(account.toLowerCase() as Hex) ?? 0;
    if (tag === "pending") {
      if (faults.strikes("pending count too low")) return { result: quantity(Math.max(0, next - prng.between(1, 3))) };
      while (pool.holder(account.toLowerCase() as Hex, next)) next++;
    }
    if (tag === "latest" && faults.strikes("count too high")) next += prng.pick([1, 5, 1_000_000]);
    else if (tag === "latest" && next > 0 && faults.strikes("count goes back")) next -= 1;
    return { result: quantity(next) };
  };

  const logs = createLogAnswers(deps, options, { head: () => head, blockAt, known });
  const receipt = createReceiptAnswers(
    deps,
    () => head,
    (hash) => seenAt.get(hash) ?? 0,
  );
  const send = createSendAnswers(deps, options, () => head);

  const answer = ({ method, params }: RpcCall): NodeAnswer => {
    const [first, second, overrides] = params as [never, unknown, object | undefined];
    switch (method) {
      case "eth_chainId":
        return { result: quantity(options.chainId) };
      case "web3_clientVersion":
        return { result: "model/1.0" };
      case "eth_syncing":
        return { result: false };
      case "eth_blockNumber":
        return { result: quantity(farHead.number(head)) };
      case "eth_getBlockByNumber":
        return { result: lies.ofTime(first === "latest" ? farHead.latest(head) : blockAt(first)?.wire) ?? null };
      case "eth_getBlockByHash":
        return { result: known(first)?.wire ?? null };
      case "eth_getLogs":
        return logs(first);
      case "eth_call": {
        if (overrides === undefined || !options.takesOverrides) return call(first, second);
        const { to, data } = first as { to: Hex; data: Hex };
        return tries(to, data, second);
      }
      case "eth_estimateGas":
        return estimate(first, second);
      case "eth_getTransactionReceipt":
        return receipt(first);
      case "debug_traceTransaction":
        return options.takesTraces
          ? traceOf(chain, head, first)
          : refusal("the method debug_traceTransaction does not exist", -32601);
      case "eth_getTransactionCount":
        return count(first, second);
      case "eth_sendRawTransaction":
        return send(first);
      case "eth_gasPrice":
        return { result: quantity((head.baseFee ?? 1_000_000_000n) + 1_000_000_000n) };
      case "eth_maxPriorityFeePerGas":
        return head.baseFee === undefined ? refusal("not supported", -32601) : { result: quantity(1_000_000_000) };
      case "eth_feeHistory":
        return { result: feeHistory(head, Number(first)) };
      case "eth_getBalance":
        return { result: quantity(10n ** 20n) };
      case "eth_getCode":
        return {
          result: isContract(head.state, options.deployment, (first as Hex).toLowerCase() as Hex) ? "0x60" : "0x",
        };
      default:
        return refusal(`the method ${method} does not exist/is not available`, -32601);
    }
  };

  return {
    head: () => head,
    told: () => farHead.latest(head),
    follow: (block) => {
      for (let each: Block | undefined = block; each && !seenAt.has(each.hash); each = each.parent)
        seenAt.set(each.hash, deps.now());
      head = block;
    },
    answer,
  };
}

function feeHistory(head: Block, blocks: number): unknown {
  const some: Block[] = [];
  for (let block: Block | undefined = head; block && some.length < Math.max(1, blocks); block = block.parent)
    some.unshift(block);
  const fee = quantity(head.baseFee ?? 0n);
  return {
    oldestBlock: quantity(some[0]?.number ?? 0),
    baseFeePerGas: [...some.map(({ baseFee }) => quantity(baseFee ?? 0n)), fee],
    gasUsedRatio: some.map(() => 0.5),
    reward: some.map(() => [quantity(1_000_000_000)]),
  };
}
