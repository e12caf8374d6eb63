/** Work that is done now and then, and never for more than a hundredth of the time. */
type SelfPaced = { readonly stop: () => void; readonly soon: () => void };

/**
 * Repeats reads of the journal for the page: SQLite answers in the daemon's own thread, so a read that takes long (a large
 * journal, a slow disk) is done the more seldom.
 *
 * @param everyMs The shortest pause.
 * @param onError What the work threw; it is tried again.
 */
export function selfPaced(
  work: () => Promise<void>,
  { everyMs, onError }: { readonly everyMs: number; readonly onError: (error: unknown) => void },
): SelfPaced {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running = false;
  const run = async () => {
    running = true;
    const startedAt = performance.now();
    try {
      await work();
    } catch (error) {
      onError(error);
    }
    running = false;
    const took = performance.now() - startedAt;
    if (!stopped) timer = setTimeout(() => void run(), Math.max(everyMs, took * 100)).unref();
  };
  void run();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
    soon: () => {
      if (stopped || running) return;
      clearTimeout(timer);
      void run();
    },
  };
}
