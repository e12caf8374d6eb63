import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { eventTopics } from "../../src/protocol/events.ts";
import { watchSocket } from "./sentTransactions.ts";

/** A node's port for WebSockets, with a stopwatch at their bytes. */
export type StopwatchProxy = {
  readonly ws: string;
  /** Milliseconds from the next response's event, on its way to the contender, to the hash of its next transaction. */
  readonly next: () => Promise<number>;
  readonly close: () => Promise<void>;
};

/** Passes everything on as it comes, for every contender alike; it stands in this process, so that one clock tells the time. */
export async function openStopwatchProxy(nodePort: number): Promise<StopwatchProxy> {
  const open = new Set<Socket>();
  let seen: number | undefined;
  let settle: ((ms: number) => void) | undefined;
  const accepted = () => {
    if (seen === undefined) return;
    settle?.(performance.now() - seen);
    settle = undefined;
  };
  const server = createServer((client) => {
    const node = connect(nodePort, "127.0.0.1");
    const watch = watchSocket({
      stage: () => settle && (seen === undefined ? "event" : "transaction"),
      onNotice: (text) => {
        if (text.includes(eventTopics.ResponseSubmitted)) seen ??= performance.now();
      },
      onAccepted: accepted,
    });
    for (const socket of [client, node]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        client.destroy();
        node.destroy();
      });
    }
    client.on("data", (bytes) => {
      node.write(bytes);
      watch.fromClient(bytes);
    });
    node.on("data", (bytes) => {
      watch.fromNode(bytes);
      client.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ws: `ws://127.0.0.1:${port}`,
    next: () => {
      seen = undefined;
      return new Promise((resolve) => {
        settle = resolve;
      });
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
