import { DatabaseSync } from "node:sqlite";
import { EMPTY, type Observable } from "rxjs";
import { type HttpRpc, type RpcCall, sendMethod } from "../../src/chain/jsonRpc.ts";
import type { Attempt, Confirmation, Journal } from "../../src/journal/journal.ts";
import { type Hex, toNonce } from "../../src/protocol/brand.ts";
import type { RpcLog } from "../../src/protocol/events.ts";
import { eventTopics } from "../../src/protocol/events.ts";
import { signers } from "./actors.ts";
import type { Focus } from "./faults.ts";
import { readRaw } from "./modelSends.ts";

/** The ports of one daemon, as a planted bug may replace them. */
export type Ports = {
  readonly journal: Journal;
  readonly rpc: HttpRpc;
  /** Where second opinions come from. @default `rpc` */
  readonly second: HttpRpc | undefined;
  readonly sweepTicks$: Observable<unknown>;
};

export type PlantContext = {
  /** The journal's file. */
  readonly path: string;
  /** The daemon may die here. */
  readonly moment: (what: string) => void;
};

/** A bug that the simulator must find. */
export type Plant = {
  readonly focus: Focus;
  readonly wrap?: (ports: Ports, context: PlantContext) => Ports;
  /** Logs that no endpoint ever answers, nor pushes. */
  readonly hides?: (log: RpcLog) => boolean;
  /** Every run has ceilings. */
  readonly isGuarded?: boolean;
  /** Daemons do not die: a start would sweep. */
  readonly noCrashes?: boolean;
};

/** Moves the checkpoint in a transaction of its own, before what it stands for is stored. */
const checkpointBeforeCommit: Plant = {
  focus: "intake",
  wrap: ({ journal, ...ports }, { moment }) => ({
    ...ports,
    journal: {
      ...journal,
      intake: async (batch) => {
        if (batch.cursor === undefined) return journal.intake(batch);
        await journal.intake({ ...batch, tasks: [], responses: [], touched: [] });
        moment("between the checkpoint and what it stands for");
        return journal.intake(batch);
      },
    },
  }),
};

/** Takes one node's word for it that a task is over. */
const oneWordEndsIt: Plant = {
  focus: "intake",
  wrap: ({ journal, ...ports }) => ({ ...ports, journal: { ...journal, settledTasks: async () => [] } }),
};

/** Takes for two opinions what one node may have said both times. */
const oneNodeTwice: Plant = { focus: "sink", wrap: (ports) => ({ ...ports, second: undefined }) };

/** One response in three is never heard of, and no sweep looks for it. */
const dropOneLog: Plant = {
  focus: "intake",
  noCrashes: true,
  hides: ({ topics, data }) =>
    topics[0] === eventTopics.ResponseSubmitted && Number.parseInt(data.slice(58, 66), 16) % 3 === 0,
  wrap: (ports) => ({ ...ports, sweepTicks$: EMPTY }),
};

/** Gives a nonce to the next confirmation once its bytes were answered in these words. */
const freeNonceOn = (words: string): Plant => ({
  focus: "sink",
  wrap: (ports, { path }) => ({
    ...ports,
    rpc: watchSends(ports.rpc, (raw, error) => {
      if (!String(error).includes(words)) return;
      const { key } = readRaw(raw);
      const database = new DatabaseSync(path);
      database.prepare("DELETE FROM nonces WHERE nonce = ? AND signer = ?").run(key?.nonce ?? -1, key?.from ?? "");
      database.close();
    }),
  }),
});

/** Takes a broadcast without an answer for one that did not happen. */
const freeNonceOnTimeout = freeNonceOn("did not answer");

/** Takes one node's word for it that bytes are hopeless: another one may have mined them. */
const freeNonceOnHopeless = freeNonceOn("exceeds block gas limit");

/** Keeps only the newest attempt of each confirmation: a receipt of an older one is not found. */
const forgetOlderHashes: Plant = {
  focus: "sink",
  wrap: ({ journal, ...ports }) => {
    const newest = (confirmation: Confirmation): Confirmation => ({
      ...confirmation,
      attempts: confirmation.attempts.slice(-1),
    });
    return {
      ...ports,
      journal: {
        ...journal,
        confirmation: async (id) => newest(await journal.confirmation(id)),
        confirmations: async (ids) => (await journal.confirmations(ids)).map(newest),
        unsettled: async () => (await journal.unsettled()).map(newest),
        recordAttempts: async (...args) => (await journal.recordAttempts(...args)).map(newest),
        changeConfirmation: async (...args) => newest(await journal.changeConfirmation(...args)),
        changeConfirmations: async (...args) => (await journal.changeConfirmations(...args)).map(newest),
      },
    };
  },
};

/** Takes the newest attempt for the one that is mined: an older one may have been. */
const newestIsMined: Plant = {
  focus: "sink",
  wrap: ({ journal, ...ports }) => {
    const mistaken = async ({ id, change }: Parameters<Journal["changeConfirmations"]>[0][number]) => {
      const hash = (await journal.confirmation(id)).attempts.at(-1)?.hash;
      const { state, mined } = change;
      return { id, change: state === "mined" && mined && hash ? { ...change, mined: { ...mined, hash } } : change };
    };
    return {
      ...ports,
      journal: {
        ...journal,
        changeConfirmations: async (changes, ...rest) =>
          journal.changeConfirmations(await Promise.all(changes.map(mistaken)), ...rest),
      },
    };
  },
};

/** Sends an attempt that raises the fee before it is in the journal. */
const bumpBeforeJournal: Plant = {
  focus: "sink",
  wrap: ({ journal, rpc, ...ports }) => {
    const sendIfBump = async (id: number, { raw }: Pick<Attempt, "raw">) => {
      const { attempts } = await journal.confirmation(id);
      if (attempts.length > 0) await rpc.call(sendMethod, raw).catch(() => undefined);
    };
    return {
      ...ports,
      rpc,
      journal: {
        ...journal,
        recordAttempts: async (attempts, ...rest) => {
          for (const { confirmationId, attempt } of attempts) await sendIfBump(confirmationId, attempt);
          return journal.recordAttempts(attempts, ...rest);
        },
      },
    };
  },
};

/** Writes for a key whoever holds it: as if the journal asked for no proof. */
const writeWithoutLease: Plant = {
  focus: "sink",
  noCrashes: true,
  wrap: ({ journal, ...ports }) => ({
    ...ports,
    journal: {
      ...journal,
      renewLease: async () => true,
      recordAttempts: async (attempts) => journal.recordAttempts(attempts, await journal.leases()),
      changeConfirmation: async (id, change) => journal.changeConfirmation(id, change, await journal.leases()),
      changeConfirmations: async (changes) => journal.changeConfirmations(changes, await journal.leases()),
      markBroadcast: async (ids) => journal.markBroadcast(ids, await journal.leases()),
    },
  }),
};

/** Counts nothing of what was spent before the daemon's start. */
const forgetWhatWasSpent: Plant = {
  focus: "sink",
  isGuarded: true,
  wrap: ({ journal, ...ports }) => ({
    ...ports,
    journal: { ...journal, moneySpent: async () => [], gasSpent: async () => [] },
  }),
};

/** Has the journal count no confirmation that reverted. */
const countNoReverts: Plant = {
  focus: "sink",
  isGuarded: true,
  wrap: ({ journal, ...ports }) => ({
    ...ports,
    journal: {
      ...journal,
      changeConfirmations: async (changes, ...rest) =>
        journal.changeConfirmations(
          changes.map(({ id, change: { outcome: _, ...change } }) => ({ id, change })),
          ...rest,
        ),
    },
  }),
};

/** Gives a key the nonce after the last one of all keys. */
const oneCountForAllKeys: Plant = {
  focus: "sink",
  wrap: ({ journal, ...ports }) => ({
    ...ports,
    journal: {
      ...journal,
      highestNonce: async () => {
        const counts = await Promise.all(signers.map(({ address }) => journal.highestNonce(address)));
        const known = counts.filter((each) => each !== undefined);
        return known.length === 0 ? undefined : toNonce(Math.max(...known));
      },
    },
  }),
};

/** Tells of each transaction whose request failed, or that was refused. */
function watchSends(rpc: HttpRpc, onFailure: (raw: Hex, error: unknown) => void): HttpRpc {
  const tell = ({ method, params }: RpcCall, error: unknown) => {
    if (method === sendMethod) onFailure(params[0] as Hex, error);
  };
  return {
    ...rpc,
    batch: async (calls) => {
      try {
        const answers = await rpc.batch(calls);
        for (const [index, answer] of answers.entries())
          if ("error" in answer) tell(calls[index] as RpcCall, answer.error);
        return answers;
      } catch (error) {
        for (const call of calls) tell(call, error);
        throw error;
      }
    },
  };
}

export const plants: Readonly<Record<string, Plant>> = {
  "checkpoint-before-commit": checkpointBeforeCommit,
  "one-word-ends-it": oneWordEndsIt,
  "one-node-twice": oneNodeTwice,
  "drop-one-log": dropOneLog,
  "free-nonce-on-timeout": freeNonceOnTimeout,
  "free-nonce-on-hopeless": freeNonceOnHopeless,
  "forget-older-hashes": forgetOlderHashes,
  "newest-is-mined": newestIsMined,
  "bump-before-journal": bumpBeforeJournal,
  "write-without-lease": writeWithoutLease,
  "forget-what-was-spent": forgetWhatWasSpent,
  "count-no-reverts": countNoReverts,
  "one-count-for-all-keys": oneCountForAllKeys,
};
