import type { ChainPort } from "../chain/chainPort.ts";
import { createTaskIndex } from "../chain/taskIndex.ts";
import { createWatch, type Watch } from "../chain/watch.ts";
import type { Config } from "../config/schema.ts";
import type { Journal } from "../journal/journal.ts";

type Deps = { readonly chain: ChainPort; readonly journal: Pick<Journal, "leases"> };

/**
 * Tells whose tasks the daemon looks at, by the configuration and the keys that it has ever held in the journal: none is read.
 * @returns `undefined` where neither names anybody.
 */
export async function watchedSources(
  { chain, journal }: Deps,
  { watch, signer }: Pick<Config, "watch" | "signer">,
): Promise<Watch["isWatched"] | undefined> {
  const held = (await journal.leases()).map((lease) => lease.signer);
  const own = watch.own ? [...new Set([...held, ...signer.remoteAddresses])] : [];
  if (watch.sources.length + watch.clients.length + own.length === 0) return undefined;
  // Whose a source is, the chain says.
  const unasked = { knownTasks: async () => new Set<never>(), tasksOfResponses: async () => new Map<never, never>() };
  const options = { sources: new Set(watch.sources), clients: new Set(watch.clients), own };
  return createWatch({ chain, journal: unasked, index: createTaskIndex() }, options).isWatched;
}
