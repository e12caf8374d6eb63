import type { RetryableError } from "../errors.ts";
import type { ResponseAddress, SourceAddress, TaskAddress } from "../protocol/brand.ts";
import type { ChainPort, Snapshot } from "./chainPort.ts";
import type { Foresight } from "./foresight.ts";
import type { HttpRpc } from "./jsonRpc.ts";
import { createReadAhead } from "./readAhead.ts";
import { createReadTogether } from "./readTogether.ts";
import { inOrderOfList } from "./responseList.ts";
import { snapshotReads } from "./snapshot.ts";
import { responsesOf } from "./taskStandings.ts";
import { toQuantity } from "./wire.ts";

export type SnapshotReaderDeps = {
  readonly rpc: HttpRpc;
  readonly now: () => number;
  readonly foresight: Foresight;
  /** The newest block that was heard of; 0: none yet. */
  readonly newest: () => bigint;
  /** Asks for the head, which is heard of then. */
  readonly head: () => Promise<unknown>;
  readonly missing: (what: string, block: bigint) => RetryableError;
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

  /** What a page of the list did not hold. A list that cannot be read to its end may hide the one that comes first. */
  const restOfList = async (task: TaskAddress, attempts: number | undefined, at: bigint) => {
    const { found, next } = await responsesOf(rpc, task, attempts ?? 0, toQuantity(at));
    if (next !== attempts) throw missing(`the responses of task ${task}`, at);
    return found;
  };

  const read = async (
    task: TaskAddress,
    source: SourceAddress,
    responses: readonly ResponseAddress[],
    at: bigint,
  ): Promise<Snapshot> => {
    const { reads, decode } = snapshotReads(task, source, responses, at);
    const tries = at === newest() ? foresight.tries(responses) : undefined;
    const { values, tried } = await readTogether(reads, toQuantity(at), tries);
    const found = decode(values);
    if (found === undefined) throw missing(`task ${task}`, at);
    const { attempts, list: listed, ...snapshot } = found;
    const list = listed ?? (await restOfList(task, attempts, at));
    const asked = new Set(responses);
    const untold = list.filter((address) => !asked.has(address));
    if (tries !== undefined && tried !== undefined) foresight.remember(snapshot, tried, tries);
    return { ...snapshot, responses: inOrderOfList(snapshot.responses, list), untold };
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
