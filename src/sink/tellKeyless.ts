import { checksummed } from "../protocol/brand.ts";
import type { InFlight } from "./lane.ts";
import type { TrackDeps } from "./track.ts";

/** So many times `rebroadcastAfterMs` it may be unmined. */
const patience = 10;

/**
 * What was signed with a key that the daemon does not have any more nobody can replace or cancel. Where it is not mined for long the
 * operator is told, once; and not before this process has sent it, or held it back, for a while: it may be mined at once then.
 */
export function tellKeyless(
  { lane, report, signer, now, rebroadcastAfterMs }: TrackDeps,
  { confirmation, sentAt, doomedSince }: InFlight,
): void {
  const since = sentAt ?? doomedSince ?? now();
  const signedAt = confirmation.attempts.at(-1)?.signedAt ?? now();
  // What nodes refuse for good is told of in their words, where it may be sent at all.
  if (doomedSince === undefined && lane.refusals.of(confirmation) !== undefined) return;
  if (now() - since < rebroadcastAfterMs || now() - signedAt < patience * rebroadcastAfterMs) return;
  if (!lane.isNews(confirmation.id, "no-key")) return;
  const message = `its key ${checksummed(signer.address)} is not configured: configure it again, or use the nonce up by hand`;
  report({ type: "hopeless", confirmation, message, did: "no-key" });
}
