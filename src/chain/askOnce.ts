/**
 * Puts the same question once while its answer is under way: whoever asks meanwhile waits for the same answer, and for
 * the same error. Nothing is remembered afterwards.
 */
export function askOnce<K, V>(ask: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const underWay = new Map<K, Promise<V>>();
  return (key) => {
    const asked = underWay.get(key);
    if (asked !== undefined) return asked;
    const answer = ask(key).finally(() => underWay.delete(key));
    underWay.set(key, answer);
    return answer;
  };
}

/** Works on all items, so many at once; the results in the items' order. Rejects with the first error, and then begins no more. */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const run = async () => {
    for (let index = next++; index < items.length; index = next++) {
      try {
        results[index] = await work(items[index] as T);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run));
  return results;
}
