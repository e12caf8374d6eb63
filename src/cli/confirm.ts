import { confirmRecorded, requireConfirmable } from "../client/confirmResponse.ts";
import { readAddress } from "../client/inputs.ts";
import { exitCodes } from "../errors.ts";
import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed, type ResponseAddress, type TaskAddress, toAddress } from "../protocol/brand.ts";
import { approvedInstead } from "./approvedInstead.ts";
import { maySend } from "./ask.ts";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { personOf } from "./personOf.ts";
import { during } from "./progress.ts";
import { required } from "./readers.ts";
import { type ByHand, recordByHand } from "./recordByHand.ts";
import { requireNotPaused } from "./requireNotPaused.ts";
import { printSent } from "./sent.ts";
import { facts, onErrors } from "./terminal.ts";
import { signerIn, withClient } from "./withClient.ts";
import { type HeldKey, requirePayable, sendWith } from "./withKey.ts";

/** Pays one response by hand. @returns the exit code: 1 where the answer was no. */
export const confirm = (context: Context, line: Line): Promise<number> =>
  withClient(context, line, async (opened) => {
    const { client } = opened;
    const address = readAddress("the response", required(line.args[0], "the response's address"));
    const signer = signerIn(opened);
    await requirePayable(opened.site, signer);
    const maxPayment = line.options["max-payment"] ?? opened.config.sink.maxPayment;
    const checking = requireConfirmable(client, signer.address, address, { maxPayment });
    const { response, task } = await during(context, "reading the chain", checking);
    const instead = await approvedInstead(opened.site, { task: task.address, response: address });
    const plan = facts(onErrors(context), [
      ["confirm", address],
      ["which pays", `${formatOgpu(response.payment)} of ${formatOgpu(task.payment)}`],
      ["to", response.provider],
      ["for the task", task.address],
      ["from the escrow of", task.client],
      ["signed by", checksummed(signer.address)],
      ...instead,
    ]);
    if (!(await maySend(context, line, opened.config, `${plan}It cannot be undone.\n`))) return exitCodes.failed;
    // What was shown is paid, and nothing else that may stand there by now.
    const options = { maxPayment: response.payment, expected: response };
    const send = async (held?: HeldKey) => {
      const paid = {
        task: toAddress<TaskAddress>(task.address),
        response: toAddress<ResponseAddress>(address),
        expected: response,
        who: personOf(context, line),
        now: client.clock.now,
      };
      const byHand = held && (await recordByHand(held, client.chain, paid));
      const record = held && unlessPaused(held.journal, byHand?.signed);
      if (byHand === undefined) return confirmRecorded(client, address, options, record);
      // What is in the journal has one nonce: to try it anew in another one is the daemon's.
      const confirming = confirmRecorded(client, address, { ...options, maxRetries: 0 }, record);
      const sent = await confirming.catch((error) => {
        throw byHand.failed(error);
      });
      await byHand.mined(sent);
      return sent;
    };
    const sending = sendWith(opened, "confirm", send);
    const mined = await during(context, "waiting until it is mined", sending);
    printSent(context, line, { response: address, task: mined.task, paid: formatOgpu(mined.payment) }, mined);
    return exitCodes.ok;
  });

/** Asks for a pause once more when a nonce is signed in: somebody may have begun one while the question stood. */
function unlessPaused({ pause }: HeldKey["journal"], keep?: ByHand["signed"]): ByHand["signed"] {
  const nonces = new Set<number>();
  return async (attempt) => {
    // What replaces bytes that are out must not be kept from it.
    if (!nonces.has(attempt.nonce)) await requireNotPaused({ pause });
    nonces.add(attempt.nonce);
    await keep?.(attempt);
  };
}
