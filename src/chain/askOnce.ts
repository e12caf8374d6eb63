/**
 * Puts the same question once while its answer is under way: whoever asks meanwhile waits for the same answer, and for
 * the same error. Nothing is remembered afterwards. What is given beside the key is the first one's.
 */
export function askOnce<K, V, Given extends readonly unknown[] = []>(
  ask: (key: K, ...given: Given) => Promise<V>,
): (key: K, ...given: Given) => Promise<V> {
  const underWay = new Map<K, Promise<V>>();
  return (key, ...given) => {
    const asked = underWay.get(key);
    if (asked !== undefined) return asked;
    const answer = ask(key, ...given).finally(() => underWay.delete(key));
    underWay.set(key, answer);
    return answer;
  };
}
