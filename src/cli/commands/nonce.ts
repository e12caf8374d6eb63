import type { Command } from "../command.ts";

export const nonceCommand: Command = {
  name: "nonce",
  summary: "where the key's transactions stand, and what holds them up: info, fix, reset",
  about: `\`info\` says what waits and why. \`fix\` shows what is stuck, since when and what a replacement would cost, and asks; then each
nonce that is still stuck gets one replacement, and nothing else is touched. A confirmation that can still pay is sent again for more
gas, never cancelled, where the node shows that this account signed it. It works beside a running daemon, and leaves to it what
it has signed. \`reset\` asks the node anew.`,
  usage: ["nonce [info] [ADDRESS] [--json]", "nonce fix [--yes] [--json]", "nonce reset [ADDRESS] [--json]"],
  actions: {
    info: "say what is mined, what waits, and what is stuck",
    fix: "mend what is stuck, and nothing else",
    reset: "ask the node anew which nonce is next",
  },
  args: { ADDRESS: "an account (default: the signer's)" },
  maxArgs: { info: 1, reset: 1 },
  options: ["yes", "json"],
  examples: [
    ["see why nothing is mined", "nonce info"],
    ["mend it", "nonce fix"],
  ],
  run: async (context, line) => (await import("../nonce.ts")).nonce(context, line),
};
