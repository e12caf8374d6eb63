import type { VerdictRecord } from "./journal/journal.ts";
import type { Policy } from "./policy/policyPort.ts";
import type { UnixSeconds } from "./protocol/brand.ts";

/**
 * Until when a response was told to wait, by this very policy, where that time is still to come. Another policy, or another
 * version of it, looks at once.
 *
 * @param last Its newest verdict.
 * @param now By the chain's clock.
 */
export function waitsUntil(
  last: VerdictRecord | undefined,
  { digest }: Pick<Policy, "digest">,
  now: UnixSeconds,
): UnixSeconds | undefined {
  if (last?.policyDigest !== digest || last.until === undefined) return undefined;
  return last.until > now ? last.until : undefined;
}
