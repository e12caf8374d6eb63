import type { Command } from "../command.ts";

export const withdrawCommand: Command = {
  name: "withdraw",
  summary: "take back what is approved and not signed yet",
  about: `Without a choice it lists what is approved and waits to be signed: because paying is paused, for room under a ceiling, for gas.
With one it shows what it would take back, and asks. Pause first: it refuses while paying goes on. It works beside a running daemon.
What is withdrawn is not paid when somebody resumes; who did it and why stay in the journal. The daemon judges the task's other
responses within a minute: so put a bad policy right before. No policy looks at the withdrawn response again: if it is to be
paid after all, pay it by hand (\`ogpu-confirmd confirm RESPONSE\`). What is signed is out, and cannot be withdrawn.
The configuration names the journal, as with pause.`,
  usage: [
    "withdraw [--json]",
    "withdraw --policy NAME --why TEXT [--who NAME] [--yes] [--json]",
    "withdraw --response ADDRESS… --why TEXT [--who NAME] [--yes] [--json]",
    "withdraw --all --why TEXT [--who NAME] [--yes] [--json]",
  ],
  args: { ADDRESS: "further responses" },
  maxArgs: Infinity,
  options: ["policy", "response", "all", "why", "who", "yes", "json"],
  hasNoDryRun: true,
  examples: [
    ["see what is approved and not signed yet", "withdraw --config /etc/ogpu-confirmd/config.yaml"],
    [
      "take back what a bad policy approved",
      'withdraw --policy summary-best --why "it approved empty summaries" --config /etc/ogpu-confirmd/config.yaml',
    ],
  ],
  run: async (context, line) => (await import("../withdraw.ts")).withdraw(context, line),
};
