import { type Failure, PayloadError } from "./failure.ts";

type Deadline = {
  /** Aborts with a `PayloadError` as its reason. */
  readonly signal: AbortSignal;
  /** Aborts now, unless it has: nothing that was begun under it goes on. */
  readonly end: () => void;
};

/**
 * Starts a deadline.
 *
 * @param ms Milliseconds until it aborts with `failure`.
 * @param parent Aborts it too, with its own reason.
 */
export function startDeadline(ms: number, failure: Failure, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new PayloadError(failure)), ms);
  const follow = () => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  parent?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      parent?.removeEventListener("abort", follow);
      controller.abort();
    },
  };
}
