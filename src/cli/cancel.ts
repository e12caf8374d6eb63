import { requireCancelable } from "../client/cancelTask.ts";
import { readAddress } from "../client/inputs.ts";
import { exitCodes } from "../errors.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed } from "../protocol/brand.ts";
import { maySend } from "./ask.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { during } from "./progress.ts";
import { required } from "./readers.ts";
import { printSent } from "./sent.ts";
import { facts, onErrors } from "./terminal.ts";
import { signerIn, withClient } from "./withClient.ts";
import { requireFreeKey, sendWith } from "./withKey.ts";

/** Cancels a task that nobody has attempted. @returns the exit code. */
export const cancel = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async (opened) => {
    const { client } = opened;
    const signer = signerIn(opened);
    await requireFreeKey(opened.site, signer);
    const address = readAddress("the task", required(line.args[0], "the task's address"));
    const checking = requireCancelable(client, signer.address, address);
    const task = await during(context, "reading the chain", checking);
    const plan = facts(onErrors(context), [
      ["cancel the task", task.address],
      ["which gives back", `${formatOgpu(task.payment)} to ${task.client}`],
      ["signed by", checksummed(signer.address)],
    ]);
    if (!(await maySend(context, line, opened.config, plan))) return exitCodes.failed;
    const canceling = sendWith(opened, "cancel", () => client.cancelTask(task.address));
    const mined = await during(context, "waiting until it is mined", canceling);
    printSent(context, line, { task: task.address, freed: formatOgpu(task.payment) }, mined);
    return exitCodes.ok;
  });
