import { formatOgpu } from "../protocol/amounts.ts";
import { checksummed, type TaskAddress, toAddress } from "../protocol/brand.ts";
import type { JournalSite } from "./journalSite.ts";
import { besideDaemon } from "./withJournal.ts";

/**
 * What the journal means to pay for a task, where that is another response: a person who pays this one by hand, with a key that is
 * not the daemon's, should know of it.
 */
export async function approvedInstead(
  site: JournalSite,
  { task, response }: { readonly task: string; readonly response: string },
): Promise<readonly (readonly [name: string, value: string])[]> {
  if (!(await site.exists())) return [];
  const known = await besideDaemon(site, (journal) => journal.task(toAddress<TaskAddress>(task)));
  const meant = known?.confirmation;
  if (meant === undefined || meant.response === response.toLowerCase()) return [];
  const by = known?.verdicts.find(({ id }) => id === meant.verdictId)?.policy;
  const price = `${checksummed(meant.response)} for ${formatOgpu(meant.payment)}`;
  return [["approved instead", `${price}${by === undefined ? "" : `, by ${by}`} (${meant.state})`]];
}
