import type { Command } from "../command.ts";

const ofTask = ["payment", "function", "data", "input", "url", "expires"] as const;
const ofSource = [
  ...(["name", "description", "logo", "cpu", "nvidia", "amd", "min-payment", "min-lockup", "max-expiry"] as const),
  ...(["first-response", "client"] as const),
];

export const publishCommand: Command = {
  name: "publish",
  summary: "publish a source, or a task",
  about: `Checks the source, its terms and the escrow, shows what it would do, and asks; then it uploads, and checks the gas before it
signs. A task freezes its payment in the Vault until it is settled.`,
  usage: [
    "publish task SOURCE --payment AMOUNT (--function NAME --data JSON | --input JSON | --url URL) [--expires WHEN] [--yes] [--json]",
    "publish source --name NAME --min-payment AMOUNT (--cpu URL | --nvidia URL | --amd URL) [--description TEXT] [--logo URL] [--min-lockup AMOUNT] [--max-expiry DURATION] [--first-response] [--client ADDRESS] [--yes] [--json]",
  ],
  actions: { task: "publish a task on a source", source: "publish a source" },
  args: { SOURCE: "the address of the source" },
  maxArgs: { task: 1 },
  options: [...ofTask, ...ofSource, "yes", "json"],
  actionOptions: { task: ofTask, source: ofSource },
  examples: [
    [
      "publish a task that may cost up to 0.05 OGPU and runs for two hours at most",
      `publish task 0x71C7656EC7ab88b098defB751B7401B5f6d8976F --function sentiment --data '{"text":"great"}' --payment "0.05 OGPU" --expires 2h`,
    ],
    [
      "publish the same out of a file",
      'publish task 0x71C7656EC7ab88b098defB751B7401B5f6d8976F --input @task.json --payment "0.05 OGPU"',
    ],
    [
      "publish a source",
      'publish source --name sentiment --min-payment "0.001 OGPU" --cpu https://example.com/docker-compose.yml',
    ],
  ],
  run: async (context, line) => (await import("../publish.ts")).publish(context, line),
};
