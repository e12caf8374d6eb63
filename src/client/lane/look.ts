import type { ChainPort, Receipt } from "../../chain/chainPort.ts";
import { RpcError } from "../../chain/jsonRpc.ts";
import { BaseError, describeError, RetryableError } from "../../errors.ts";
import type { Attempt } from "../../journal/journal.ts";
import { type Hex, type Nonce, wei } from "../../protocol/brand.ts";
import type { Signer } from "../../signer/signerPort.ts";
import { replacementFees } from "../../sink/fees.ts";
import { nextStep } from "../../sink/nextStep.ts";
import { readAttempt, transferOfNothing } from "../../sink/replace.ts";
import { maxCostOf } from "../../sink/signAttempts.ts";
import type { Entry } from "./transaction.ts";

export type LookDeps = {
  readonly chain: ChainPort;
  readonly signer: Signer;
  readonly chainId: number;
  readonly now: () => number;
  /** Wei per gas. */
  readonly maxFeePerGas: bigint;
  /** Milliseconds without a receipt after which bytes are sent again, dearer where that may help. */
  readonly rebroadcastAfterMs: number;
};

/** What one look found. */
export type Sight = { readonly head: bigint; readonly final: bigint; readonly displaced: readonly Entry[] };

/**
 * Looks once at everything in flight, by the rules of the daemon's own sink: what has a receipt is mined; what was out for
 * long is checked and sent again, dearer; what the chain would refuse by now is called off in its own nonce.
 * @throws RetryableError if the endpoint does not answer; nothing is lost.
 */
export async function look(deps: LookDeps, entries: readonly Entry[]): Promise<Sight> {
  const { chain, signer } = deps;
  const newest = await chain.head();
  const head = newest.number;
  const final = await chain.finalBlock(newest);
  // The count comes before the receipts: what it counts was mined before they are read.
  const finalNonce = await finalNonceOf(chain, signer, final);
  const hashes = entries.flatMap(({ attempts }) => attempts.map(({ hash }) => hash));
  const answers = await chain.receipts(hashes);
  const found = new Map(answers.flatMap((each) => (each && !(each instanceof Error) ? [[each.hash, each]] : [])));
  const failed = answers.find((each) => each instanceof Error);
  if (failed) throw failed;
  const displaced: Entry[] = [];
  for (const entry of entries) {
    const { sentAt, sentAtBlock } = entry;
    const step = nextStep(entry, {
      final,
      finalNonce,
      receipts: entry.attempts.flatMap(({ hash }) => found.get(hash) ?? []),
      sinceBroadcastMs: sentAt === undefined ? undefined : deps.now() - sentAt,
      sinceBroadcastBlocks: sentAtBlock === undefined ? undefined : head - sentAtBlock,
      rebroadcastAfterMs: deps.rebroadcastAfterMs,
    });
    switch (step.type) {
      case "mined":
      case "final":
        entry.mined = minedBy(entry, step.receipt);
        break;
      case "vanished":
        entry.mined = undefined;
        await send(deps, entry, head);
        break;
      case "rebroadcast":
        // One that cannot be checked now must not hold up the others.
        await sendAgain(deps, entry, { stuck: step.stuck, head }).catch((error) => {
          entry.answer = describeError(error);
        });
        break;
      case "displaced":
        // The count and the receipts may have come from two nodes: one that has the final block must have them.
        if (
          (
            await chain.receiptsAt(
              entry.attempts.map(({ hash }) => hash),
              final,
            )
          ).length === 0
        )
          displaced.push(entry);
        break;
      case "stay":
        break;
      default:
        step satisfies never;
    }
  }
  return { head, final, displaced };
}

async function finalNonceOf(chain: ChainPort, { address }: Signer, final: bigint): Promise<Nonce | undefined> {
  try {
    return await chain.minedNonce(address, final);
  } catch (error) {
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}

function minedBy({ attempts }: Entry, receipt: Receipt): Entry["mined"] {
  const { hash, blockNumber, succeeded, gasUsed, gasPrice } = receipt;
  const kind = attempts.find((attempt) => attempt.hash === hash)?.kind ?? "confirm";
  return { hash, blockNumber, succeeded, kind, fee: gasUsed * gasPrice };
}

async function sendAgain(
  deps: LookDeps,
  entry: Entry,
  { stuck, head }: { readonly stuck: boolean; readonly head: bigint },
): Promise<void> {
  const newest = entry.attempts.at(-1);
  if (newest === undefined) return;
  try {
    if (newest.kind === "confirm") await entry.transaction.check();
  } catch (error) {
    if (error instanceof RetryableError || !(error instanceof BaseError) || error instanceof RpcError) throw error;
    entry.refusal = error;
    await dearer(deps, entry, newest, "cancel");
    // Where that would pass the ceiling, nothing goes out: least of all what is refused by now.
    return entry.attempts.at(-1)?.kind === "cancel" ? send(deps, entry, head) : undefined;
  }
  if (stuck) await dearer(deps, entry, newest, newest.kind);
  return send(deps, entry, head);
}

/** Signs the newest attempt anew, for more, in its nonce; at the ceiling the old bytes stay the newest. */
async function dearer(deps: LookDeps, entry: Entry, newest: Attempt, kind: Attempt["kind"]): Promise<void> {
  const { fees, call } = readAttempt(newest);
  const better = replacementFees(fees, await deps.chain.fees(true), deps.maxFeePerGas);
  if (better === undefined) return;
  const { signer, chainId } = deps;
  const next =
    kind === "cancel"
      ? transferOfNothing(signer.address, entry.nonce, better)
      : { ...call, nonce: entry.nonce, fees: better };
  const signed = await signer.sign({ ...next, chainId });
  entry.attempts.push({ kind, ...signed, nonce: entry.nonce, signedAt: deps.now(), maxCost: wei(maxCostOf(next)) });
}

/** Sends the newest bytes. Whatever the node answers, the nonce stays taken. */
export async function send(
  { chain, now }: Pick<LookDeps, "chain" | "now">,
  entry: Entry,
  head?: bigint,
): Promise<void> {
  const raw: Hex | undefined = entry.attempts.at(-1)?.raw;
  if (raw === undefined) return;
  const answer = await chain.broadcast(raw);
  entry.sentAt = now();
  entry.sentAtBlock = head;
  entry.answer = answer.ok ? undefined : answer.message;
}
