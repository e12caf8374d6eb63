import type { ChainPort } from "../chain/chainPort.ts";
import { createTaskIndex } from "../chain/taskIndex.ts";
import { createWatch, type Watch } from "../chain/watch.ts";
import type { Config } from "../config/schema.ts";
import type { Journal } from "../journal/journal.ts";
import type { Signer } from "../signer/signerPort.ts";

/** What is said where a daemon would look at nobody's tasks; `undefined` where it looks at somebody's. */
export function nothingWatched({ watch }: Pick<Config, "watch">, signers: readonly Signer[]): string | undefined {
  if (signers.length + watch.sources.length + watch.clients.length > 0) return undefined;
  return "nothing is watched: without a key there are no sources of its own; give the key, or name sources in watch.sources or clients in watch.clients";
}

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
