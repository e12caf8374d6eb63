import type { Hash, Hex } from "../../src/protocol/brand.ts";
import { isClosed, TaskStatus } from "../../src/protocol/statuses.ts";
import { type CeilingChecks, createCeilingChecks } from "./ceilingChecks.ts";
import type { Guardrails } from "./guardrails.ts";
import type { JournalReader } from "./journalReader.ts";
import type { Mempool, ModelTransaction } from "./mempool.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import { readRaw } from "./modelSends.ts";
import { createNonceChecks } from "./nonceChecks.ts";
import { createSinkChecks } from "./sinkChecks.ts";
import type { Truth } from "./truth.ts";

export type Violation = {
  /** Which invariant, by a name that does not change. */
  readonly invariant: string;
  readonly what: string;
};

export type OracleDeps = {
  readonly chain: ModelChain;
  readonly pool: Mempool;
  readonly truth: Truth;
  /** The keys of this run. */
  readonly signers: readonly Hex[];
  /** Wei per gas: what the daemon is told to offer at the most. */
  readonly maxFeePerGas: bigint;
  /** Blocks on top of one until it can no longer be taken back. */
  readonly finalDepth: number;
  /** `undefined` before the journal was opened for the first time. */
  readonly journal: () => JournalReader | undefined;
  readonly guardrails: Guardrails;
  /** Whether a node has told of more transactions of a key than any block counts. */
  readonly isMiscounted: () => boolean;
  /** Virtual milliseconds. */
  readonly now: () => number;
  /** Highest block that any node has answered for. */
  readonly highest: () => number;
};

/** Knows everything, and compares. Each check answers by `violation`; the first one stands. */
export type Oracle = {
  readonly violation: () => Violation | undefined;
  readonly fail: (invariant: string, what: string) => void;
  readonly ceilings: CeilingChecks;
  /** These bytes were handed to an endpoint. */
  readonly sent: (raw: Hex) => void;
  /** A node called these bytes hopeless. */
  readonly refused: (transaction: ModelTransaction) => void;
  /** Logs of this block were withheld: only the sweep can find what it held. */
  readonly lied: (block: Block) => void;
  /** The daemon says that a node withheld events. */
  readonly complained: () => void;
  readonly committed: () => void;
  readonly tipped: (tip: Block) => void;
  /** What is still to be done before the run can end well. */
  readonly open: () => readonly Violation[];
  /** What must hold when nothing is left to be done. */
  readonly checkEnd: () => void;
};

const revertsToGiveUp = 3;

type Sent = { readonly from: Hex; readonly nonce: number; readonly hash: Hash; readonly task: Hex };

export function createOracle(deps: OracleDeps): Oracle {
  const { chain, pool, truth, signers, finalDepth, guardrails, journal, highest } = deps;
  const sentOfTask = new Map<Hex, Sent[]>();
  /** By key and nonce. */
  const taskOfNonce = new Map<string, Hex>();
  const lies = new Set<Hash>();
  let violation: Violation | undefined;
  let checkedTo = -1;
  /** What stands above it is the scanner's to find; below, the first sweep's. */
  let firstCursor: number | undefined;

  const fail = (invariant: string, what: string) => {
    violation ??= { invariant, what };
  };

  const finalNumber = () => Math.max(0, chain.tip().number - finalDepth);
  const finalBlock = () => chain.canonical(finalNumber()) as Block;
  const finalNonce = (from: Hex) => finalBlock().state.nonces.get(from) ?? 0;
  const sink = createSinkChecks({ ...deps, finalBlock, signerOf: (id) => journal()?.signerOf(id), fail });
  const ceilings = createCeilingChecks({ ...deps, finalBlock, fail });
  const nonces = createNonceChecks({ ...deps, fail });

  const sent = (raw: Hex) => {
    const transaction = readRaw(raw);
    const { hash, action, key } = transaction;
    if (!journal()?.hasSigned(hash))
      fail("durable-before-broadcast", `${hash} was broadcast and is not in the journal`);
    sink.sent(transaction);
    ceilings.sent(transaction);
    if (action.type !== "confirm" || key === undefined) return;
    const response = truth.responses.get(action.response);
    if (response === undefined) return fail("approved-only", `${action.response} is no response`);
    const { task } = response;
    const why = `response ${action.response} of task ${task}`;
    if (!response.isApproved) fail("approved-only", `${why}: the policy does not approve it`);
    if (!truth.tasks.get(task)?.isOurs) fail("approved-only", `${why}: the task is not the daemon's to pay`);
    const { from } = key;
    const slot = `${from} ${key.nonce}`;
    const holder = taskOfNonce.get(slot);
    if (holder !== undefined && holder !== task && finalNonce(from) <= key.nonce) {
      fail("one-task-a-nonce", `nonce ${key.nonce} was signed for ${holder} and for ${task}`);
    }
    taskOfNonce.set(slot, task);
    const before = sentOfTask.get(task) ?? [];
    const other = before.find((each) => !(each.nonce === key.nonce && each.from === from) && mayStillPay(each));
    // Bytes that a process which stood still sends again at last, in a nonce that is used up for good, are not live.
    if (other && mayStillPay({ from, nonce: key.nonce, hash, task })) {
      fail("one-live-confirmation", `task ${task} is signed in nonce ${other.nonce} and in nonce ${key.nonce}`);
    }
    if (!before.some((each) => each.hash === hash)) before.push({ from, nonce: key.nonce, hash, task });
    sentOfTask.set(task, before);
  };

  /** A nonce is harmless once another transaction has it for good. */
  const mayStillPay = ({ from, nonce, task }: Sent): boolean => {
    if (finalNonce(from) <= nonce) return true;
    const final = finalBlock();
    return (sentOfTask.get(task) ?? []).some(
      (each) => each.from === from && each.nonce === nonce && chain.find(final, each.hash)?.mined.succeeded,
    );
  };

  /** Watched events of a block that the journal does not hold, of those tasks that matter. */
  const missingOf = (block: Block, reader: JournalReader, matters: (task: Hex) => boolean): readonly string[] =>
    block.mined.flatMap(({ transaction: { action }, succeeded }) => {
      if (!succeeded || !(action.type === "publishTask" || action.type === "submit")) return [];
      if (!truth.tasks.get(action.task)?.isWatched) return [];
      const isOfTask = action.type === "publishTask";
      if (isOfTask ? reader.hasTask(action.task) : reader.hasResponse(action.response)) return [];
      if (!matters(action.task)) return [];
      return [isOfTask ? `task ${action.task}` : `response ${action.response}`];
    });

  const setsAgentOf = (block: Block, client: Hex) =>
    block.mined.some(({ transaction: { action } }) => action.type === "setAgent" && action.client === client);

  /**
   * Whether who reads a block can know that a task in it is the daemon's. Its client may have authorised the daemon later, or dismissed it
   * since, on a branch that a node stood on at least; or a node withheld that it did.
   */
  const isKnowable = (task: Hex, { number }: Block): boolean => {
    const client = truth.tasks.get(task)?.byAgentOf;
    if (client === undefined) return true;
    const isAgent = ({ state }: Block) => signers.some((signer) => state.agents.has(`${client}/${signer}`));
    for (let at = 0; at <= chain.tip().number; at++) {
      const block = chain.canonical(at) as Block;
      if (at < number && lies.has(block.hash) && setsAgentOf(block, client)) return false;
      if (at >= number && ![block, ...chain.besides(block)].every(isAgent)) return false;
    }
    return true;
  };

  /** The sweep finds what logs did not tell, of tasks that are open; what else there was is of no use any more. */
  const isOpen = (address: Hex): boolean => {
    const task = chain.tip().state.tasks.get(address);
    return task !== undefined && !isClosed(task.status) && task.expiryTime > chain.tip().time;
  };

  const committed = () => {
    const reader = journal();
    if (reader) for (const checks of [sink, ceilings]) checks.journalled(reader.confirmations());
    nonces.committed();
    const cursor = reader?.cursor();
    if (reader === undefined || cursor === undefined) return;
    if (cursor.number > highest()) {
      fail("checkpoint-readable", `the checkpoint is at ${cursor.number}, no node has answered above ${highest()}`);
    }
    if (chain.byHash(cursor.hash)?.number !== cursor.number) {
      fail("checkpoint-readable", `the checkpoint ${cursor.number} ${cursor.hash} is no block`);
    }
    firstCursor ??= cursor.number;
    if (chain.canonical(cursor.number)?.hash !== cursor.hash) return;
    const to = Math.min(cursor.number, finalNumber());
    checkedTo = Math.max(checkedTo, firstCursor);
    for (; checkedTo < to; checkedTo++) {
      const block = chain.canonical(checkedTo + 1) as Block;
      if (lies.has(block.hash)) continue;
      const missing = missingOf(block, reader, (task) => isKnowable(task, block));
      if (missing.length > 0) {
        const list = missing.join(", ");
        fail(
          "no-event-lost",
          `the checkpoint is at ${cursor.number}, and the journal lacks of ${block.number}: ${list}`,
        );
      }
    }
  };

  /**
   * Of the confirmations of a task that the daemon has on the canonical chain, one pays, and it is the last: another one
   * may have reverted before it, finally; after it, nothing of ours may be mined for this task, not even to revert.
   */
  const checkMined = (from: number, to: number) => {
    const paidIn = new Map<Hex, number>();
    for (let number = from; number <= to; number++) {
      for (const { transaction, succeeded } of chain.canonical(number)?.mined ?? []) {
        const { action, key } = transaction;
        if (action.type !== "confirm" || key?.by !== "daemon") continue;
        const task = truth.responses.get(action.response)?.task ?? action.response;
        const other = paidIn.get(task);
        if (other !== undefined) {
          const how = succeeded ? "paid" : "mined";
          fail("mined-once", `task ${task} was paid in nonce ${other}, and ${how} again in nonce ${key.nonce}`);
        }
        if (succeeded) paidIn.set(task, key.nonce);
      }
    }
  };

  const tipped = (tip: Block) => {
    nonces.tipped(tip);
    checkMined(Math.max(0, tip.number - 4 * finalDepth - 8), tip.number);
  };

  /** Nodes refused it for good, or it has reverted often enough. */
  const isHopeless = (task: Hex): boolean => sink.isRefused(task) || revertsOf(task) >= revertsToGiveUp;

  const revertsOf = (task: Hex): number => {
    const places = (sentOfTask.get(task) ?? []).map(({ hash }) => chain.find(finalBlock(), hash));
    return places.filter((place) => place?.mined.succeeded === false).length;
  };

  /**
   * Tasks with an approved response, open and unexpired to the end: the daemon owes each of them a confirmation, but where
   * nodes refused it for good.
   */
  const unpaid = (reader: JournalReader): readonly Violation[] => {
    const tip = chain.tip();
    const dead = new Set(
      reader.confirmations().flatMap(({ task, state }) => (state === "dead" && isHopeless(task) ? [task] : [])),
    );
    const { tasks, responses } = tip.state;
    return [...tasks.values()].flatMap((task) => {
      if (
        guardrails.dryRun ||
        !truth.tasks.get(task.address)?.isOurs ||
        dead.has(task.address) ||
        task.expiryTime <= tip.time
      )
        return [];
      if (task.status !== TaskStatus.RESPONDED) return [];
      const approved = [...responses.values()].find(
        (each) => each.task === task.address && truth.responses.get(each.address)?.isApproved,
      );
      return approved ? [{ invariant: "paid", what: `task ${task.address} has ${approved.address}, unpaid` }] : [];
    });
  };

  const open = (): readonly Violation[] => {
    const reader = journal();
    if (reader === undefined) return [{ invariant: "running", what: "there is no journal" }];
    const found = [...unpaid(reader)];
    for (const { task, state, nonce } of reader.confirmations()) {
      if (!["intended", "signed", "broadcast", "mined"].includes(state)) continue;
      found.push({ invariant: "settled", what: `task ${task}: its confirmation is ${state} (nonce ${nonce})` });
    }
    for (const signer of signers) {
      const waiting = pool.ofAccount(signer);
      if (waiting.length > 0) {
        found.push({
          invariant: "nothing-pending",
          what: `${waiting.length} transactions of ${signer} wait in the pool`,
        });
      }
      const highestNonce = reader.highestNonce(signer);
      const mined = chain.tip().state.nonces.get(signer) ?? 0;
      if (highestNonce !== undefined && highestNonce >= mined) {
        found.push({ invariant: "no-gap", what: `nonce ${highestNonce} is signed, ${signer} stands at ${mined}` });
      }
    }
    for (let number = 0; number <= finalNumber(); number++) {
      const block = chain.canonical(number) as Block;
      const isFirsthand = number > (firstCursor ?? 0) && !lies.has(block.hash);
      const missing = missingOf(block, reader, (task) => (isFirsthand && isKnowable(task, block)) || isOpen(task));
      if (missing.length > 0) {
        found.push({ invariant: "journal-complete", what: `block ${number}: the journal lacks ${missing.join(", ")}` });
      }
    }
    return found;
  };

  const checkEnd = () => {
    const reader = journal();
    if (reader === undefined) return;
    const tip = chain.tip();
    checkMined(0, tip.number);
    const paidBy = new Map<Hash, Hex>();
    for (let number = 0; number <= tip.number; number++) {
      for (const { transaction, succeeded } of chain.canonical(number)?.mined ?? []) {
        const { action, key, hash } = transaction;
        if (action.type !== "confirm" || key?.by !== "daemon" || !succeeded) continue;
        paidBy.set(hash, truth.responses.get(action.response)?.task as Hex);
      }
    }
    // Row by row, by what each of them signed: one that was given up must not have paid, whatever became of the task.
    for (const { id, task, state, mined_hash: hash, reason } of reader.confirmations()) {
      const signed = reader.attemptsOf(id);
      const paid = signed.filter((each) => paidBy.has(each));
      for (const each of paid) paidBy.delete(each);
      const told = `task ${task}: the journal says ${state} (${hash}, ${reason}), the chain that ${paid} paid`;
      const isTrue = state === "final" ? paid.length === 1 && paid[0] === hash : paid.length === 0;
      if (!isTrue) fail("journal-true", told);
      if (state === "rejected" && signed.length > 0) fail("journal-true", `${told}; ${signed} were signed`);
    }
    for (const [hash, task] of paidBy) fail("journal-true", `task ${task} was paid by ${hash}, which nothing signed`);
  };

  return {
    violation: () => violation,
    fail,
    ceilings,
    sent,
    refused: sink.refused,
    lied: ({ hash }) => void lies.add(hash),
    complained: () => {
      if (lies.size === 0) fail("no-false-alarm", "the daemon says that events were missed, and no node withheld any");
    },
    committed,
    tipped,
    open,
    checkEnd,
  };
}
