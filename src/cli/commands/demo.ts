import type { Command } from "../command.ts";

export const demoCommand: Command = {
  name: "demo",
  summary: "show the main job on a chain of its own; needs the sources",
  about: `Brings up a chain with the network's contracts, providers good and bad, and the daemon, in one terminal. It needs the
sources with \`npm ci\`: an installed package has neither the contracts nor the actors. \`npm run demo -- --help\` shows its options.`,
  usage: ["demo"],
  needsNoConfig: true,
  examples: [["play it until Ctrl-C", "demo"]],
  run: async (context) => (await import("../demo.ts")).demo(context, []),
};
