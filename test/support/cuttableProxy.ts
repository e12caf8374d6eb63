import { createServer, connect as dial, type Socket } from "node:net";

/** A way to a server on loopback that can be cut. */
export type CuttableProxy = {
  readonly port: number;
  /**
   * Cuts all ways when the next message that fits comes: `before` the server gets it, or `after` it has answered, so that
   * the answer is lost.
   */
  readonly cutAt: (fits: string | ((bytes: Buffer) => boolean), when: "before" | "after") => void;
  /** Nobody gets through, as where a server is gone. */
  readonly close: () => void;
  readonly open: () => void;
  readonly isOpen: () => boolean;
  readonly stop: () => Promise<void>;
};

export async function startCuttableProxy(target: number): Promise<CuttableProxy> {
  const ways = new Set<Socket>();
  let armed: { readonly fits: (bytes: Buffer) => boolean; readonly when: "before" | "after" } | undefined;
  let isOpen = true;
  const cut = () => {
    isOpen = false;
    for (const socket of ways) socket.destroy();
  };
  const server = createServer((client) => {
    if (!isOpen) {
      client.destroy();
      return;
    }
    const upstream = dial(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      ways.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        ways.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    let isLast = false;
    client.on("data", (bytes) => {
      if (armed?.fits(bytes)) {
        const { when } = armed;
        armed = undefined;
        if (when === "before") return cut();
        isLast = true;
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (isLast) cut();
      else client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cutAt: (fits, when) => {
      armed = { fits: typeof fits === "string" ? (bytes) => bytes.includes(fits) : fits, when };
    },
    close: cut,
    open: () => {
      isOpen = true;
    },
    isOpen: () => isOpen,
    stop: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
