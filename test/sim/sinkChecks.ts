import type { Hash, Hex } from "../../src/protocol/brand.ts";
import { isClosed } from "../../src/protocol/statuses.ts";
import type { ConfirmationRow } from "./journalReader.ts";
import type { ModelTransaction } from "./mempool.ts";
import type { Block, ModelChain } from "./modelChain.ts";
import type { Truth } from "./truth.ts";

export type SinkChecksDeps = {
  readonly chain: ModelChain;
  readonly truth: Truth;
  /** Wei per gas: what the daemon is told to offer at the most. */
  readonly maxFeePerGas: bigint;
  /** The newest block that can no longer be taken back. */
  readonly finalBlock: () => Block;
  /** Whose key signed the newest attempt of a confirmation. */
  readonly signerOf: (id: number) => Hex | undefined;
  readonly fail: (invariant: string, what: string) => void;
};

/** What the oracle asks of the sink beside who is paid. */
export type SinkChecks = {
  /** A transaction was handed to an endpoint. */
  readonly sent: (transaction: ModelTransaction) => void;
  /** A node called it hopeless. */
  readonly refused: (transaction: ModelTransaction) => void;
  /** Whether nodes refused what would pay this task often enough to give it up. */
  readonly isRefused: (task: Hex) => boolean;
  /** The confirmations as they are durable now. */
  readonly journalled: (rows: readonly ConfirmationRow[]) => void;
};

/** The same bytes three times, where no other ones can be made of them: less is no reason to give up. */
const refusalsToGiveUp = 3;

type Offer = { readonly hash: Hash; readonly maxFee: bigint; readonly tip: bigint };

export function createSinkChecks({
  chain,
  truth,
  maxFeePerGas,
  finalBlock,
  signerOf,
  fail,
}: SinkChecksDeps): SinkChecks {
  /** By key and nonce. */
  const offers = new Map<string, Offer[]>();
  const before = new Map<number, ConfirmationRow>();
  const refusals = new Map<Hex, number>();
  const refusedBytes = new Set<Hash>();

  const isRefused = (task: Hex): boolean => (refusals.get(task) ?? 0) >= refusalsToGiveUp;
  const refused: SinkChecks["refused"] = ({ hash, action }) => {
    refusedBytes.add(hash);
    const task = action.type === "confirm" ? truth.responses.get(action.response)?.task : undefined;
    if (task !== undefined) refusals.set(task, (refusals.get(task) ?? 0) + 1);
  };

  const sent: SinkChecks["sent"] = ({ hash, key, action }) => {
    if (key === undefined) return;
    const { from, nonce, maxFee, tip } = key;
    const slot = `${from} ${nonce}`;
    if (maxFee > maxFeePerGas) fail("fee-ceiling", `nonce ${nonce} offers ${maxFee} wei, above ${maxFeePerGas}`);
    if (tip > maxFee) fail("fee-ceiling", `nonce ${nonce} tips ${tip} wei of ${maxFee}`);
    const known = offers.get(slot) ?? [];
    if (known.some((offer) => offer.hash === hash)) return;
    const last = known.at(-1);
    // Nodes want an eighth more on both fields, or keep what they have; of what they refuse for good they have nothing.
    const isFree = last && refusedBytes.has(last.hash) && maxFee >= last.maxFee && tip >= last.tip;
    // What uses the nonce up offers the same where an eighth more would pass the ceiling: a pool may have dropped the other.
    const isAtCeiling = last && action.type === "transfer" && (last.maxFee * 1125n + 999n) / 1000n > maxFeePerGas;
    const isSame = isAtCeiling && maxFee === last.maxFee && tip === last.tip;
    if (last && !isFree && !isSame && (maxFee * 8n < last.maxFee * 9n || tip * 8n < last.tip * 9n)) {
      fail("replaced-by-an-eighth", `nonce ${nonce}: ${maxFee}/${tip} replaces ${last.maxFee}/${last.tip}`);
    }
    offers.set(slot, [...known, { hash, maxFee, tip }]);
  };

  /** Whether somebody settled it, or its time is over, where nothing takes that back. */
  const isSettled = (task: Hex): boolean => {
    const { state, time } = finalBlock();
    const found = state.tasks.get(task);
    return found !== undefined && (isClosed(found.status) || found.expiryTime < time);
  };

  const changed = (row: ConfirmationRow, last: ConfirmationRow | undefined) => {
    const { id, task, state, mined_hash: hash, mined_block: block } = row;
    const what = `confirmation ${id} of task ${task} is ${state}`;
    if (state === "mined" && (hash === null || block === null || !chain.wasMined(hash, block))) {
      fail("mined-is-mined", `${what}: no block ${block} has ever held ${hash}`);
    }
    if (state === "final" && (hash === null || !chain.find(finalBlock(), hash))) {
      fail("final-is-final", `${what}: ${hash} is in no block that is final`);
    }
    if (state === "superseded" && !isSettled(task)) fail("final-is-final", `${what}, and the task is not, finally`);
    if (state === "dead" && !row.reason.startsWith("it reverted") && !isRefused(task)) {
      fail("dead-for-a-reason", `${what}, and nodes refused it ${refusals.get(task) ?? 0} times`);
    }
    const gaveNonceUp = (state === "intended" || state === "cancelled" || state === "dead") && last?.nonce != null;
    if (gaveNonceUp && (finalBlock().state.nonces.get(signerOf(id) ?? "0x") ?? 0) <= (last.nonce ?? 0)) {
      fail("nonce-freed-when-used", `${what}, and nothing is final in nonce ${last.nonce}`);
    }
  };

  return {
    sent,
    refused,
    isRefused,
    journalled: (rows) => {
      for (const row of rows) {
        const last = before.get(row.id);
        if (last?.state === row.state && last.nonce === row.nonce) continue;
        changed(row, last);
        before.set(row.id, row);
      }
    },
  };
}
