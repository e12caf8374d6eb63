import type { Command } from "../command.ts";

export const agentCommand: Command = {
  name: "agent",
  summary: "authorise an agent to act for the client, revoke it, or show whether it may",
  about: `An agent publishes and confirms for the client whose key authorised it, and holds no escrow: the key for a daemon. Sign
with the client's key: --signer-role client takes it from CLIENT_PRIVATE_KEY, --signer-key-file FILE from a file.`,
  usage: ["agent set|revoke AGENT [--yes] [--json]", "agent show AGENT [CLIENT] [--json]"],
  actions: {
    set: "let it act for the client",
    revoke: "take that away",
    show: "say whether it may; exit code 1 where it may not",
  },
  args: {
    AGENT: "the agent's address",
    CLIENT: "the client's address (default: the signer's, which is not the agent's then)",
  },
  maxArgs: { set: 1, revoke: 1, show: 2 },
  options: ["yes", "json"],
  examples: [
    [
      "let a daemon's key act for this client",
      "agent set 0x71C7656EC7ab88b098defB751B7401B5f6d8976F --signer-role client",
    ],
    ["see whether it may", "agent show 0x71C7656EC7ab88b098defB751B7401B5f6d8976F"],
  ],
  run: async (context, line) => (await import("../agent.ts")).agent(context, line),
};
