import type { ChainPort } from "../chain/chainPort.ts";
import { RefusedError } from "../client/errors.ts";
import type { Attempt, Confirmation, Decision, Mined } from "../journal/journal.ts";
import type { ResponseAddress, TaskAddress } from "../protocol/brand.ts";
import { responseDigest } from "../protocol/responseDigest.ts";
import type { HeldKey } from "./withKey.ts";

export type ByHand = {
  /** Durable when it resolves: then it may be sent. @throws what the journal has against it; nothing is sent then. */
  readonly signed: (attempt: Attempt) => Promise<void>;
  /** Takes note of where it was mined; the daemon follows it from there until it is final. */
  readonly mined: (mined: Mined) => Promise<void>;
};

type Paid = {
  readonly task: TaskAddress;
  readonly response: ResponseAddress;
  /** Who gave the command. */
  readonly who: string;
  readonly now: () => number;
};

/**
 * Keeps a confirmation by hand in the journal as the daemon keeps its own: the next daemon knows that the nonce is taken and
 * the task is being paid, and finishes what the command did not.
 *
 * `undefined` where the journal is to know nothing of it: a daemon runs (it would take the key for one of its own); the key
 * has paid nothing for it so far; or the task is not open there, or another confirmation holds it.
 */
export async function recordByHand(
  { journal, lease, besideDaemon }: HeldKey,
  chain: Pick<ChainPort, "snapshot">,
  { task, response, who, now }: Paid,
): Promise<ByHand | undefined> {
  const { signer } = lease;
  if (besideDaemon || (await journal.highestNonce(signer)) === undefined) return undefined;
  const known = await journal.task(task);
  if (known?.state !== "open" || known.confirmation !== undefined) return undefined;
  const snapshot = await chain.snapshot(task, known.source, [response]);
  const found = snapshot.responses.find(({ address }) => address === response);
  if (found === undefined) return undefined;
  const decision: Decision = {
    ...{ task, response, kind: "confirm", mode: "enforce", until: undefined },
    ...{ policy: "by hand", policyDigest: "", payloadDigest: "" },
    reason: `confirmed by hand, by ${who}`,
    block: { number: snapshot.block.number, hash: snapshot.block.hash },
    payment: found.payment,
    offered: snapshot.task.payment,
    responseDigest: responseDigest(found),
    provider: found.provider,
  };
  let confirmation: Confirmation | undefined;
  return {
    signed: async (attempt) => {
      // An intent without its signature would have the daemon pay what the command says it did not.
      confirmation ??= await journal.decide([decision], now());
      if (confirmation === undefined) {
        throw new RefusedError(`another confirmation holds the task ${task} in the journal: nothing was sent`, {
          code: "ALREADY_SENT",
          remedy: "start the daemon, which finishes it; a task is paid once",
        });
      }
      const { id, attempts } = confirmation;
      try {
        confirmation = await journal.recordAttempt(id, signer, attempt, [lease]);
      } catch (error) {
        if (attempts.length === 0) {
          await journal.changeConfirmation(id, { state: "rejected", reason: "it could not be recorded" }, [lease]);
          confirmation = undefined;
        }
        throw error;
      }
    },
    mined: async (mined) => {
      if (confirmation === undefined) return;
      // It is paid, whatever the journal says: the daemon finds its receipt.
      await journal.changeConfirmation(confirmation.id, { state: "mined", mined }, [lease]).catch(() => undefined);
    },
  };
}
