import type { Command } from "../command.ts";

export const pauseCommand: Command = {
  name: "pause",
  summary: "sign nothing new until somebody resumes",
  about: `Works beside a running daemon, which notices before it signs anything more, and says so at the next block; it holds for
the next daemon too. Responses are judged as before, and what is approved waits, in order. What is signed already is out
and cannot be taken back: it is followed to its end. SIGUSR1 to the daemon does the same.`,
  usage: ["pause --why TEXT [--who NAME]"],
  options: ["why", "who"],
  examples: [["stop paying while you look at something", 'pause --why "prices look wrong"']],
  run: async (context, line) => (await import("../pause.ts")).pause(context, line),
};
