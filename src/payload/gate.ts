/** Runs at most `width` tasks at once. */
type Gate = <T>(task: () => Promise<T>) => Promise<T>;

/** Bounds how many tasks run at once, first come first served. */
export function createGate(width: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  const release = () => {
    running--;
    waiting.shift()?.();
  };
  return (task) => {
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
