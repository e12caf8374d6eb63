import { RetryableError } from "../errors.ts";
import { nexusAbi, sourceAbi, taskAbi, terminalAbi } from "../protocol/abi.ts";
import type { SourceAddress, TaskAddress } from "../protocol/brand.ts";
import { wei } from "../protocol/brand.ts";
import { amountIn } from "./amountIn.ts";
import { askTwice, orBelow } from "./askTwice.ts";
import type { ChainPort, Head } from "./chainPort.ts";
import { createConfirmLogs } from "./confirmLogs.ts";
import { confirmData, type Preview } from "./confirmPreviews.ts";
import { read, readAll, readOne } from "./contractReads.ts";
import type { Endpoints } from "./endpoints/createEndpoints.ts";
import { type EventReadsDeps, eventReads } from "./eventReads.ts";
import { feesFrom, type TipBounds } from "./fees.ts";
import { createForesight } from "./foresight.ts";
import { gasEstimate } from "./gasEstimate.ts";
import { createHeadReader } from "./headReader.ts";
import { type HttpRpc, sendMethod } from "./jsonRpc.ts";
import { minedNonceFrom, newestMinedNonce, pendingNonceFrom } from "./minedNonce.ts";
import { minedRevert } from "./minedRevert.ts";
import { createNewestBlock, lacksBlock } from "./newestBlock.ts";
import { noAnswer, notTaken } from "./notTaken.ts";
import { stretchBy } from "./pages.ts";
import { createPaymentStandings } from "./paymentStandings.ts";
import { createPreviews } from "./previewsAtOnce.ts";
import { providerReads } from "./providerReads.ts";
import { lacksReceipt, minedBy, receiptMethod, receiptReads } from "./receiptReads.ts";
import { revertReason } from "./revertReason.ts";
import { blockRead, sourceReads, toSource } from "./snapshot.ts";
import { createSnapshotReader } from "./snapshotReader.ts";
import { chainStreams, type StreamsDeps } from "./streams.ts";
import { responsesOf, taskStandings } from "./taskStandings.ts";
import { createTaskTerms } from "./taskTerms.ts";
import { latest, toQuantity, type WireBlock } from "./wire.ts";

export type ChainDeps = StreamsDeps &
  EventReadsDeps & {
    /** When a block can no longer be taken back: blocks on top of it, or the node's own word. */
    readonly finality: number | "safe" | "finalized";
    /** Two endpoints of which neither answers for the other. @default `rpc`, twice */
    readonly apart?: () => readonly [HttpRpc, HttpRpc];
    /** Asks another endpoint first for a method than the one that answers it. @default nothing: there is no other */
    readonly passOver?: Endpoints["passOver"];
    /** Bounds of the tip. @default none */
    readonly tip?: TipBounds;
  };

const lacksTask = (answer: Preview | Error): boolean => !(answer instanceof Error) && answer.taskStatus === undefined;

/** The `ChainPort` of a real node: JSON-RPC over HTTP, and a WebSocket where there is one. */
export function createChain(deps: ChainDeps): ChainPort {
  const { rpc, deployment, apart = () => [rpc, rpc] } = deps;
  const newest = createNewestBlock(deps.clock.now);

  const head = createHeadReader({ rpc, newest, report: deps.report });

  /** Reads at the newest block; once more, lower, where only the socket knows that one. */
  const atNewest = async <T>(read: (at: bigint) => Promise<T>, lacks: (value: T) => boolean): Promise<T> => {
    if (newest.at() === 0n) await head();
    const at = newest.at();
    const value = await read(at).catch((error: unknown) => {
      if (lacksBlock(error) && newest.lacking(at)) return undefined;
      throw error;
    });
    if (value !== undefined && !(lacks(value) && newest.lacking(at))) return value;
    await head();
    return read(newest.at());
  };

  const shownBy = (block: Head | undefined, number: bigint) => {
    if (block) newest.shown(block.number);
    else newest.missed(number);
    return block;
  };

  const call = <T>(...args: Parameters<typeof read<T>>): Promise<T | undefined> => readOne(rpc, read<T>(...args));

  const missing = (what: string, block: bigint) => {
    newest.missed(block);
    return new RetryableError(`${rpc.name} does not have ${what} in block ${block}`, { code: "NODE_BEHIND" });
  };

  const simulateConfirm: ChainPort["simulateConfirm"] = async (from, response) => {
    try {
      const transaction = { from, to: deployment.controller, data: confirmData(response) };
      return { ok: true, gas: gasEstimate(rpc.name, await rpc.call("eth_estimateGas", transaction)) };
    } catch (error) {
      const reason = revertReason(error);
      if (reason === undefined) throw error;
      return { ok: false, reason };
    }
  };

  const broadcastAll: ChainPort["broadcastAll"] = async (raws) => {
    try {
      const answers = await rpc.batch(raws.map((raw) => ({ method: sendMethod, params: [raw] })));
      return answers.map((answer) => ("error" in answer ? notTaken(answer.error) : { ok: true }));
    } catch (error) {
      return raws.map(() => notTaken(error));
    }
  };

  const foresight = createForesight(deployment.controller, deps.clock.now);
  const previews = createPreviews({
    rpc,
    controller: deployment.controller,
    now: deps.clock.now,
    simulate: ({ from, response }) => simulateConfirm(from, response),
  });

  const snapshots = createSnapshotReader({ rpc, now: deps.clock.now, foresight, newest: newest.at, head, missing });

  return {
    ...chainStreams(deps, {
      head,
      heard: newest.heard,
      onUp: newest.forgetSocket,
      onHead: ({ hash }) => foresight.sawHead(hash),
    }),
    head,

    block: async (number) => shownBy(await readOne(rpc, blockRead(toQuantity(number))), number),

    ...eventReads(deps, missing),

    finalBlock: async ({ number }) => {
      const { finality } = deps;
      if (typeof finality === "number") return number > BigInt(finality) ? number - BigInt(finality) : 0n;
      const final = await rpc.call<WireBlock | null>("eth_getBlockByNumber", finality, false);
      const told = final === null ? 0n : BigInt(final.number);
      // A node may tell more than it has: nothing above the head is there to be final.
      return told < number ? told : number;
    },

    blocks: async (lower, upper) => {
      const numbers = Array.from({ length: Number(upper - lower) + 1 }, (_, offset) => lower + BigInt(offset));
      const reads = numbers.map((number) => blockRead(toQuantity(number)));
      return (await readAll(rpc, reads)).map((block, offset) => shownBy(block, lower + BigInt(offset)));
    },

    source: async (address, since) => {
      // The block first: a node that takes it in between the answers would have given what was before it.
      const reads = [blockRead(toQuantity(since)), ...sourceReads(address, latest)] as const;
      const [block, params, status] = await readAll(rpc, reads);
      return toSource(address, params, status) ?? (block === undefined ? "behind" : undefined);
    },

    sourceOfTask: async (address, since) => {
      // As above.
      const reads = [blockRead(toQuantity(since)), read<string>(taskAbi, address, "getSource", [], latest)] as const;
      const [block, source] = await readAll(rpc, reads);
      if (source === undefined) return block === undefined ? "behind" : undefined;
      return source.toLowerCase() as SourceAddress;
    },

    tasksOfSource: async (address, first) => {
      const count = Number((await call<bigint>(sourceAbi, address, "getTaskCount", [], latest)) ?? 0n);
      const { found, ...rest } = await stretchBy<TaskAddress>(rpc, first, count, (page) =>
        read(sourceAbi, address, "getTasks", page, latest),
      );
      return { tasks: found, ...rest };
    },

    responsesOfTask: async (address) => {
      const attempts = Number((await call<bigint>(taskAbi, address, "getAttemptCount", [], latest)) ?? 0n);
      return (await responsesOf(rpc, address, attempts)).found;
    },

    standings: (tasks) => taskStandings(rpc, tasks),

    termsByTwo: askTwice(apart, (each) => createTaskTerms(each, deps.clock.now, missing)),
    paymentsByTwo: orBelow(askTwice(apart, (each) => createPaymentStandings(each, deps.clock.now, missing))),

    sources: async (first) => {
      const { nexus } = deployment;
      const count = Number((await call<bigint>(nexusAbi, nexus, "getSourceCount", [], latest)) ?? 0n);
      const { found, ...rest } = await stretchBy<SourceAddress>(rpc, first, count, (page) =>
        read(nexusAbi, nexus, "getSources", page, latest),
      );
      return { sources: found, ...rest };
    },

    hasAgentAmong: async (client, accounts, since) => {
      const reads = accounts.map((account) =>
        read<boolean>(terminalAbi, deployment.terminal, "getIsAgentOf", [client, account], latest),
      );
      // As above.
      const [block, ...answers] = await readAll(rpc, [blockRead(toQuantity(since)), ...reads]);
      return answers.includes(true) || (block === undefined ? "behind" : false);
    },

    ...snapshots,

    snapshot: async (task, source, responses, block) => {
      if (block !== undefined) return snapshots.snapshot(task, source, responses, block);
      return atNewest(
        async (at) => {
          const found = await snapshots.snapshot(task, source, responses, at);
          newest.found(at);
          // An event that came before the socket was doubted may be of a block that HTTP is about to have.
          if (newest.isAwaited() && found.responses.length < responses.length) throw missing("every response", at);
          return found;
        },
        () => false,
      );
    },

    providerStakes: async (providers, at) => {
      const asked = providers.map((provider) => providerReads(deployment, provider, toQuantity(at)));
      const answers: readonly unknown[] = await readAll(
        rpc,
        asked.flatMap(({ reads }) => reads),
      );
      let from = 0;
      return asked.map(({ reads, decode }, index) => {
        const stake = decode(answers.slice(from, from + reads.length));
        from += reads.length;
        if (stake === undefined) throw missing(`the stake of ${providers[index]}`, at);
        return stake;
      });
    },

    simulateConfirm,

    previews: async (asks) => {
      if (asks.length === 0) return [];
      const readAt = async (at: bigint) => {
        const recalled = asks.map((ask) => foresight.recall(ask, at));
        const unknown = asks.filter((_, index) => recalled[index] === undefined);
        const read = unknown.length === 0 ? [] : await previews(unknown, at);
        const answers = read.values();
        return recalled.map((each) => each ?? answers.next().value ?? new TypeError("a preview is missing"));
      };
      return atNewest(readAt, (answers) => answers.some((each) => lacksBlock(each) || lacksTask(each)));
    },

    revertOf: (reverted) => minedRevert(rpc, reverted),

    fees: async (urgent = false) => feesFrom(rpc, { urgent, ...deps.tip }),

    minedNonce: minedNonceFrom(rpc, missing),
    minedNonceElsewhere: newestMinedNonce(deps.elsewhere ?? rpc),

    pendingNonce: pendingNonceFrom(rpc),
    pendingNonceElsewhere: pendingNonceFrom(deps.elsewhere ?? rpc),

    balance: async (account) => wei(amountIn(rpc, "balance", await rpc.call("eth_getBalance", account, "latest"))),

    broadcast: async (raw) => (await broadcastAll([raw]))[0] ?? noAnswer,
    broadcastAll,

    ...receiptReads(rpc, missing),
    minedElsewhere: minedBy(deps.elsewhere ?? rpc),
    passOverForReceipts: async (there, why) => deps.passOver?.(receiptMethod, why, (each) => lacksReceipt(each, there)),

    confirmedIn: createConfirmLogs({ rpc, nexus: deployment.nexus, now: deps.clock.now }),
  };
}
