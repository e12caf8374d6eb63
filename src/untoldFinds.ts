import type { Watch } from "./chain/watch.ts";
import type { Intake, Journal } from "./journal/journal.ts";
import type { ResponseAddress, TaskAddress } from "./protocol/brand.ts";

/** What the sweep found before any log told of it: if none has by the time that the scanner is past it, logs were lost. */
type UntoldFinds = {
  /** Notes what is not in the journal yet; in the first round nothing, for that finds what there was before. */
  readonly note: (found: Pick<Intake, "tasks" | "responses">) => Promise<void>;
  /** The round is over: all that was noted stands at or below this block. What waits already is not put off by it. */
  readonly endRound: (head: bigint) => void;
  /**
   * A round begins: how much of what was noted the scanner went past without a word, though it was not foreign then. Each find is
   * counted once. @param scanned The checkpoint.
   */
  readonly count: (scanned: bigint) => Promise<{ readonly tasks: number; readonly responses: number }>;
};

/** What a round read may be of a node whose head is so many blocks above the one that the round was told of. */
const lagBlocks = 64n;
/** More than these are not counted: it is bad enough then. */
const limit = 10_000;

type UntoldFindsDeps = {
  readonly journal: Pick<Journal, "knownTasks" | "tasksOfResponses" | "untold" | "task">;
  readonly watch: Pick<Watch, "agentSetAfter">;
};

export function createUntoldFinds({ journal, watch }: UntoldFindsDeps): UntoldFinds {
  /** The checkpoint at which this round began. */
  let began = 0n;
  let noted = noFinds(began);
  /** What is to be told of by this block. What later rounds find waits for its turn, and does not put it off. */
  let due: (Finds & { readonly until: bigint }) | undefined;
  let isFirstRound = true;

  /** Whose client has authorised a signer since: the scanner may have taken it for foreign. */
  const withoutForeign = async ({ tasks, responses, since }: Finds): Promise<Finds> => {
    const isOurs = async (task: TaskAddress) => {
      const known = await journal.task(task);
      return known === undefined || !watch.agentSetAfter(known.source, since);
    };
    const ours = noFinds(since);
    for (const task of tasks) if (await isOurs(task)) ours.tasks.add(task);
    for (const [response, task] of responses) if (await isOurs(task)) ours.responses.set(response, task);
    return ours;
  };

  const untoldOf = ({ tasks, responses }: Finds) =>
    journal.untold({ tasks: [...tasks], responses: [...responses.keys()] });

  return {
    note: async (found) => {
      if (isFirstRound) return;
      const seenTasks = found.tasks.map(({ task }) => task);
      const seenResponses = found.responses.map(({ response }) => response);
      const known = await journal.knownTasks(seenTasks);
      const answered = await journal.tasksOfResponses(seenResponses);
      for (const task of seenTasks) if (!known.has(task) && noted.tasks.size < limit) noted.tasks.add(task);
      for (const { response, task } of found.responses)
        if (!answered.has(response) && noted.responses.size < limit) noted.responses.set(response, task);
    },
    endRound: (head) => {
      isFirstRound = false;
      if (noted.tasks.size + noted.responses.size > 0) {
        if (due !== undefined) return;
        due = { ...noted, until: head + lagBlocks };
      }
      noted = noFinds(began);
    },
    count: async (scanned) => {
      began = scanned;
      if (due === undefined || scanned < due.until) return { tasks: 0, responses: 0 };
      let untold = await untoldOf(due);
      if (untold.tasks + untold.responses > 0) untold = await untoldOf(await withoutForeign(due));
      due = undefined;
      return untold;
    },
  };
}

type Finds = {
  readonly tasks: Set<TaskAddress>;
  readonly responses: Map<ResponseAddress, TaskAddress>;
  /** The checkpoint at which the round before the first of them had begun: what was not foreign then was told of or found. */
  readonly since: bigint;
};

const noFinds = (since: bigint): Finds => ({ tasks: new Set(), responses: new Map(), since });
