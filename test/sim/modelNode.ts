import { keccak256, parseTransaction } from "viem";
import type { TriedAnswer } from "../../src/chain/callsFrom.ts";
import type { RpcCall } from "../../src/chain/jsonRpc.ts";
import type { Hash, Hex } from "../../src/protocol/brand.ts";
import type { Deployment } from "../../src/protocol/chains.ts";
import { eventTopics, type RpcLog } from "../../src/protocol/events.ts";
import { senderOf } from "./actors.ts";
import type { Faults } from "./faults.ts";
import type { Lies } from "./lies.ts";
import type { Mempool, ModelTransaction } from "./mempool.ts";
import { callView, confirmedBy, isContract, revertBytes } from "./modelCalls.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import { type Action, applyAction, copyState, type ModelState } from "./modelContracts.ts";
import { readCalls, writeAnswers } from "./modelTries.ts";
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
  /** Whether this node calls a transaction hopeless. */
  readonly refuses: (transaction: ModelTransaction) => boolean;
};

export type NodeAnswer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } };

export type ModelNode = {
  /** Newest block that this node knows of, or says it does. */
  readonly head: () => Block;
  readonly follow: (block: Block) => void;
  readonly answer: (call: RpcCall) => NodeAnswer;
};

type LogFilter = {
  readonly address?: Hex | readonly Hex[];
  readonly topics?: readonly (Hex | readonly Hex[] | null)[];
  readonly fromBlock?: string;
  readonly toBlock?: string;
  readonly blockHash?: Hash;
};

const refusal = (message: string, code = -32000, data?: unknown): NodeAnswer => ({
  error: { code, message, ...(data === undefined ? {} : { data }) },
});

const gasOfConfirm = 120_000;

/** One node: what it answers follows from its own head, which may lag behind, or stand on a branch that others left. */
export function createModelNode(deps: NodeDeps, options: NodeOptions): ModelNode {
  const { chain, pool, prng, faults, lies } = deps;
  let head = chain.tip();

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

  const receipt = (hash: Hash): NodeAnswer => {
    const found = chain.find(head, hash);
    if (found === undefined || faults.strikes("receipt withheld")) return { result: null };
    const { block, mined } = found;
    return {
      result: {
        transactionHash: hash,
        blockNumber: quantity(block.number),
        blockHash: block.hash,
        transactionIndex: quantity(block.mined.indexOf(mined)),
        status: mined.succeeded ? "0x1" : "0x0",
        gasUsed: quantity(gasOfConfirm),
        effectiveGasPrice: quantity((block.baseFee ?? 1_000_000_000n) + 1n),
        logs: [],
      },
    };
  };

  const trace = (hash: Hash): NodeAnswer => {
    const found = chain.find(head, hash);
    if (found === undefined) return refusal("transaction not found");
    const { succeeded, reason } = found.mined;
    return { result: succeeded ? { type: "CALL" } : { error: "execution reverted", output: revertBytes(reason) } };
  };

  const count = (account: Hex, tag: unknown): NodeAnswer => {
    const block = blockAt(tag);
    if (block === undefined) return refusal("header not found");
    let next = block.state.nonces.get(account.toLowerCase() as Hex) ?? 0;
    if (tag === "pending") while (pool.holder(account.toLowerCase() as Hex, next)) next++;
    if (tag === "latest" && faults.strikes("count too high")) next += prng.pick([1, 5, 1_000_000]);
    return { result: quantity(next) };
  };

  const logs = createLogAnswers(deps, options, { head: () => head, blockAt, known });
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
        return { result: quantity(head.number) };
      case "eth_getBlockByNumber":
        return { result: lies.ofTime(blockAt(first)?.wire) ?? null };
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
        return options.takesTraces ? trace(first) : refusal("the method debug_traceTransaction does not exist", -32601);
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
    follow: (block) => {
      head = block;
    },
    answer,
  };
}

const reverted = (reason: string): NodeAnswer =>
  reason === ""
    ? refusal("execution reverted", 3, "0x")
    : refusal(`execution reverted: ${reason}`, 3, revertBytes(reason));

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

type Views = {
  readonly head: () => Block;
  readonly blockAt: (tag: unknown) => Block | undefined;
  readonly known: (hash: Hash) => Block | undefined;
};

const matches = (log: RpcLog, { address, topics }: LogFilter): boolean => {
  const addresses = address === undefined ? undefined : [address].flat().map((each) => each.toLowerCase());
  if (addresses && !addresses.includes(log.address)) return false;
  return (topics ?? []).every((topic, index) => topic === null || [topic].flat().includes(log.topics[index] as Hex));
};

/** The sink asks for these alone. What is withheld from it is no lie to the intake, which must find everything. */
const isOfConfirmations = ({ topics }: LogFilter): boolean =>
  [topics?.[0] ?? []].flat().join() === eventTopics.ResponseStatusChanged;

/** `eth_getLogs`, with what a node behind a balancer does to it. */
function createLogAnswers(
  { chain, prng, faults, onLie, isHidden }: NodeDeps,
  { logLimit }: NodeOptions,
  { head, blockAt, known }: Views,
): (filter: LogFilter) => NodeAnswer {
  const readBlock = (block: Block, filter: LogFilter, isNewest: boolean): readonly RpcLog[] => {
    const logs = block.logs.filter((log) => matches(log, filter) && !isHidden(log));
    if (logs.length === 0) return logs;
    if (isOfConfirmations(filter)) {
      return faults.strikes("some confirmations' logs withheld") ? logs.filter(() => prng.chance(0.5)) : logs;
    }
    if (isNewest && faults.strikes("newest logs withheld")) {
      onLie(block);
      return [];
    }
    if (faults.strikes("some logs withheld")) {
      onLie(block);
      return logs.filter(() => prng.chance(0.5));
    }
    return logs;
  };
  return (filter) => {
    const blocks: Block[] = [];
    if (filter.blockHash !== undefined) {
      const block = known(filter.blockHash);
      if (block === undefined) return refusal("unknown block");
      blocks.push(block);
    } else {
      const from = Number(
        filter.fromBlock === undefined ? head().number : (blockAt(filter.fromBlock)?.number ?? filter.fromBlock),
      );
      const to = Math.min(head().number, blockAt(filter.toBlock)?.number ?? head().number);
      if (from > head().number + 1_000) return refusal("invalid block range params");
      for (let number = from; number <= to; number++) {
        const block = chain.at(head(), number);
        if (block) blocks.push(block);
      }
    }
    if (isOfConfirmations(filter)) {
      if (faults.strikes("confirmations' logs refused")) return refusal("query timeout exceeded");
      if (faults.strikes("confirmations' logs withheld")) return { result: [] };
      if (faults.strikes("confirmations' logs of a branch that is gone")) {
        blocks.splice(0, blocks.length, ...blocks.map((block) => prng.pick([block, ...chain.besides(block)])));
      }
    }
    const all = blocks.flatMap((block) => readBlock(block, filter, block.number >= head().number - 1));
    if (blocks.length > 1 && all.length > logLimit) {
      return refusal(`query returned more than ${logLimit} results`, -32005);
    }
    if (all.length > 0 && !isOfConfirmations(filter) && faults.strikes("logs withheld")) {
      for (const block of blocks) if (block.logs.length > 0) onLie(block);
      return { result: [] };
    }
    if (all.length > 1 && faults.strikes("logs shuffled")) return { result: shuffle(all, prng) };
    return { result: all };
  };
}

function shuffle<T>(items: readonly T[], prng: Prng): readonly T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = prng.between(0, i);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}

/** Reads a raw transaction of one of the daemon's keys. */
export function readRaw(raw: Hex): ModelTransaction {
  const { nonce = 0, data = "0x", gasPrice, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(raw);
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
      by: "daemon",
    },
  };
}

/** `eth_sendRawTransaction`: the pool's rules, and the answers that mean something else than they say. */
function createSendAnswers(
  { chain, pool, faults, refuses }: NodeDeps,
  { replacementPerMille, refusesBelowBaseFee }: NodeOptions,
  head: () => Block,
): (raw: Hex) => NodeAnswer {
  return (raw) => {
    const transaction = readRaw(raw);
    const { hash, key } = transaction;
    if (key === undefined) return refusal("invalid sender");
    const signer = key.from;
    if (pool.has(hash)) return refusal("already known");
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
    const holder = pool.holder(signer, key.nonce)?.key;
    if (holder && !(isRaised(key.maxFee, holder.maxFee) && isRaised(key.tip, holder.tip))) {
      return refusal("replacement transaction underpriced");
    }
    pool.put(transaction);
    return faults.strikes("already known") ? refusal("already known") : { result: hash };
  };

  function isRaised(now: bigint, before: bigint): boolean {
    return now * 1000n >= before * replacementPerMille;
  }
}
