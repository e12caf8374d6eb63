import type { Command } from "../command.ts";

export const journalCommand: Command = {
  name: "journal",
  summary: "export, prune or verify what the daemon remembers",
  about: `It works beside a running daemon. \`export\` prints every decision as JSON, one a line, with its transaction and how its
confirmation stands ("final": it was paid); with a file it copies the journal whole, while it is in use. \`prune\` forgets
the details of what was settled long ago, a week at the least, by a clock that agrees with the chain's. \`verify\` reads every
signed byte.`,
  usage: [
    "journal export [FILE] [--since DATE]",
    "journal prune --older-than DURATION [--yes] [--json]",
    "journal verify [--json]",
  ],
  actions: {
    export: "print the decisions, or copy the journal to a file",
    prune: "forget the details of settled tasks; that they are settled stays known",
    verify: "check the file, what was signed and what is known of providers; exit code 1 where it does not add up",
  },
  args: { FILE: "where the copy goes; it must not exist yet" },
  maxArgs: { export: 1 },
  options: ["since", "older-than", "yes", "json"],
  actionOptions: { export: ["since"], prune: ["older-than"] },
  hasNoDryRun: true,
  examples: [
    [
      "list what was paid of the decisions since a day (jq)",
      `journal export --since 2026-01-31 | jq -r 'select(.confirmation == "final") | .transaction'`,
    ],
    ["make a copy", "journal export backup.sqlite"],
    ["forget what was settled three months ago", "journal prune --older-than 90d"],
  ],
  run: async (context, line) => (await import("../journal.ts")).journal(context, line),
};
