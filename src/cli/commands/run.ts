import type { Command } from "../command.ts";

export const runCommand: Command = {
  name: "run",
  summary: "watch, judge and confirm until it is told to stop",
  about: `Watches the chain, judges every response by the policies, and pays for those that they approve: once per task, or not
at all. Everything that can be wrong is checked before anything is written. SIGTERM and SIGINT stop it, SIGHUP reads
the policies again, SIGUSR1 pauses paying and SIGUSR2 takes it up again.`,
  usage: ["run"],
  examples: [
    ["run as a configuration file says", "run --config /etc/ogpu-confirmd/config.yaml"],
    ["decide and log, and pay nothing", "run --network testnet --dry-run"],
  ],
  run: async (context, { file, flags }) => {
    const { env, cwd } = context;
    // What is wrong there is said before everything else is loaded.
    const loaded = (await import("../../config/loadConfig.ts")).loadConfig({ file, flags, env, cwd });
    return (await import("../run.ts")).run(context, loaded);
  },
};
