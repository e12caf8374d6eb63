import type { Command } from "./command.ts";
import { agentCommand } from "./commands/agent.ts";
import { cancelCommand } from "./commands/cancel.ts";
import { checkCommand } from "./commands/check.ts";
import { completionCommand } from "./commands/completion.ts";
import { confirmCommand } from "./commands/confirm.ts";
import { demoCommand } from "./commands/demo.ts";
import { heldCommand } from "./commands/held.ts";
import { journalCommand } from "./commands/journal.ts";
import { limitsCommand } from "./commands/limits.ts";
import { nonceCommand } from "./commands/nonce.ts";
import { pauseCommand } from "./commands/pause.ts";
import { policyCommand } from "./commands/policy.ts";
import { publishCommand } from "./commands/publish.ts";
import { responsesCommand } from "./commands/responses.ts";
import { resumeCommand } from "./commands/resume.ts";
import { runCommand } from "./commands/run.ts";
import { statusCommand } from "./commands/status.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { withdrawCommand } from "./commands/withdraw.ts";
/** Every command, in the order in which help lists them. A new one is a file in `commands/` and a line here. */
export const commands: readonly Command[] = [
  runCommand,
  demoCommand,
  checkCommand,
  statusCommand,
  tasksCommand,
  responsesCommand,
  confirmCommand,
  publishCommand,
  cancelCommand,
  agentCommand,
  nonceCommand,
  policyCommand,
  heldCommand,
  pauseCommand,
  resumeCommand,
  withdrawCommand,
  limitsCommand,
  journalCommand,
  completionCommand,
];
