import { mayRead } from "./expressionTree.ts";

/** Which facts a policy reads: what costs I/O, or room, is fetched only where one of its expressions mentions it. */
export type Needs = {
  /** The response's payload at all. */
  readonly output: boolean;
  readonly json: boolean;
  readonly text: boolean;
  readonly config: boolean;
  /** `provider.lockup`, `.eligible`, `.master`: read from the chain. */
  readonly stake: boolean;
  /** `provider.seen`, `.approved`, `.rejected`, `.price`: read from the journal. */
  readonly history: boolean;
  readonly siblings: boolean;
  readonly signals: boolean;
  /** When the task was published: the timestamp of a block. */
  readonly published: boolean;
};

export const everything: Needs = {
  output: true,
  json: true,
  text: true,
  config: true,
  stake: true,
  history: true,
  siblings: true,
  signals: true,
  published: true,
};

const stakeFields = ["lockup", "eligible", "master"];
const historyFields = ["seen", "approved", "rejected", "price"];

/** What an expression's mentions amount to. */
export function needsOf(mentions: ReadonlySet<string>): Needs {
  const some = (variable: string, fields: readonly string[]) =>
    fields.some((field) => mayRead(mentions, `${variable}.${field}`));
  return {
    output: mentions.has("output"),
    json: some("output", ["json"]),
    text: some("output", ["text"]),
    config: some("task", ["config", "function"]),
    stake: some("provider", stakeFields),
    history: some("provider", historyFields),
    siblings: mentions.has("siblings"),
    signals: mentions.has("signals"),
    published: false,
  };
}

/** What any of several needs. */
export function joinNeeds(all: readonly Needs[]): Needs {
  const entries = Object.keys(everything).map((key) => [key, all.some((each) => each[key as keyof Needs])]);
  return Object.fromEntries(entries) as Needs;
}
