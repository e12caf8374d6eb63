import type { Confirmation } from "../journal/journal.ts";

/** Whether what was signed last took the place of an earlier transaction of the same nonce. */
export function isReplacement({ attempts }: Pick<Confirmation, "attempts">): boolean {
  const [before, newest] = attempts.slice(-2);
  return newest !== undefined && before?.nonce === newest.nonce && before.signer === newest.signer;
}
