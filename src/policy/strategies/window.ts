import { type UnixSeconds, unixSeconds } from "../../protocol/brand.ts";
import type { WindowSpec } from "../policySpec.ts";
import type { Contender } from "./judged.ts";

type WindowFacts = {
  readonly expiryTime: UnixSeconds;
  /** What `latest` came to. */
  readonly latest: number;
  readonly publishedAt: UnixSeconds | undefined;
  /** The earliest submission of any response, eligible or not: what `published` falls back to. */
  readonly firstSubmittedAt: UnixSeconds;
};

/**
 * When a window closes, by the chain's clock: `seconds` after it opened, never later than `latest`, and never at or
 * after the task's expiry. All of it follows from the chain's state, so it is the same after a restart.
 */
export function closesAt(
  { from, seconds }: Pick<WindowSpec, "from" | "seconds">,
  contenders: readonly Contender[],
  { expiryTime, latest, publishedAt, firstSubmittedAt }: WindowFacts,
): UnixSeconds {
  const firstEligible = Math.min(...contenders.map(({ item }) => item.response.submittedAt));
  const opened = from === "published" ? (publishedAt ?? firstSubmittedAt) : firstEligible;
  return unixSeconds(Math.min(opened + seconds, latest, expiryTime - 1));
}
