import type { Command } from "../command.ts";

export const heldCommand: Command = {
  name: "held",
  summary: "responses that wait for a person: list, approve, reject or expire them",
  about: `The queue of what policies held. It works beside a running daemon, which carries an answer out at its next look: on the
chain as it is then, and under the same ceilings. An approval pays money.`,
  usage: ["held [list] [--json]", "held approve|reject|expire ID… --why TEXT [--who NAME]"],
  actions: {
    list: "what waits, oldest first",
    approve: "pay it, if the chain still lets it",
    reject: "do not pay it",
    expire: "do not pay it, for want of time",
  },
  args: { ID: "the number that the list shows" },
  maxArgs: { approve: Infinity, reject: Infinity, expire: Infinity },
  options: ["why", "who", "json"],
  actionOptions: { approve: ["why", "who"], reject: ["why", "who"], expire: ["why", "who"] },
  hasNoDryRun: true,
  examples: [
    ["see what waits", "held list"],
    ["have one paid", 'held approve 17 --why "read it, it is right"'],
  ],
  run: async (context, line) => (await import("../held.ts")).held(context, line),
};
