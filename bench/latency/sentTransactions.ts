import { createFrameReader } from "./frames.ts";

const sendMethod = "eth_sendRawTransaction";

/** What passes on one WebSocket between a contender and the node. */
export type SocketWatch = {
  readonly fromClient: (bytes: Buffer) => void;
  readonly fromNode: (bytes: Buffer) => void;
};

type WireMessage = { readonly id?: unknown; readonly method?: string; readonly result?: unknown };

export type WatchedFor = {
  /** What is looked for at present: before an event nothing that the client says is read, and at other times nothing at all. */
  readonly stage: () => "event" | "transaction" | undefined;
  /** With the notice's text. */
  readonly onNotice: (text: string) => void;
  readonly onAccepted: () => void;
};

/**
 * Tells when a subscriber is told of something, and when a transaction is answered with a hash: by the id under which it was
 * sent on the same connection, whatever else is asked there.
 */
export function watchSocket({ stage, onNotice, onAccepted }: WatchedFor): SocketWatch {
  const client = createFrameReader();
  const node = createFrameReader();
  const sent = new Set<unknown>();
  return {
    fromClient: (bytes) => {
      for (const read of client.take(bytes)) {
        if (stage() !== "transaction") continue;
        const text = read();
        if (!text.includes(sendMethod)) continue;
        for (const { id, method } of messagesIn(text)) if (method === sendMethod) sent.add(id);
      }
    },
    fromNode: (bytes) => {
      for (const read of node.take(bytes)) {
        if (stage() === undefined) continue;
        const text = read();
        if (text.includes('"eth_subscription"')) onNotice(text);
        else if (sent.size > 0) {
          for (const { id, result } of messagesIn(text))
            if (sent.delete(id) && typeof result === "string") onAccepted();
        }
      }
    },
  };
}

const messagesIn = (text: string): readonly WireMessage[] => [JSON.parse(text) as WireMessage | WireMessage[]].flat();
