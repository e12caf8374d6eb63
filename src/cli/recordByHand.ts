import type { ChainPort } from "../chain/chainPort.ts";
import { RefusedError } from "../client/errors.ts";
import { type Judged, requireSame } from "../client/requireSame.ts";
import { BaseError, FatalError, RetryableError } from "../errors.ts";
import type { Attempt, Confirmation, Decision, Mined } from "../journal/journal.ts";
import type { ResponseAddress, TaskAddress } from "../protocol/brand.ts";
import { responseDigest } from "../protocol/responseDigest.ts";
import { byHand } from "../sink/guardrails/caps.ts";
import type { HeldKey } from "./withKey.ts";

export type ByHand = {
  /** Durable when it resolves: then it may be sent. @throws what the journal has against it; nothing is sent then. */
  readonly signed: (attempt: Attempt) => Promise<void>;
  /** Takes note of where it was mined; the daemon follows it from there until it is final. */
  readonly mined: (mined: Mined) => Promise<void>;
  /** What to throw where it came to nothing so far: what is recorded goes on without the command. */
  readonly failed: (error: unknown) => unknown;
};

type Paid = {
  readonly task: TaskAddress;
  readonly response: ResponseAddress;
  /** What was shown of it, and is meant. */
  readonly expected: Judged;
  /** Who gave the command. */
  readonly who: string;
  readonly now: () => number;
};

/**
 * Keeps a confirmation by hand in the journal as the daemon keeps its own: the next daemon knows that the nonce is taken and
 * the task is being paid, and finishes what the command did not. Where the daemon means to pay this very response and has
 * signed nothing for it, what is signed by hand is signed for that intent.
 *
 * `undefined` where the journal is to know nothing of it: a daemon runs (it would take the key for one of its own); the key
 * has paid nothing for it so far (it may be the client's: what it signs, a daemon without that key could not replace, and no
 * command could use the key beside a daemon any more); or the task is not open there.
 *
 * @throws RefusedError `ALREADY_SENT` if another confirmation holds the task, `RESPONSE_CHANGED` if the response is not the one
 *   that was shown; RetryableError `NODE_BEHIND` if the node does not have the response yet.
 */
export async function recordByHand(
  { journal, lease, besideDaemon }: Omit<HeldKey, "requireHeld">,
  chain: Pick<ChainPort, "snapshot">,
  { task, response, expected, who, now }: Paid,
): Promise<ByHand | undefined> {
  const { signer } = lease;
  if (besideDaemon || (await journal.highestNonce(signer)) === undefined) return undefined;
  const known = await journal.task(task);
  if (known === undefined) return undefined;
  const intent = known.confirmation;
  if (intent !== undefined) requireIntentOf(intent, response);
  else if (known.state !== "open") return undefined;
  const snapshot = await chain.snapshot(task, known.source, [response]);
  const found = snapshot.responses.find(({ address }) => address === response);
  if (found === undefined) {
    const message = `the node does not have the response ${response} in block ${snapshot.block.number}: nothing was sent`;
    throw new RetryableError(message, { code: "NODE_BEHIND", remedy: "try again in a moment" });
  }
  requireSame(response, expected, found);
  const decision: Decision = {
    ...{ task, response, kind: "confirm", mode: "enforce", until: undefined },
    ...{ policy: byHand, policyDigest: "", payloadDigest: "" },
    reason: `confirmed by hand, by ${who}`,
    block: { number: snapshot.block.number, hash: snapshot.block.hash },
    payment: found.payment,
    offered: snapshot.task.payment,
    responseDigest: responseDigest(found),
    provider: found.provider,
  };
  if (intent !== undefined && intent.responseDigest !== decision.responseDigest) {
    throw taken(
      intent,
      "start the daemon: it drops what is not there any more, and judges what is there now; or try again then",
    );
  }
  let recorded: Confirmation | undefined;
  let isKept: boolean | "perhaps" = false;
  return {
    signed: async (attempt) => {
      const before = recorded ?? intent;
      try {
        recorded =
          before === undefined
            ? await journal.recordByHand(decision, signer, attempt, now(), [lease])
            : await journal.recordAttempt(before.id, signer, attempt, [lease]);
        isKept = true;
      } catch (error) {
        // It is in the journal, and may come to the disk yet.
        if (error instanceof FatalError && error.code === "JOURNAL_UNSYNCED") isKept = true;
        if (error instanceof FatalError && untold.has(error.code)) isKept ||= "perhaps";
        throw error;
      }
    },
    mined: async (mined) => {
      if (recorded === undefined) return;
      // It is paid, whatever the journal says: the daemon finds its receipt.
      await journal.changeConfirmation(recorded.id, { state: "mined", mined }, [lease]).catch(() => undefined);
    },
    failed: (error) => (isKept && error instanceof BaseError ? new LeftToDaemonError(error, isKept) : error),
  };
}

/** A server's journal is another daemon's by then, or an older copy: what was stored last may be in it. */
const untold: ReadonlySet<string> = new Set(["JOURNAL_TAKEN", "JOURNAL_LOST"]);

/** The same failure, with what becomes of what the journal keeps. */
class LeftToDaemonError extends BaseError {
  override readonly exitCode: number;

  constructor(error: BaseError, isKept: true | "perhaps") {
    const follows = "follows what was signed and, if that pays nothing and the task can still be paid, pays it itself";
    super(error.message, {
      code: error.code,
      remedy:
        isKept === "perhaps"
          ? `the journal may have kept it, and then the daemon that holds it ${follows}: look what it has of the task ` +
            "(`ogpu-confirmd tasks`), and on the chain (`responses TASK`), before you pay by other means"
          : `the journal keeps it: start the daemon, which ${follows}; \`ogpu-confirmd pause\` before that keeps it from ` +
            "signing anything new",
      cause: error,
    });
    this.exitCode = error.exitCode;
  }
}

/** @throws RefusedError unless it is what the daemon means to pay for this response, and nobody has signed anything for it. */
function requireIntentOf(confirmation: Confirmation, response: ResponseAddress): void {
  const { state, attempts } = confirmation;
  if (state === "dead") {
    throw taken(confirmation, `see that it did not pay; if so, pay with ${otherKey}`);
  }
  if (state !== "intended" || attempts.length > 0) {
    throw taken(confirmation, "start the daemon, which finishes it; a task is paid once");
  }
  if (confirmation.response !== response) {
    throw taken(
      confirmation,
      "start the daemon, which pays that one (`ogpu-confirmd limits` tells what it waits for); or pay this one before with " +
        otherKey,
    );
  }
}

const otherKey = "a key that the daemon does not pay with, such as the client's (`--signer-key-file FILE`)";

const taken = ({ id, task, response, state }: Confirmation, remedy: string) =>
  new RefusedError(
    `confirmation ${id} (${state}) holds the task ${task} in the journal, for the response ${response}: nothing was sent`,
    { code: "ALREADY_SENT", remedy },
  );
