import type { Command } from "../command.ts";

export const checkCommand: Command = {
  name: "check",
  summary: "validate the configuration and the policies, and probe the endpoints; writes nothing",
  about: `Names every mistake at once, with file, line and column, and asks each endpoint what it can do. It needs no key, and
writes nothing.`,
  usage: ["check"],
  examples: [
    ["check what mainnet would run with", "check --network mainnet"],
    ["check a configuration file", "check --config /etc/ogpu-confirmd/config.yaml"],
  ],
  run: async (context, { file, flags }) => (await import("../check.ts")).check(context, file, flags),
};
