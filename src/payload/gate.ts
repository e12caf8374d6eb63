/** Runs at most `width` tasks at once; `undefined` where the queue behind them is full. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T> | undefined;

/**
 * Bounds how many tasks run at once, first come first served.
 *
 * @param width Tasks at once.
 * @param queue Tasks that may wait.
 */
export function createGate(width: number, queue: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  const release = () => {
    running--;
    waiting.shift()?.();
  };
  return (task) => {
    if (running >= width && waiting.length >= queue) return undefined;
    const turn = new Promise<void>((resolve) => {
      const start = () => {
        running++;
        resolve();
      };
      if (running < width) start();
      else waiting.push(start);
    });
    return turn.then(task).finally(release);
  };
}
