import type { Command } from "../command.ts";

export const completionCommand: Command = {
  name: "completion",
  summary: "print a completion script for bash, zsh or fish",
  about: `The script knows every command, its actions and its options, and the keys of the configuration.`,
  usage: ["completion bash|zsh|fish"],
  actions: { bash: "for bash", zsh: "for zsh", fish: "for fish" },
  needsNoConfig: true,
  examples: [
    ["have them in this shell", "completion bash > ~/.ogpu-confirmd-completion"],
    ["have them in fish for good", "completion fish > ~/.config/fish/completions/ogpu-confirmd.fish"],
  ],
  run: async (context, line) => (await import("../completion.ts")).completion(context, line),
};
