import type { Intake, Journal } from "./journal/journal.ts";
import type { ResponseAddress, TaskAddress } from "./protocol/brand.ts";

/** What the sweep found before any log told of it: if none has by the time that the scanner is past it, logs were lost. */
type UntoldFinds = {
  /** Notes what is not in the journal yet; in the first round nothing, for that finds what there was before. */
  readonly note: (found: Pick<Intake, "tasks" | "responses">) => Promise<void>;
  /** The round is over: all that was noted stands at or below this block. What waits already is not put off by it. */
  readonly endRound: (head: bigint) => void;
  /** How much of it the scanner went past without a word. Each find is counted once. @param scanned The checkpoint. */
  readonly count: (scanned: bigint) => Promise<{ readonly tasks: number; readonly responses: number }>;
};

/** What a round read may be of a node whose head is so many blocks above the one that the round was told of. */
const lagBlocks = 64n;
/** More than these are not counted: it is bad enough then. */
const limit = 10_000;

export function createUntoldFinds(journal: Pick<Journal, "knownTasks" | "tasksOfResponses" | "untold">): UntoldFinds {
  let noted = noFinds();
  /** What is to be told of by this block. What later rounds find waits for its turn, and does not put it off. */
  let due: (Finds & { readonly until: bigint }) | undefined;
  let isFirstRound = true;

  const addTo = <T>(finds: Set<T>, all: readonly T[], isKnown: (one: T) => boolean) => {
    for (const one of all) if (!isKnown(one) && finds.size < limit) finds.add(one);
  };

  return {
    note: async (found) => {
      if (isFirstRound) return;
      const seenTasks = found.tasks.map(({ task }) => task);
      const seenResponses = found.responses.map(({ response }) => response);
      const known = await journal.knownTasks(seenTasks);
      const answered = await journal.tasksOfResponses(seenResponses);
      addTo(noted.tasks, seenTasks, (task) => known.has(task));
      addTo(noted.responses, seenResponses, (response) => answered.has(response));
    },
    endRound: (head) => {
      isFirstRound = false;
      if (due !== undefined || noted.tasks.size + noted.responses.size === 0) return;
      due = { ...noted, until: head + lagBlocks };
      noted = noFinds();
    },
    count: async (scanned) => {
      if (due === undefined || scanned < due.until) return { tasks: 0, responses: 0 };
      const untold = await journal.untold({ tasks: [...due.tasks], responses: [...due.responses] });
      due = undefined;
      return untold;
    },
  };
}

type Finds = { readonly tasks: Set<TaskAddress>; readonly responses: Set<ResponseAddress> };

const noFinds = (): Finds => ({ tasks: new Set(), responses: new Set() });
