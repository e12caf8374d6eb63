import type { Command } from "./command.ts";
import { checkCommand } from "./commands/check.ts";
import { heldCommand } from "./commands/held.ts";
import { limitsCommand } from "./commands/limits.ts";
import { pauseCommand } from "./commands/pause.ts";
import { policyCommand } from "./commands/policy.ts";
import { resumeCommand } from "./commands/resume.ts";
import { runCommand } from "./commands/run.ts";

/** Every command, in the order in which help lists them. A new one is a file in `commands/` and a line here. */
export const commands: readonly Command[] = [
  runCommand,
  checkCommand,
  policyCommand,
  heldCommand,
  pauseCommand,
  resumeCommand,
  limitsCommand,
];
