import { type Subscription, timer } from "rxjs";
import type { Clock } from "../clock.ts";

type SilenceWatch = {
  /** From now on heads are expected. */
  readonly onUp: () => void;
  readonly onSocketHead: (number: bigint) => void;
  readonly onHttpHead: (number: bigint) => void;
  readonly stop: () => void;
};

/** A block that the socket told of, and no node has over HTTP yet. */
type Ahead = {
  readonly block: bigint;
  /** On the clock. */
  readonly since: number;
  /** The newest one over HTTP by then. */
  readonly overHttp: bigint;
};

/**
 * Notices a subscription that is dead while its connection lives: HTTP is ahead, and the socket brings no head for so
 * long; and one that tells of what is not so: HTTP goes on, and does not come to a head of the socket's in that time. A chain
 * that stands still is nobody's fault.
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
  let ahead: Ahead | undefined;
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
  const isAhead = (number: bigint) => overHttp > 0n && number > overHttp;
  const lookAtSocket = (number: bigint) => {
    if (ahead === undefined) ahead = isAhead(number) ? { block: number, since: clock.now(), overHttp } : undefined;
    else if (number < ahead.block) ahead = isAhead(number) ? { ...ahead, block: number } : undefined;
  };
  const lookAtHttp = (number: bigint) => {
    if (ahead === undefined) return;
    const { block, since } = ahead;
    if (number >= block) ahead = undefined;
    else if (number > ahead.overHttp && clock.now() - since >= silenceMs) {
      ahead = undefined;
      onSilence(`it told of block ${block}, and HTTP is at block ${number} after ${silenceMs} ms`);
    }
  };
  return {
    onUp: () => {
      overSocket = overHttp;
    },
    onSocketHead: (number) => {
      stop();
      overSocket = number;
      look();
      lookAtSocket(number);
    },
    onHttpHead: (number) => {
      overHttp = number;
      look();
      lookAtHttp(number);
    },
    stop,
  };
}
