import type { Confirmation } from "../journal/journal.ts";
import type { TrackDeps } from "./track.ts";

/** What would free a confirmation's nonce would pass a ceiling: the operator is told, once. */
export function tellCeiling(
  { lane, report }: Pick<TrackDeps, "lane" | "report">,
  confirmation: Confirmation,
  cap: string,
): void {
  if (lane.isNews(confirmation.id, "ceiling")) report({ type: "fee-ceiling", confirmation, cap });
}
