import { type Subscription, timer } from "rxjs";
import type { Clock } from "../clock.ts";

export type SilenceWatch = {
  /** From now on heads are expected. */
  readonly onUp: () => void;
  readonly onSocketHead: (number: bigint) => void;
  readonly onHttpHead: (number: bigint) => void;
  readonly stop: () => void;
};

/**
 * Notices a subscription that is dead while its connection lives: HTTP is ahead, and the socket brings no head for so
 * long. A chain that stands still is nobody's fault.
 */
export function watchForSilence({
  silenceMs,
  clock,
  onSilence,
}: {
  readonly silenceMs: number;
  readonly clock: Clock;
  readonly onSilence: (why: string) => void;
}): SilenceWatch {
  let overHttp = 0n;
  let overSocket: bigint | undefined;
  let running: Subscription | undefined;
  const stop = () => {
    running?.unsubscribe();
    running = undefined;
  };
  const look = () => {
    if (running || overSocket === undefined || overHttp <= overSocket) return;
    running = timer(silenceMs, clock.scheduler).subscribe(() =>
      onSilence(`no head for ${silenceMs} ms, while HTTP is at block ${overHttp}`),
    );
  };
  return {
    onUp: () => {
      overSocket = overHttp;
    },
    onSocketHead: (number) => {
      stop();
      overSocket = number;
      look();
    },
    onHttpHead: (number) => {
      overHttp = number;
      look();
    },
    stop,
  };
}
