import { createServer, type Socket } from "node:net";
import pg from "pg";
import type { PostgresServer } from "../../devnet/postgres.ts";

/** A pooler that lends a session of the server for one transaction, as PgBouncer does in that mode: the last one given back first. */
export type TransactionPooler = { readonly port: number; readonly stop: () => Promise<void> };

/** Both sides of the protocol: a kind, a length that counts itself, and what belongs to it. */
function createFrames(onFrame: (kind: string, frame: Buffer) => void) {
  let left = Buffer.alloc(0);
  return (bytes: Buffer) => {
    left = Buffer.concat([left, bytes]);
    while (left.length >= 5 && left.length > left.readUInt32BE(1)) {
      const frame = left.subarray(0, left.readUInt32BE(1) + 1);
      left = left.subarray(frame.length);
      onFrame(String.fromCharCode(frame[0] ?? 0), frame);
    }
  };
}

const greeting = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

export async function startTransactionPooler(server: PostgresServer, database: string): Promise<TransactionPooler> {
  const idle: Socket[] = [];
  const all = new Set<Socket>();
  const session = async (): Promise<Socket> => {
    const free = idle.pop();
    if (free !== undefined) return free;
    const url = new URL(server.urlOf(database));
    url.password = encodeURIComponent(server.password);
    const client = new pg.Client({ connectionString: url.href });
    client.on("error", () => undefined);
    await client.connect();
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    all.add(stream.removeAllListeners("data"));
    return stream;
  };

  const listener = createServer((client) => {
    all.add(client);
    client.on("error", () => undefined);
    let upstream: Promise<Socket> | undefined;
    let unanswered = 0;
    const borrow = async (): Promise<Socket> => {
      const lent = await session();
      const onFrame = (kind: string, frame: Buffer) => {
        client.write(frame);
        if (kind !== "Z") return;
        unanswered -= 1;
        if (unanswered > 0 || frame[5] !== 0x49) return;
        lent.off("data", read);
        idle.push(lent);
        upstream = undefined;
      };
      const read = createFrames(onFrame);
      lent.on("data", read);
      return lent;
    };
    let sent = Promise.resolve();
    const onMessage = createFrames((kind, frame) => {
      if (kind === "X") return void client.end();
      // A query, and a Sync, are answered by one ReadyForQuery each.
      if (kind === "Q" || kind === "S") unanswered += 1;
      upstream ??= borrow();
      const to = upstream;
      sent = sent.then(async () => void (await to).write(frame));
    });
    client.once("data", () => {
      client.write(greeting);
      client.on("data", onMessage);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", () => resolve()));
  const address = listener.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of all) socket.destroy();
        listener.close(() => resolve());
      }),
  };
}
