import type { Confirmation } from "../journal/journal.ts";

/** A key that may sign, and how much more of its own may be in flight. */
export type KeyRoom<Key> = { readonly key: Key; readonly inFlight: number; readonly room: number };

type Shares<Key> = {
  /** In order, for each key that was given any. */
  readonly shares: ReadonlyMap<Key, readonly Confirmation[]>;
  /** What no key with room may take now, in order. */
  readonly rest: readonly Confirmation[];
};

/**
 * Gives each intent, in order, to the key with the fewest in flight of those that have room and may take it.
 * @param most For one key, at the most.
 */
export function shareOut<Key>(
  intents: readonly Confirmation[],
  rooms: readonly KeyRoom<Key>[],
  most: number,
  mayTake: (intent: Confirmation, key: Key) => boolean = () => true,
): Shares<Key> {
  const shares = new Map<Key, Confirmation[]>();
  const rest: Confirmation[] = [];
  const given = (key: Key) => shares.get(key)?.length ?? 0;
  for (const [index, intent] of intents.entries()) {
    const open = rooms.filter(({ key, room }) => given(key) < Math.min(room, most));
    if (open.length === 0) {
      rest.push(...intents.slice(index));
      break;
    }
    const [first, ...others] = open.filter(({ key }) => mayTake(intent, key));
    if (first === undefined) {
      rest.push(intent);
      continue;
    }
    const load = ({ key, inFlight }: KeyRoom<Key>) => inFlight + given(key);
    const { key } = others.reduce((least, each) => (load(each) < load(least) ? each : least), first);
    const share = shares.get(key);
    if (share) share.push(intent);
    else shares.set(key, [intent]);
  }
  return { shares, rest };
}
