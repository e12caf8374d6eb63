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
