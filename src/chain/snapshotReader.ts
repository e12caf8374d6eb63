import type { ResponseAddress, SourceAddress, TaskAddress } from "../protocol/brand.ts";
import type { ChainPort, Head, Snapshot } from "./chainPort.ts";
import type { Foresight } from "./foresight.ts";
import type { HttpRpc, Missing, RpcAnswer } from "./jsonRpc.ts";
import { createReadAhead } from "./readAhead.ts";
import { createReadTogether } from "./readTogether.ts";
import { blockRead, snapshotReads } from "./snapshot.ts";
import { responsesOf } from "./taskStandings.ts";
import { toQuantity } from "./wire.ts";

type SnapshotReaderDeps = {
  readonly rpc: HttpRpc;
  readonly now: () => number;
  readonly foresight: Foresight;
  /** The newest block that was heard of; 0: none yet. */
  readonly newest: () => bigint;
  /** Asks for the head, which is heard of then. */
  readonly head: () => Promise<unknown>;
  readonly missing: Missing;
};

/** Reads tasks with their responses, when asked or a moment before, and tries their confirmations along with that. */
export function createSnapshotReader({
  rpc,
  now,
  foresight,
  newest,
  head,
  missing,
}: SnapshotReaderDeps): Required<Pick<ChainPort, "snapshot" | "lookAhead">> {
  const readTogether = createReadTogether(rpc, now);
  const ahead = createReadAhead<Snapshot>(now);

  /** The node that answers must have that very block: a list of another branch says nothing of the responses of this one. */
  const inBlock = ({ number, hash }: Head): HttpRpc => ({
    ...rpc,
    batch: async (calls) => {
      const { call, decode } = blockRead(toQuantity(number));
      const [block, ...answers] = await rpc.batch([call, ...calls]);
      if (decode(block as RpcAnswer)?.hash !== hash) throw missing("the responses", number);
      return answers;
    },
  });

  /** What a page of the list did not hold. A list that cannot be read to its end may hide the one that comes first. */
  const restOfList = async (task: TaskAddress, attempts: number | undefined, block: Head) => {
    const { number } = block;
    const { found, next } = await responsesOf(inBlock(block), task, attempts ?? 0, toQuantity(number));
    if (next !== attempts) throw missing(`the responses of task ${task}`, number);
    return found;
  };

  const ask = async (task: TaskAddress, source: SourceAddress, responses: readonly ResponseAddress[], at: bigint) => {
    const { reads, decode } = snapshotReads(task, source, responses, at);
    const tries = at === newest() ? foresight.tries(responses) : undefined;
    const { values, tried } = await readTogether(reads, toQuantity(at), tries);
    const found = decode(values);
    if (found === undefined) throw missing(`task ${task}`, at);
    return { found, tries, tried };
  };

  /** @param thought The task's source by what events said; where the task itself names another one, that one is read. */
  const read = async (
    task: TaskAddress,
    thought: SourceAddress,
    responses: readonly ResponseAddress[],
    at: bigint,
  ): Promise<Snapshot> => {
    const asked = await ask(task, thought, responses, at);
    const named = asked.found.task.source;
    const { found, tries, tried } = named === thought ? asked : await ask(task, named, responses, at);
    const { block, source, responsesIn, attempts } = found;
    if (source === undefined || source.address !== found.task.source) {
      throw missing(`source ${found.task.source} of task ${task}`, at);
    }
    const list = [...new Set(found.list ?? (await restOfList(task, attempts, block)))];
    const known = new Set(responses);
    const untold = list.filter((address) => !known.has(address));
    const snapshot = { block, task: found.task, source, responses: responsesIn(list), untold };
    if (tries !== undefined && tried !== undefined) foresight.remember(snapshot, tried, tries);
    return snapshot;
  };

  return {
    snapshot: async (task, source, responses, block) => {
      if (newest() === 0n) await head();
      const at = block ?? newest();
      return ahead.take(keyOf(task, source, responses, at)) ?? read(task, source, responses, at);
    },
    lookAhead: (task, source, responses) => {
      const at = newest();
      if (at === 0n) return;
      ahead.begin(keyOf(task, source, responses, at), () => read(task, source, responses, at));
    },
  };
}

const keyOf = (task: TaskAddress, source: SourceAddress, responses: readonly ResponseAddress[], at: bigint): string =>
  [task, source, at, ...responses].join();
