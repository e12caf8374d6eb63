import type { Command } from "../command.ts";

export const confirmCommand: Command = {
  name: "confirm",
  summary: "pay one response, by hand",
  about: `Checks the chain, shows who would be paid what, and asks. Then it sends the confirmation and waits until it is mined. It
pays real money, and cannot be undone. Where the journal means to pay another response of the task, it shows that, too. What it shows is paid, and nothing else that a reorg may put at that address. It refuses what
asks more than --max-payment (default: sink.maxPayment), while paying is paused (also where that began while it asked), while a
daemon holds the same key, and where a daemon that was stopped has left something of that key in flight. With the key of a daemon that is stopped, the journal keeps the
payment of a task that is open there: the daemon takes the nonce for its own, counts the payment against the ceilings, and
finishes what the command did not, at its next start: also where the command gave up, or what it sent reverted, it may pay
the task later. It is refused where the journal has another confirmation of the task; one that approves this very response
and is not signed yet is the one that is signed.`,
  usage: ["confirm RESPONSE [--max-payment AMOUNT] [--yes] [--json]"],
  args: { RESPONSE: "the address of a response" },
  maxArgs: 1,
  options: ["max-payment", "yes", "json"],
  examples: [
    ["pay a response, after a look at what it costs", "confirm 0x71C7656EC7ab88b098defB751B7401B5f6d8976F"],
    [
      "pay it in a script, if it is cheap",
      'confirm 0x71C7656EC7ab88b098defB751B7401B5f6d8976F --max-payment "0.05 OGPU" --yes',
    ],
  ],
  run: async (context, line) => (await import("../confirm.ts")).confirm(context, line),
};
