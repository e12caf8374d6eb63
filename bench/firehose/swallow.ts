import { setImmediate } from "node:timers/promises";
import { Subject } from "rxjs";
import type { ChainEvent } from "../../src/protocol/events.ts";
import { decodeEvent, type RpcLog } from "../../src/protocol/events.ts";
import type { Ours } from "./ours.ts";

/** Messages that are taken before the journal gets a turn: about what a socket hands over at once. */
const burst = 1_000;

/** Feeds messages to ours without a socket, as the socket's stream would. */
export function createSwallow(ours: Ours) {
  const events$ = new Subject<readonly ChainEvent[]>();
  const subscription = ours.live(events$).subscribe();
  /** Resolves when everything that concerns us is in the journal. */
  const swallow = async (messages: readonly string[]): Promise<void> => {
    for (let start = 0; start < messages.length; start += burst) {
      for (let at = start; at < Math.min(messages.length, start + burst); at++) {
        const message = ours.parse(messages[at] ?? "") as { params: { result: RpcLog } } | undefined;
        if (message === undefined) continue;
        const event = decodeEvent(message.params.result);
        if (event === undefined) continue;
        ours.handOver(1);
        events$.next([event]);
      }
      await setImmediate();
    }
    while (ours.waiting() > 0) await setImmediate();
  };
  return { swallow, stop: () => subscription.unsubscribe() };
}
