import type { Command } from "../command.ts";

export const pauseCommand: Command = {
  name: "pause",
  summary: "sign nothing new until somebody resumes",
  about: `Works beside a running daemon, which notices before it signs anything more, and says so at the next block; it holds for
the next daemon too. Responses are judged as before, and what is approved waits, in order. What is signed already is out
and cannot be taken back: it is followed to its end. SIGUSR1 to the daemon does the same.
The pause stands in the journal that the configuration names, so give the daemon's own. It says which one that is, and
warns where no daemon holds it. A configuration that is broken elsewhere is told of, and paying is paused all the same; where
what names the journal is broken, leave out --config and give --network and --journal-path or --journal-url.`,
  usage: ["pause --why TEXT [--who NAME] [--json]"],
  options: ["why", "who", "json"],
  examples: [
    [
      "stop paying while you look at something",
      'pause --why "prices look wrong" --config /etc/ogpu-confirmd/config.yaml',
    ],
  ],
  run: async (context, line) => (await import("../pause.ts")).pause(context, line),
};
