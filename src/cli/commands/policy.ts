import type { Command } from "../command.ts";

export const policyCommand: Command = {
  name: "policy",
  summary: "work on policy files, see policies/README.md",
  about: `Policies are files that decide which response is paid. Without a folder, the configured one (policies.dir) is read.
Nothing is sent, and nothing is paid.`,
  usage: [
    "policy check|test|list [FOLDER]",
    "policy explain RESPONSE | --decision ID [--json]",
    "policy backtest [FOLDER] [--since DATE | --from BLOCK [--to BLOCK]] [--json] [--html FILE]",
    "policy new STRATEGY",
  ],
  actions: {
    check: "name every mistake, with file, line and column",
    test: "run the tests beside the policies",
    list: "show what applies to what, and in which order",
    explain: "replay a decision out of the journal, step by step",
    backtest: "what these files would have paid, for tasks of the past",
    new: "print a file to start from",
  },
  args: {
    FOLDER: "a folder of policy files (default: policies.dir)",
    RESPONSE: "the address of a response that was judged",
    STRATEGY: "first, best, cheapest, quorum or manual",
  },
  maxArgs: { check: 1, test: 1, list: 1, explain: 1, backtest: 1, new: 1 },
  options: ["decision", "since", "from", "to", "json", "html"],
  actionOptions: { explain: ["decision"], backtest: ["since", "from", "to", "html"] },
  examples: [
    ["run the tests of a folder", "policy test policies/"],
    ["see why a response was (not) paid", "policy explain --decision 17"],
    ["start a policy that pays the cheapest", "policy new cheapest > policies/cheapest.yaml"],
  ],
  run: async (context, line) => (await import("../policy.ts")).policy(context, line),
};
